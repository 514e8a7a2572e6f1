"""Four thousand messages with one change each, as fast as Kafka takes them.

Comes in: a stage. Goes out: changes a second from the first send to the last `sync-results` record.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.crew import Crew
from bench.figures import Figure, median
from bench.machine import Clock
from bench.stage import say

if TYPE_CHECKING:
    from bench.stage import Stage

USERS, EACH = 200, 20


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Measure it so many times; every shift gets one more version each."""
    crew = Crew("changes", USERS, EACH)
    await stage.start_worker()
    await stage.connect(crew)
    await stage.deliver("calendar-published", [crew.published(1)])
    await stage.deliver("schedule-changed", crew.all_changed(1))
    await stage.until_results(len(crew.shifts))
    await stage.until_in_sync(USERS)
    rates, costs, calls, clock = list[float](), list[float](), 0, Clock()
    for number in range(repeat):
        messages = [crew.changed([shift], 2 + number) for shift in crew.spread(len(crew.shifts))]
        await stage.until_idle()
        mark = await stage.google.mark()
        async with stage.profiled(f"changes-{number}"):
            cpu, before, began = stage.cpu(), len(stage.follower.results), time.time()
            await stage.deliver("schedule-changed", messages)
            await stage.until_results(before + len(messages))
            rates.append(len(messages) / (stage.follower.results[-1][0] - began))
            await stage.until_idle()
            costs.append((stage.cpu() - cpu) / len(messages) * 1000)
        calls += len(await stage.google.calls(mark))
        say(f"run {number + 1}: {rates[-1]:.0f} changes/s, {costs[-1]:.2f} ms of worker CPU each")
    load = clock.load()
    return [
        Figure("single changes to Google and recorded", median(rates), "changes/s", 300, "higher",
               runs=tuple(rates), load=load, note=f"{calls / repeat / len(crew.shifts):.2f} calls a change"),
        Figure("worker CPU per single change", median(costs), "ms", runs=tuple(costs), load=load,
               note=f"one core: {1000 / median(costs):.0f} changes/s at most"),
    ]  # fmt: skip
