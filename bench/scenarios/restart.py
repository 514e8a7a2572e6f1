"""Twenty thousand tracked shifts: how soon a worker is ready again, and how much memory it takes.

Comes in: a stage. Goes out: seconds to `/ready` with the state on disk and without it, resident memory, calls to Google
after each start, which should be none.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from typing import TYPE_CHECKING

from bench.crew import Crew
from bench.figures import Figure, median
from bench.machine import Clock, resident_mb
from bench.stage import say

if TYPE_CHECKING:
    from bench.stage import Stage

USERS, EACH = 400, 50
SETTLE_S = 3.0


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Measure it so many times."""
    crew = Crew("restart", USERS, EACH)
    await _load(stage, crew)
    memory = {
        "after it wrote them all": resident_mb(stage.worker),
        "at its peak": resident_mb(stage.worker, peak=True),
    }
    mark, clock = await stage.google.mark(), Clock()
    warm = await _starts(stage, repeat, "with state", lose_state=False)
    memory["after a restart"] = resident_mb(stage.worker)
    after_warm = len(await stage.google.calls(mark))
    cold = await _starts(stage, repeat, "without state", lose_state=True)
    memory["after a restore"] = resident_mb(stage.worker)
    calls, load = len(await stage.google.calls(mark)), clock.load()
    shown = ", ".join(f"{value:.0f} {when}" for when, value in memory.items())
    highest = max(value for when, value in memory.items() if when != "at its peak")
    return [
        Figure("/ready after a restart with state", median(warm), "s", 10, runs=tuple(warm), load=load,
               note=f"{len(crew.shifts)} tracked shifts; {after_warm} calls to Google"),
        Figure("/ready after a restart with no state", median(cold), "s", 30, runs=tuple(cold), load=load,
               note="restored from the changelogs"),
        Figure("calls to Google after those restarts", calls, "calls", 0, "equal", load=load),
        Figure("worker memory, 20,000 tracked shifts", highest, "MB", 300, load=load, note=shown, details=memory),
    ]  # fmt: skip


async def _load(stage: Stage, crew: Crew) -> None:
    await stage.start_worker()
    await stage.connect(crew)
    await stage.deliver("schedule-changed", crew.all_changed(1))
    await stage.until_in_sync(crew.users)
    began = time.monotonic()
    await stage.deliver("calendar-published", [crew.published(1)])
    await stage.until_results(len(crew.shifts), 600)
    await stage.until_in_sync(crew.users)
    await stage.until_idle()
    say(f"{len(crew.shifts)} shifts written in {time.monotonic() - began:.1f} s")


async def _starts(stage: Stage, repeat: int, what: str, *, lose_state: bool) -> list[float]:
    seconds = []
    for number in range(repeat):
        await stage.stop_worker()
        if lose_state:
            shutil.rmtree(stage.state)
        seconds.append(await stage.start_worker())
        await asyncio.sleep(SETTLE_S)
        say(f"run {number + 1} {what}: ready in {seconds[-1]:.1f} s, {resident_mb(stage.worker):.0f} MB")
    return seconds
