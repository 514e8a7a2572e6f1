"""Sides that take turns at the same work, and what each turn took.

Comes in: sides, which shifts are changed in a turn, Google's latency. Goes out: `Turn`s by side. One side runs at a time: the
others are stopped, so that nobody idles at another's cost, and whatever else the machine does hits all alike. A turn begins
with one change for each user at no latency, so that tokens, connections and caches are warm. Its time is from just before the
first send to Google's last answer, by the stand-in's journal for everybody.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from bench.judge import wrong
from bench.stage import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.google import Google
    from bench.sides import Side


class Turn(NamedTuple):
    """What one side did in one turn; `wrong` says why it does not count."""

    changes: int
    seconds: float
    calls: int
    wrong: str

    @property
    def rate(self) -> float:
        """Changes a second."""
        return self.changes / self.seconds


@dataclass(frozen=True, slots=True)
class Work:
    """The shifts that change once in every turn, one message each, and how long each answer of Google takes on top."""

    shifts: Sequence[int]
    latency_ms: float


async def race(google: Google, sides: Sequence[Side], work: Work, turns: int) -> dict[str, list[Turn]]:
    """Let everybody fill their calendars, then take so many turns each; the order rotates."""
    runners = [Runner(google, side) for side in sides]
    for runner in runners:
        await runner.fill()
    took: dict[str, list[Turn]] = {side.name: [] for side in sides}
    for number in range(turns):
        first = number % len(runners)
        for runner in [*runners[first:], *runners[:first]]:
            turn = await runner.turn(work)
            took[runner.side.name].append(turn)
            say(
                f"turn {number + 1}, {runner.side.name}: {turn.rate:.1f} changes/s, {turn.calls / turn.changes:.2f} calls"
                f" each{', VOID: ' + turn.wrong if turn.wrong else ''}"
            )
    return took


class Runner:
    """A side with the version that each of its shifts has."""

    def __init__(self, google: Google, side: Side) -> None:
        self._google, self.side = google, side
        self.versions = dict.fromkeys(side.crew.shifts, 0)

    async def fill(self) -> None:
        """Set it up and have all its shifts written once, many to a message."""
        side, crew = self.side, self.side.crew
        await side.set_up()
        await side.start()
        mark = await self._google.mark()
        await side.tell((message, crew.calendar) for message in crew.all_changed(1))
        self.versions = dict.fromkeys(crew.shifts, 1)
        await self._google.until_written(mark, len(crew.shifts), check=side.check)
        await side.stop()

    async def turn(self, work: Work) -> Turn:
        """Start it, warm it, measure it, stop it, and look whether its calendars are right."""
        side = self.side
        await side.start()
        await self._change([number * side.crew.each for number in range(side.crew.users)])
        await self._google.slow(work.latency_ms)
        turn = await self._change(work.shifts)
        await self._google.slow(0)
        await side.stop()
        return turn._replace(wrong=await wrong(self._google, side.crew, self.versions))

    async def _change(self, shifts: Sequence[int]) -> Turn:
        crew, messages = self.side.crew, list[tuple[bytes, str]]()
        for shift in shifts:
            self.versions[shift] += 1
            messages.append((crew.changed([shift], self.versions[shift]), crew.shift_id(shift)))
        mark, began = await self._google.mark(), time.time()
        await self.side.tell(messages)
        calls = await self._google.until_written(mark, len(shifts), check=self.side.check)
        last = max(call.answered or 0.0 for call in calls)
        return Turn(len(shifts), last - began, len(calls), "")
