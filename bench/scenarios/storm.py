"""Fifty edits to one shift in a burst: they compact while one call is under way.

Comes in: a stage. Goes out: calls for a storm at two latencies of Google, and against (a), which asks and writes for each
edit. After each storm the newest edit must stand in the calendar, else the figure is void.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.crew import Crew
from bench.figures import Figure, median
from bench.judge import wrong
from bench.machine import Clock
from bench.sides import Ours, Peer
from bench.stage import say

if TYPE_CHECKING:
    from bench.sides import Side
    from bench.stage import Stage

EDITS, LATENCIES_MS = 50, (0, 100)


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Let so many storms come at each latency."""
    sides: list[Side] = [
        Ours(stage, Crew("storm-ours", 1, 5)),
        Peer(stage, "asks_first", Crew("storm-a", 1, 5)),
    ]
    clock, figures = Clock(), list[Figure]()
    for side in sides:
        crew = side.crew
        await side.set_up()
        await side.start()
        mark = await stage.google.mark()
        await side.tell((message, crew.calendar) for message in crew.all_changed(1))
        await stage.google.until_written(mark, len(crew.shifts), check=side.check)
        versions = dict.fromkeys(crew.shifts, 1)
        for google_ms in LATENCIES_MS:
            calls, void = list[float](), ""
            for _ in range(repeat):
                calls.append(await _storm(stage, side, versions, google_ms))
                void = void or await wrong(stage.google, crew, versions)
            say(f"{side.name}, Google {google_ms} ms: {calls} calls for {EDITS} edits")
            figures.append(
                Figure(f"a storm of {EDITS} edits to one shift, Google {google_ms} ms, {side.name}", median(calls), "calls",
                       runs=tuple(calls), load=clock.load(), void=void, details={"side": side.name, "storm": google_ms})
            )  # fmt: skip
        await side.stop()
    return figures


async def _storm(stage: Stage, side: Side, versions: dict[int, int], google_ms: float) -> float:
    """Send the edits at once and wait until the last of them stands; return the calls."""
    crew, shift, google = side.crew, 0, stage.google
    await google.slow(google_ms)
    mark, first = await google.mark(), versions[shift] + 1
    versions[shift] += EDITS
    await side.tell(
        (crew.changed([shift], version), crew.shift_id(shift)) for version in range(first, first + EDITS)
    )
    title = crew.shift(shift, versions[shift])["title"]
    await google.until_title(crew.account(crew.user(shift)), crew.event(shift), title, check=side.check)
    await google.until_quiet(mark)
    await google.slow(0)
    return float(len(await google.calls(mark)))
