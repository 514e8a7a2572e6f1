"""One, two and three workers where Google, not the processor, is the limit: 300 ms an answer, so many calls at once for each
worker.

Comes in: a stage. Goes out: single edits a second by workers, and what two and three are to one. Each team has a stage,
topics and state of its own: a team that shrinks would wait for sessions to end. Many users, since the hash deals them to
partitions, and the worker with most is the last to end.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.crew import Crew
from bench.figures import Figure, median, ratio
from bench.machine import Clock
from bench.processes import BenchFailed
from bench.stage import open_stage, say
from bench.team import Member

if TYPE_CHECKING:
    from bench.stage import Stage

USERS, EACH, GOOGLE_MS = 600, 5, 300.0
#: Calls of one worker under way at once: at 300 ms some 107 a second, a fraction of what its processor can.
CALLS = 32
TEAMS = (1, 2, 3)


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Let each team work so many times, in turns."""
    rates: dict[int, list[float]] = {count: [] for count in TEAMS}
    clock = Clock()
    for number in range(repeat):
        for count in TEAMS:
            async with open_stage(stage.bootstrap) as own:
                rates[count].append(await _rate(own, count))
            say(f"run {number + 1}: {count} workers, {rates[count][-1]:.0f} edits/s")
    load = clock.load()
    names = {1: "one worker", 2: "two workers", 3: "three workers"}
    return [
        *(Figure(f"{names[count]}, Google 300 ms, {CALLS} calls each", median(rates[count]), "changes/s", load=load,
                 better="higher", runs=tuple(rates[count]), note=f"{count * CALLS / GOOGLE_MS * 1000:.0f} at most",
                 details={"grid": "workers", "workers": count})
          for count in TEAMS),
        *(ratio(f"{names[count]} against one, Google 300 ms", rates[count], rates[1], load=load) for count in TEAMS[1:]),
    ]  # fmt: skip


async def _rate(stage: Stage, count: int) -> float:
    crew = Crew("workers", USERS, EACH)
    stage.env["SHIFTCAL_GOOGLE_CALLS"] = str(CALLS)
    team = [Member(stage, f"w{number}") for number in range(count)]
    try:
        for member in team:
            member.start()
        for member in team:
            await member.ready()
        await stage.connect(crew)
        await stage.deliver("calendar-published", [crew.published(1)])
        await stage.deliver("schedule-changed", crew.all_changed(1))
        await stage.until_results(len(crew.shifts))
        await stage.until_in_sync(USERS)
        if sorted(len(member.users(crew)) > 0 for member in team) != [True] * count:
            raise BenchFailed("a worker has no users: partitions are not shared out")
        await stage.google.slow(GOOGLE_MS)
        mark, began = await stage.google.mark(), time.time()
        await stage.deliver(
            "schedule-changed", [crew.changed([shift], 2) for shift in crew.spread(len(crew.shifts))]
        )
        calls = await stage.google.until_written(mark, len(crew.shifts))
        return len(crew.shifts) / (max(call.answered or 0.0 for call in calls) - began)
    finally:
        for member in team:
            member.end()
