"""Whether a worker stayed as it was: what was sent and seen during a soak, judged.

Comes in: looks at the worker, results, calls. Goes out: a line for each figure, and whether it keeps its bound. Not here:
sending and looking.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.figures import percentile, slope

if TYPE_CHECKING:
    from bench.google import Arrival

#: What the second half may add to memory, by the line of least squares, and to sockets. Half an hour fills RocksDB's
#: buffers; a shorter run shows how they fill, and a worker that falls behind shows what waits.
MORE_MB, MORE_OTHERS = 10.0, 4

#: Each table and partition is a database with its log, its lists and its sorted files: four of these wait for the next
#: compaction, which takes half an hour to come at this rate, so no slope says anything about them.
FILES_EACH = 16

SETTLED_S, P99_S = 30.0, 2.0


class Look(NamedTuple):
    """The worker at one moment: seconds since the start, memory in MB, what it had left to do, its files."""

    at: float
    memory: float
    left: float
    files: int
    others: int


@dataclass
class Told:
    """What was sent and seen."""

    looks: list[Look] = field(default_factory=list)
    sent: dict[tuple[str, int], float] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    settled_s: float = 0.0
    databases: int = 0

    def note(self, shift: str, version: int) -> None:
        """Note a change just before it is sent."""
        self.sent[shift, version] = time.time()
        self.newest[shift] = version


class Line(NamedTuple):
    """One figure of the summary, and whether it keeps its bound."""

    name: str
    shown: str
    kept: bool = True


def judged(told: Told, results: list[dict[str, Any]], calls: list[Arrival]) -> list[Line]:
    """Return the figures, the bounds kept or not."""
    took = _seconds(told, results)
    reached = {(one["shift_id"], one["version"]) for one in results}
    lost = sum((shift, version) not in reached for shift, version in told.newest.items())
    per_change = len(calls) / max(1, len(reached))
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    sent = f"{len(told.sent)} in {told.seconds:.0f} s, {len(told.sent) / told.seconds:.1f}/s"
    return [
        Line("changes sent", sent),
        Line("newest versions that did not reach Google", str(lost), lost == 0),
        Line("lag 0 and no work left after", f"{told.settled_s:.1f} s", told.settled_s <= SETTLED_S),
        Line("left to do on the way", f"{max(look.left for look in told.looks):g} at most"),
        Line("calls per net change", f"{per_change:.4f}", per_change <= 1.0),
        Line("produce to Google's answer", f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms", p99 <= P99_S),
        _steady("memory", [(look.at, look.memory) for look in told.looks], MORE_MB),
        _no_more("sockets and the like", [look.others for look in told.looks]),
        _bounded("files of tables", told),
    ]


def _seconds(told: Told, results: list[dict[str, Any]]) -> list[float]:
    """How long each change took that has a result; both clocks are this machine's."""
    return [
        datetime.fromisoformat(one["at"]).timestamp() - told.sent[one["shift_id"], one["version"]]
        for one in results
    ]


def _steady(name: str, points: list[tuple[float, float]], more: float) -> Line:
    """Say how much a line of least squares through the second half rises."""
    half = points[len(points) // 2 :]
    rise = slope(half)
    span = half[-1][0] - half[0][0]
    values = [value for _, value in points]
    shown = (
        f"{rise * 3600:+.1f} MB/h over the last {span / 60:.1f} min, bound {more * 3600 / span:+.1f};"
        f" {values[0]:.0f} at first, {values[-1]:.0f} at the end, {max(values):.0f} at most"
    )
    return Line(name, shown, rise * span <= more)


def _no_more(name: str, values: list[int]) -> Line:
    """Say whether the second half had more at any moment than the first: idle connections come and go."""
    before, after = max(values[: len(values) // 2]), max(values[len(values) // 2 :])
    shown = f"{before} at most in the first half, {after} in the second"
    return Line(name, shown, after <= before + MORE_OTHERS)


def _bounded(name: str, told: Told) -> Line:
    """Say whether no database kept more files open than it may."""
    files, most = [look.files for look in told.looks], FILES_EACH * told.databases
    shown = f"{files[0]} at first, {files[-1]} at the end, {max(files)} at most, bound {most} ({told.databases} databases)"
    return Line(name, shown, max(files) <= most)
