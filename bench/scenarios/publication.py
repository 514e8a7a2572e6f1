"""One publication: two hundred connected users, twenty shifts each, all sent while un-published; and raw aiohttp posting the
same.

Comes in: a stage. Goes out: inserts a second between the first request at Google and the last answer, and what that is to the
rate at which the bare client posts the same bodies to as many new accounts of the same stand-in, in turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.crew import Crew
from bench.figures import Figure, median, ratio
from bench.limits.posting import post
from bench.machine import Clock
from bench.stage import say

if TYPE_CHECKING:
    from bench.stage import Stage

USERS, EACH = 200, 20


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Measure it so many times, with other users each time."""
    rates, costs, raw, calls = list[float](), list[float](), list[float](), 0
    clock = Clock()
    for number in range(repeat):
        await stage.start_worker()
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
        last = max(call.answered or 0.0 for call in arrived)
        rates.append(len(arrived) / (last - arrived[0].at))
        # The worker would idle at the bare client's cost.
        await stage.stop_worker()
        raw.append(await post(stage.google, Crew(f"posting-{number}", USERS, EACH)))
        say(
            f"run {number + 1}: {rates[-1]:.0f} inserts/s, {costs[-1]:.2f} ms of worker CPU each;"
            f" raw aiohttp {raw[-1]:.0f}/s"
        )
    load = clock.load()
    per_insert = calls / repeat / USERS / EACH
    return [
        Figure("publication of 200 x 20", median(rates), "inserts/s", 1_000, "higher", runs=tuple(rates), load=load,
               note=f"{per_insert:.2f} calls an insert"),
        Figure("raw aiohttp posting the same bodies", median(raw), "inserts/s", runs=tuple(raw), load=load),
        ratio("publication of 200 x 20, rate against raw aiohttp posting the same", rates, raw, load=load),
        Figure("worker CPU per insert of a publication", median(costs), "ms", runs=tuple(costs), load=load,
               note=f"one core: {1000 / median(costs):.0f} inserts/s at most"),
    ]  # fmt: skip
