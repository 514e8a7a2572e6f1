"""`python -m bench.soak --minutes 60`: one worker, twenty changes a second, and whether it stays as it was.

Comes in: how long. Goes out: a line now and then, the figures, exit 1 where a bound is missed. Not here: how fast it can
be; that is the scenarios' business.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import uvloop

from bench.crew import Crew
from bench.figures import percentile, slope
from bench.machine import Clock, Load, open_files, resident_mb
from bench.processes import BenchFailed
from bench.stage import open_stage, say
from tests.kafka import start_kafka

if TYPE_CHECKING:
    from bench.google import Arrival
    from bench.stage import Stage

LOOK_S, SAY_S = 3.0, 30.0

#: One message in so many cannot be read.
SPOILED = 50

#: What the second half may add, by the line of least squares; after half an hour RocksDB's buffers have their size.
MORE_MB, MORE_OTHERS = 10.0, 4.0

#: Each table and partition is a database with its log, its lists and its sorted files: four of these wait for the next
#: compaction, which takes half an hour to come at this rate, so no slope says anything about them.
FILES_EACH = 16

SETTLED_S, P99_S = 30.0, 2.0


class Look(NamedTuple):
    """The worker at one moment: seconds since the start, memory in MB, files of its state, other descriptors."""

    at: float
    memory: float
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


def main() -> int:
    """Run it; 1 where a bound is missed or the worker ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="how long changes are sent (60)")
    parser.add_argument("--rate", type=float, default=20, help="changes a second (20)")
    options = parser.parse_args()
    kafka = start_kafka()
    try:
        say(f"{kafka.name} at {kafka.bootstrap}. {kafka.unproven or ''}".rstrip())
        lines, load = uvloop.run(_run(kafka.bootstrap, options.minutes * 60, options.rate))
    except BenchFailed as failed:
        print(f"soak: {failed}", file=sys.stderr)
        return 1
    finally:
        kafka.close()
    for line in lines:
        print(f"{'ok    ' if line.kept else 'MISSED'} {line.name}: {line.shown}")
    print(f"machine: ours {load.ours} cores, others {load.others}, load average {load.loadavg:.2f}")
    return 0 if all(line.kept for line in lines) else 1


async def _run(bootstrap: str, seconds: float, rate: float) -> tuple[list[Line], Load]:
    crew = Crew("soak", 100, 20)
    async with open_stage(bootstrap) as stage:
        # Google's own quota: its windows are among what must not grow.
        stage.env |= {"SHIFTCAL_GOOGLE_PROJECT_PER_MINUTE": "10000", "SHIFTCAL_GOOGLE_USER_PER_MINUTE": "600"}
        await stage.start_worker()
        await stage.connect(crew)
        await stage.deliver("schedule-changed", crew.all_changed(1))
        await stage.deliver("calendar-published", [crew.published(1)])
        await stage.until_results(len(crew.shifts))
        await stage.until_in_sync(crew.users)
        mark, results, clock = await stage.google.mark(), len(stage.follower.results), Clock()
        pid, told = stage.worker, Told()
        await _tell(stage, crew, told, seconds, rate)
        began = time.monotonic()
        await stage.until_idle()
        told.settled_s = time.monotonic() - began
        load = clock.load()
        calls = await stage.google.calls(mark)
        found = [orjson.loads(value) for _, value in stage.follower.results[results:]]
        lines = [Line("the worker is the one that was started", f"pid {pid}", stage.worker == pid)]
        told.databases = sum(1 for _ in stage.state.rglob("CURRENT"))
        return lines + _judged(told, found, calls), load


async def _tell(stage: Stage, crew: Crew, told: Told, seconds: float, rate: float) -> None:
    """Send changes at an even pace, looking at the worker in between."""
    began, next_look, next_line = time.monotonic(), 0.0, SAY_S
    order = itertools.cycle(crew.spread(len(crew.shifts)))
    for number in itertools.count():
        due = number / rate
        if due >= seconds:
            break
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        shift = next(order)
        version = 2 + number // len(crew.shifts)
        told.note(crew.shift_id(shift), version)
        await stage.send("schedule-changed", crew.changed([shift], version))
        if number % SPOILED == 0:
            await stage.send("schedule-changed", b'{"event_id": ')
        if due >= next_look:
            files = open_files(stage.worker, stage.home)
            told.looks.append(Look(time.monotonic() - began, resident_mb(stage.worker), *files))
            next_look += LOOK_S
        if due >= next_line:
            last = told.looks[-1]
            say(
                f"{due / 60:5.1f} of {seconds / 60:g} min, {number} changes, {last.memory:.0f} MB,"
                f" {last.files} files of tables, {last.others} other descriptors"
            )
            next_line += SAY_S
    told.seconds = time.monotonic() - began


def _judged(told: Told, results: list[dict[str, Any]], calls: list[Arrival]) -> list[Line]:
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
        Line("calls per net change", f"{per_change:.4f}", per_change <= 1.0),
        Line("produce to Google's answer", f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms", p99 <= P99_S),
        _steady("memory", "MB", [(look.at, look.memory) for look in told.looks], MORE_MB),
        _steady("sockets and the like", "", [(look.at, look.others) for look in told.looks], MORE_OTHERS),
        _bounded("files of tables", told),
    ]


def _seconds(told: Told, results: list[dict[str, Any]]) -> list[float]:
    """How long each change took that has a result; both clocks are this machine's."""
    return [
        datetime.fromisoformat(one["at"]).timestamp() - told.sent[one["shift_id"], one["version"]]
        for one in results
    ]


def _steady(name: str, unit: str, points: list[tuple[float, float]], more: float) -> Line:
    """Say how much a line of least squares through the second half rises."""
    half = points[len(points) // 2 :]
    rise = slope(half)
    span = half[-1][0] - half[0][0]
    values = [value for _, value in points]
    shown = (
        f"{rise * 3600:+.1f} {unit}/h over the last {span / 60:.1f} min, bound {more * 3600 / span:+.1f};"
        f" {values[0]:.0f} at first, {values[-1]:.0f} at the end, {max(values):.0f} at most"
    )
    return Line(name, shown, rise * span <= more)


def _bounded(name: str, told: Told) -> Line:
    """Say whether no database kept more files open than it may."""
    files, most = [look.files for look in told.looks], FILES_EACH * told.databases
    shown = f"{files[0]} at first, {files[-1]} at the end, {max(files)} at most, bound {most} ({told.databases} databases)"
    return Line(name, shown, max(files) <= most)


if __name__ == "__main__":
    sys.exit(main())
