"""A publication that does not fit into Google's quota: 2,666 calls a minute, 4,000 writes.

Comes in: a stage, of which only the Kafka is used. Goes out: its time against the quota's own bound, and refusals. The
measurement is that of the tests (`python -m tests.chaos.publication`), which hold its smaller sister against bounds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bench.figures import Figure, median
from bench.limits import quota_bound
from bench.machine import Clock
from bench.stage import say
from tests.chaos.publication import LATENCY_MS, Figures, Size, publish

if TYPE_CHECKING:
    from bench.stage import Stage

SIZE = Size()


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Publish so many times, each to a stand-in and a worker of its own."""
    clock, found = Clock(), list[Figures]()
    bound = quota_bound(SIZE.users * SIZE.shifts, SIZE.per_minute, SIZE.minute)
    for number in range(repeat):
        home = stage.home / f"quota-{number}"
        home.mkdir()
        found.append(await asyncio.to_thread(publish, stage.bootstrap, home, SIZE))
        say(f"run {number + 1}: bound {bound:g} s; {found[-1].line()}")
    load, shares = clock.load(), tuple(one.seconds / bound for one in found)
    edits = tuple(one.edit_s * 1000 for one in found)
    return [
        Figure("publication through the quota, time against its bound", median(shares), "x", runs=shares, load=load,
               note=f"{SIZE.users * SIZE.shifts:,} writes, {SIZE.per_minute:,} calls a minute, Google {LATENCY_MS} ms;"
               f" the bound is {bound:g} s"),
        Figure("publication through the quota, refusals", max(one.refused for one in found), "calls", load=load),
        Figure("an edit for tonight in the middle of it", median(edits), "ms", 1_000, runs=edits, load=load),
    ]  # fmt: skip
