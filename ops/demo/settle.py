"""Wait until a change has arrived at Google, and say what it took.

In: a stage, the messages so far. Out: a `Figure` per step. Not here: what the steps do.
Settled means: every calendar is as worked out anew from the messages, the people's own events are untouched, and for a moment
nothing more was asked of Google; a call too many comes late, and must be seen.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final

from sandbox.expected import differences, expected, standing
from sandbox.google.journal import WRITES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.demo.stage import Stage
    from sandbox.google.journal import Entry

POLL_S: Final = 0.02
QUIET_S: Final = 0.4
LATE_S: Final = 45.0


@dataclass(frozen=True, slots=True)
class Figure:
    """What one step came to; `ms` holds a time for each write, from Kafka to the request at Google."""

    step: str
    changes: int
    calls: int
    ms: tuple[float, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def median_ms(self) -> float | None:
        """The time of the middle write; none where nothing was written."""
        return median(self.ms) if self.ms else None

    def __str__(self) -> str:
        changes = "1 event changed" if self.changes == 1 else f"{self.changes} events changed"
        calls = "1 call" if self.calls == 1 else f"{self.calls} calls"
        took = "" if self.median_ms is None else f", {self.median_ms:,.0f} ms from Kafka to Google"
        many = " at the median" if len(self.ms) > 1 else ""
        return f"{self.step}: {changes}, {calls}{took}{many}" + "".join(
            f"\n  WRONG: {line}" for line in self.wrong
        )


@dataclass(slots=True)
class Watch:
    """A look at the stage from the beginning of a step on."""

    stage: Stage
    step: str
    begun: float = field(default_factory=time.monotonic)
    since: int = 0
    """Where the journal stood before."""

    def __post_init__(self) -> None:
        self.since = len(self.stage.google.journal.entries)

    async def settled(self, quiet_s: float = QUIET_S, until: Callable[[], bool] = lambda: True) -> Figure:
        """Wait for the end of the step; `until` must hold as well. What is wrong after a long wait stands in the figure."""
        deadline = time.monotonic() + LATE_S
        wanted = expected(self.stage.sent, self.stage.accounts)
        wrong: tuple[str, ...] = ("nothing was looked at",)
        while time.monotonic() < deadline:
            self.stage.worker.check()
            if time.monotonic() - self._last() > quiet_s and until():
                wrong = tuple(differences(wanted, standing(self.stage.google.state)))
                if not wrong:
                    break
            await asyncio.sleep(POLL_S)
        return self.figure((*wrong, *self._others(), *self._forbidden()))

    async def under_way(self, calls: int, wait_s: float = 1.0) -> None:
        """Wait until so many calls were made, or for a moment where fewer follow."""
        while len(self.calls()) < calls:
            if time.monotonic() - self.begun > wait_s:
                return
            await asyncio.sleep(0.002)

    def figure(self, wrong: tuple[str, ...] = ()) -> Figure:
        """Count what happened since the beginning."""
        written = [entry for entry in self.calls() if entry.committed]
        times = tuple((entry.mono - self.begun) * 1000 for entry in written)
        return Figure(self.step, len(written), len(self.calls()), times, wrong)

    def calls(self) -> list[Entry]:
        """Requests to the calendar API since the beginning; tokens cost no quota."""
        return [
            entry
            for entry in self.stage.google.journal.entries[self.since :]
            if entry.method.startswith("events.")
        ]

    def _last(self) -> float:
        calls = self.stage.google.journal.entries[self.since :]
        return max([self.begun, *(entry.answered_mono or entry.mono for entry in calls)])

    def _others(self) -> list[str]:
        """Say whose own events were touched."""
        return [
            f"{entry.account}: {entry.method} on an event that is not ours"
            for entry in self.calls()
            if entry.method in WRITES and not (entry.event_id or "").startswith("bgs")
        ]

    def _forbidden(self) -> list[str]:
        """Say what Google's own description of the API does not allow."""
        return list(self.stage.google.journal.violations)
