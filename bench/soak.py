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
from typing import TYPE_CHECKING

import orjson
import uvloop

from bench.crew import Crew
from bench.machine import Clock, Load, open_files, resident_mb
from bench.processes import BenchFailed
from bench.stage import open_stage, say
from bench.steady import Line, Look, Told, judged
from tests.kafka import start_kafka

if TYPE_CHECKING:
    from bench.stage import Stage

LOOK_S, SAY_S = 3.0, 30.0

#: One message in so many cannot be read.
SPOILED = 50


def main() -> int:
    """Run it; 1 where a bound is missed or the worker ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="how long changes are sent (60)")
    parser.add_argument("--rate", type=float, default=20, help="changes a second (20)")
    options = parser.parse_args()
    kafka = start_kafka(lasting=True)
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
        return lines + judged(told, found, calls), load


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
            told.looks.append(
                Look(time.monotonic() - began, resident_mb(stage.worker), await stage.left(), *files)
            )
            next_look += LOOK_S
        if due >= next_line:
            last = told.looks[-1]
            say(
                f"{due / 60:5.1f} of {seconds / 60:g} min, {number} changes, {last.memory:.0f} MB, {last.left:g} left,"
                f" {last.files} files of tables, {last.others} other descriptors"
            )
            next_line += SAY_S
    told.seconds = time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
