"""From a producer's hand to Google: fifty users, fifty single changes a second.

Comes in: a stage. Goes out: the time from just before the send to the request's arrival at the stand-in, both by the wall
clock of this one machine, and Google calls per change.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bench.crew import Crew
from bench.figures import Figure, median, percentile
from bench.google import WRITES
from bench.machine import Clock
from bench.stage import say

if TYPE_CHECKING:
    from bench.stage import Stage

RATE, SECONDS = 50, 20


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Measure it so many times."""
    crew = Crew("latency", 50, 20)
    await stage.start_worker()
    await stage.connect(crew)
    await stage.deliver("calendar-published", [crew.published(1)])
    await stage.deliver("schedule-changed", crew.all_changed(1))
    await stage.until_results(len(crew.shifts))
    await stage.until_in_sync(crew.users)
    await paced(stage, crew, crew.spread(100), 2)  # warm
    clock, delays, p50s, p99s, calls = Clock(), list[float](), list[float](), list[float](), 0
    cpu = stage.cpu()
    async with stage.profiled("latency"):
        for number in range(repeat):
            took, made = await paced(stage, crew, crew.spread(RATE * SECONDS), 3 + number)
            calls += made
            p50s.append(median(took))
            p99s.append(percentile(took, 0.99))
            delays += took
            say(f"run {number + 1}: p50 {p50s[-1]:.1f} ms, p99 {p99s[-1]:.1f} ms, max {max(took):.0f} ms")
    cpu = stage.cpu() - cpu
    load, count = clock.load(), len(delays)
    return [
        Figure("produce to Google, p50", median(p50s), "ms", 25, runs=tuple(p50s), p99=median(p99s), load=load),
        Figure("produce to Google, p99", median(p99s), "ms", 100, runs=tuple(p99s), load=load,
               note=f"p95 of all {percentile(delays, 0.95):.0f} ms, worst {max(delays):.0f} ms"),
        Figure("Google calls per net change", calls / count, "calls", 1.0, "equal", load=load,
               note=f"{count} changes at {RATE}/s"),
        Figure("worker CPU per change at 50/s", cpu / count * 1000, "ms", load=load, note="idling included"),
    ]  # fmt: skip


async def paced(
    stage: Stage, crew: Crew, shifts: list[int], version: int, rate: int = RATE
) -> tuple[list[float], int]:
    """Send one change each, evenly in time; return milliseconds to Google, and how many calls it took in all."""
    mark, results = await stage.google.mark(), len(stage.follower.results)
    sent: dict[tuple[str, int], float] = {}
    rounds: dict[str, int] = {}
    began = time.monotonic()
    for number, shift in enumerate(shifts):
        event = crew.event(shift)
        turn = rounds[event] = rounds.get(event, 0) + 1
        value = crew.changed([shift], version * 1_000 + turn)
        await asyncio.sleep(began + number / rate - time.monotonic())
        sent[event, turn] = time.time()
        await stage.send("schedule-changed", value)
    await stage.until_results(results + len(shifts), 120)
    calls = await stage.google.calls(mark)
    arrived: dict[str, int] = {}
    took = []
    for call in calls:
        if call.method in WRITES:
            turn = arrived[call.event_id] = arrived.get(call.event_id, 0) + 1
            took.append((call.at - sent[call.event_id, turn]) * 1000)
    return took, len(calls)
