"""From a producer's hand to Google: fifty users, single changes at three rates, Google taking three times to answer.

Comes in: a stage. Goes out: the time from just before the send to the request's arrival at the stand-in, both by the wall
clock of this one machine, and Google calls per change. The cells of the grid take turns, so that whatever else the machine does
hits all alike.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.crew import Crew
from bench.figures import Figure, median, percentile
from bench.google import WRITES
from bench.machine import Clock
from bench.stage import say

if TYPE_CHECKING:
    from bench.machine import Load
    from bench.stage import Stage

RATES, LATENCIES_MS, SECONDS = (10, 50, 200), (0, 100, 300), 4


@dataclass
class Cell:
    """One rate at one latency of Google, and what was measured of it."""

    rate: int
    google_ms: int
    delays: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    calls: int = 0
    cpu: float = 0.0


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
    cells = [Cell(rate, google_ms) for rate in RATES for google_ms in LATENCIES_MS]
    clock, version = Clock(), 2
    async with stage.profiled("latency"):
        for _ in range(repeat):
            for cell in cells:
                version += 1
                await _run(stage, crew, cell, version)
    await stage.google.slow(0)
    return [figure for cell in cells for figure in _figures(cell, clock.load())]


async def _run(stage: Stage, crew: Crew, cell: Cell, version: int) -> None:
    await stage.google.slow(cell.google_ms)
    cpu = stage.cpu()
    took, made = await paced(stage, crew, crew.spread(cell.rate * SECONDS), version, cell.rate)
    cell.cpu += stage.cpu() - cpu
    cell.calls += made
    cell.p50s.append(median(took))
    cell.p99s.append(percentile(took, 0.99))
    cell.delays += took
    say(
        f"{cell.rate}/s, Google {cell.google_ms} ms: p50 {cell.p50s[-1]:.1f} ms, p99 {cell.p99s[-1]:.1f} ms,"
        f" max {max(took):.0f} ms"
    )


def _figures(cell: Cell, load: Load) -> list[Figure]:
    what = f"{cell.rate}/s, Google {cell.google_ms} ms"
    grid = {"grid": "latency", "rate": cell.rate, "google_ms": cell.google_ms}
    count = len(cell.delays)
    figures = [
        Figure(f"produce to Google, {what}, p50", median(cell.p50s), "ms", runs=tuple(cell.p50s), load=load,
               details=grid | {"quantile": "p50"}),
        Figure(f"produce to Google, {what}, p99", median(cell.p99s), "ms", runs=tuple(cell.p99s), load=load,
               note=f"p95 of all {percentile(cell.delays, 0.95):.0f} ms, worst {max(cell.delays):.0f} ms",
               details=grid | {"quantile": "p99"}),
        Figure(f"Google calls per net change, {what}", cell.calls / count, "calls", 1.0, "equal", load=load,
               note=f"{count} changes"),
    ]  # fmt: skip
    if cell.google_ms == 0:
        cost = cell.cpu / count * 1000
        figures.append(Figure(f"worker CPU per change at {cell.rate}/s", cost, "ms", note="idling included"))
    return figures


async def paced(
    stage: Stage, crew: Crew, shifts: list[int], version: int, rate: int = 50
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
