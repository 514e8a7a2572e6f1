"""Tracked shifts by the thousands: how soon a worker is ready again, and how much memory it takes.

Comes in: a stage and a size. Goes out: seconds to `/ready` with the state on disk and without it, resident memory, calls to
Google after each start, which should be none.

Loading takes minutes, not the better part of an hour that writing a million events would. What the product is told is what an
agency sends: many shifts to a message, a month's publication, every user connected. Only the events are there before: the
bare client posts the very bodies that the product would, and the connects find and adopt them, one listing a user. The rows
that result are those of a deployment that wrote everything itself: wish, event id, etag and fingerprint of every shift.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.crew import Crew
from bench.figures import Figure, median
from bench.limits.posting import post
from bench.machine import Clock, resident_mb
from bench.stage import say

if TYPE_CHECKING:
    from bench.stage import Stage

SETTLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Size:
    """Agencies of one calendar each; what an agency with a calendar of so many users has for two or three months."""

    agencies: int
    users: int
    each: int
    warm_s: float | None = None
    cold_s: float | None = None
    deadline_s: float = 300.0

    @property
    def shifts(self) -> int:
        """All of them."""
        return self.agencies * self.users * self.each

    def crews(self) -> list[Crew]:
        """The agencies."""
        return [Crew(f"restart-{number:02}", self.users, self.each) for number in range(self.agencies)]


SMALL = Size(1, 400, 50, warm_s=10, cold_s=30)
MIDDLE = Size(8, 250, 100, deadline_s=1_200)
LARGE = Size(40, 250, 100, deadline_s=3_600)


async def small(stage: Stage, repeat: int) -> list[Figure]:
    """Twenty thousand."""
    return await measure(stage, repeat, SMALL)


async def middle(stage: Stage, repeat: int) -> list[Figure]:
    """Two hundred thousand."""
    return await measure(stage, repeat, MIDDLE)


async def large(stage: Stage, repeat: int) -> list[Figure]:
    """A million."""
    return await measure(stage, repeat, LARGE)


async def measure(stage: Stage, repeat: int, size: Size) -> list[Figure]:
    """Load so many shifts, then start the worker so many times either way."""
    await stage.start_worker()
    empty = resident_mb(stage.worker)
    await _load(stage, size)
    memory = {
        "empty": empty,
        "after it took them all": resident_mb(stage.worker),
        "at its peak": resident_mb(stage.worker, peak=True),
    }
    mark, clock = await stage.google.mark(), Clock()
    warm, memory["after a restart"] = await _starts(stage, repeat, size, lose_state=False)
    after_warm = len(await stage.google.calls(mark))
    cold, memory["after a restore"] = await _starts(stage, repeat, size, lose_state=True)
    calls, load = len(await stage.google.calls(mark)), clock.load()
    shown = ", ".join(f"{value:.0f} {when}" for when, value in memory.items())
    highest = max(value for when, value in memory.items() if when != "at its peak")
    what, grid = f"{size.shifts:,} tracked shifts", {"grid": "restart", "shifts": size.shifts}
    return [
        Figure(f"{what}: ready with state", median(warm), "s", size.warm_s, runs=tuple(warm), load=load,
               note=f"{after_warm} calls to Google", details=grid | {"how": "with state"}),
        Figure(f"{what}: ready from nothing", median(cold), "s", size.cold_s, runs=tuple(cold), load=load,
               note="restored from the changelogs", details=grid | {"how": "from nothing"}),
        Figure(f"{what}: calls to Google after restarts", calls, "calls", 0, "equal", load=load),
        Figure(f"{what}: memory", highest, "MB", 300 if size is SMALL else None, load=load, note=shown, details=memory),
        Figure(f"{what}: memory a shift", (highest - empty) * 1000 / size.shifts, "kB", load=load,
               note="the highest of those beside, less that of an empty worker"),
    ]  # fmt: skip


async def _load(stage: Stage, size: Size) -> None:
    crews, began = size.crews(), time.monotonic()
    for crew in crews:
        await stage.deliver("schedule-changed", crew.all_changed(1))
        await stage.deliver("calendar-published", [crew.published(1)])
    await stage.until_idle(size.deadline_s)
    say(f"{size.shifts:,} shifts folded in {time.monotonic() - began:.0f} s")
    for number, crew in enumerate(crews, 1):
        rate = await post(stage.google, crew)
        say(f"the events of agency {number} of {len(crews)} posted, {rate:.0f}/s")
    await stage.google.forget()
    await stage.connect(*crews)
    await stage.until_in_sync(size.agencies * size.users, size.deadline_s)
    await stage.until_idle(size.deadline_s)
    say(f"{size.shifts:,} shifts loaded in {time.monotonic() - began:.0f} s")


async def _starts(stage: Stage, repeat: int, size: Size, *, lose_state: bool) -> tuple[list[float], float]:
    """Return seconds to ready, and the memory after the last start."""
    seconds, memory, what = list[float](), 0.0, "without state" if lose_state else "with state"
    for number in range(repeat):
        await stage.stop_worker()
        if lose_state:
            shutil.rmtree(stage.state)
        seconds.append(await stage.start_worker(size.deadline_s))
        await asyncio.sleep(SETTLE_S)
        memory = resident_mb(stage.worker)
        say(f"run {number + 1} {what}: ready in {seconds[-1]:.1f} s, {memory:.0f} MB")
    return seconds, memory
