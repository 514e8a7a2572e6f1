"""One change in a small calendar and in a large one: the cost must not grow with the calendar.

Comes in: a stage. Goes out: worker CPU and latency of a change with 100, 1,000 and 10,000 shifts in the calendar. The three
calendars take turns, so that whatever else the machine does hits all alike; the shifts that change are those of five
users with twenty shifts each, everywhere.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bench.crew import Crew
from bench.figures import Figure, median
from bench.machine import Clock
from bench.scenarios.latency import paced
from bench.stage import say

if TYPE_CHECKING:
    from bench.stage import Stage

SIZES = (100, 1_000, 10_000)
EACH, CHANGES = 20, 300
IDLE_S = 4.0


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Measure it so many times."""
    crews = [Crew(f"size-{size}", size // EACH, EACH) for size in SIZES]
    await stage.start_worker()
    await stage.connect(*crews)
    for crew in crews:
        await stage.deliver("schedule-changed", crew.all_changed(1))
        await stage.deliver("calendar-published", [crew.published(1)])
    await stage.until_results(sum(SIZES))
    await stage.until_in_sync(sum(crew.users for crew in crews))
    few = Crew("", SIZES[0] // EACH, EACH).spread(CHANGES)
    for crew in crews:
        await paced(stage, crew, few[:100], 2)  # warm
    clock, cpu = Clock(), stage.cpu()
    await asyncio.sleep(IDLE_S)
    idle = (stage.cpu() - cpu) / IDLE_S
    costs: dict[int, list[float]] = {size: [] for size in SIZES}
    delays: dict[int, list[float]] = {size: [] for size in SIZES}
    for number in range(repeat + 2):
        for size, crew in zip(SIZES, crews, strict=True):
            lap, cpu = Clock(), stage.cpu()
            took, _ = await paced(stage, crew, few, 3 + number)
            costs[size].append((stage.cpu() - cpu - idle * lap.load().seconds) / len(few) * 1000)
            delays[size].append(median(took))
            say(
                f"run {number + 1}, {size} shifts: {costs[size][-1]:.2f} ms of CPU, {delays[size][-1]:.1f} ms"
            )
    load = clock.load()
    base_cost, base_delay = median(costs[SIZES[0]]), median(delays[SIZES[0]])
    figures = [
        Figure(f"worker CPU per change, calendar of {size}", median(costs[size]), "ms", runs=tuple(costs[size]),
               load=load, note=f"p50 to Google {median(delays[size]):.1f} ms") for size in SIZES
    ]  # fmt: skip
    return [
        *figures,
        Figure("CPU of a change, 10,000 against 100 shifts", median(costs[SIZES[-1]]) / base_cost, "x", 1.1, load=load),
        Figure("latency, 10,000 against 100 shifts", median(delays[SIZES[-1]]) / base_delay, "x", 1.1, load=load),
    ]  # fmt: skip
