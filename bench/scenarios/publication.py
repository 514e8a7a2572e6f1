"""One publication: two hundred connected users, twenty shifts each, all sent while un-published.

Comes in: a stage. Goes out: inserts a second between the first request at Google and the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.crew import Crew
from bench.figures import Figure, median
from bench.machine import Clock
from bench.stage import say

if TYPE_CHECKING:
    from bench.stage import Stage

USERS, EACH = 200, 20


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Measure it so many times, with other users each time."""
    await stage.start_worker()
    rates, costs, firsts, calls = list[float](), list[float](), list[float](), 0
    clock = Clock()
    for number in range(repeat):
        crew = Crew(f"publication-{number}", USERS, EACH)
        await stage.connect(crew)
        await stage.deliver("schedule-changed", crew.all_changed(1))
        await stage.until_in_sync((number + 1) * USERS)
        await stage.until_idle()
        mark = await stage.google.mark()
        async with stage.profiled(f"publication-{number}"):
            cpu, before = stage.cpu(), len(stage.follower.results)
            await stage.deliver("calendar-published", [crew.published(1)])
            await stage.until_results(before + len(crew.shifts))
            await stage.until_idle()
            costs.append((stage.cpu() - cpu) / len(crew.shifts) * 1000)
        arrived = await stage.google.calls(mark)
        calls += len(arrived)
        rates.append((len(arrived) - 1) / (arrived[-1].at - arrived[0].at))
        firsts.append(stage.follower.results[-1][0] - stage.follower.results[before][0])
        say(f"run {number + 1}: {rates[-1]:.0f} inserts/s, {costs[-1]:.2f} ms of worker CPU each")
    load = clock.load()
    return [
        Figure("one publication, 200 users x 20 shifts", median(rates), "inserts/s", 1_000, "higher",
               runs=tuple(rates), load=load, note=f"{calls / repeat / USERS / EACH:.2f} calls an insert"),
        Figure("worker CPU per insert of a publication", median(costs), "ms", runs=tuple(costs), load=load,
               note=f"one core: {1000 / median(costs):.0f} inserts/s at most"),
    ]  # fmt: skip
