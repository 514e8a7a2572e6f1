"""The demo without a page: the same story from beginning to end, the calendars checked after each step.

In: nothing. Out: a table, and 0 where every calendar was as it should be, else 1. Not here: the steps.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from statistics import median
from typing import Final

from ops.console import complain
from ops.demo.settle import Figure
from ops.demo.stage import stage
from ops.demo.story import Story

EDITS: Final = 10
OUTAGE_S: Final = 3.0
"""Shorter than what the page's button breaks: nobody is watching."""
TARGET_MS: Final = 300
_LINE: Final = "{:<34} {:>8} {:>6} {:>10}  {}"


async def play() -> int:
    """Play everything; end at the first step after which a calendar is wrong."""
    begun = time.monotonic()
    single: list[float] = []
    print(_LINE.format("step", "changes", "calls", "median ms", "calendars"), flush=True)
    async with stage(0) as parts:
        story = Story(parts, OUTAGE_S)
        for step in PLAY:
            figure = await step(story)
            _tell(figure)
            if figure.wrong:
                for line in figure.wrong:
                    complain(line)
                return 1
            if step in (_edits, Story.reassign):
                single += figure.ms
    _sum(single, time.monotonic() - begun)
    return 0


async def _edits(story: Story) -> Figure:
    """Several edits, each one sent when the one before has arrived: one alone says little about time."""
    figures = [await story.edit() for _ in range(EDITS)]
    return Figure(
        f"edit {EDITS} shifts, one by one",
        sum(figure.changes for figure in figures),
        sum(figure.calls for figure in figures),
        tuple(ms for figure in figures for ms in figure.ms),
        tuple(line for figure in figures for line in figure.wrong),
    )


PLAY: Final[tuple[Callable[[Story], Awaitable[Figure]], ...]] = (
    Story.begin,
    Story.publish,
    _edits,
    Story.reassign,
    Story.mass_modify,
    Story.add_class,
    Story.unpublish,
    Story.publish,
    Story.roll_back,
    Story.publish,
    Story.delete_in_google,
    Story.break_google,
    Story.kill_worker,
)


def _tell(figure: Figure) -> None:
    ms = "-" if figure.median_ms is None else f"{figure.median_ms:,.0f}"
    verdict = "WRONG" if figure.wrong else "as expected"
    print(_LINE.format(figure.step, figure.changes, figure.calls, ms, verdict), flush=True)


def _sum(single: Iterable[float], took: float) -> None:
    middle = median(single)
    print(
        f"A single change was at Google {middle:,.0f} ms after it was handed to Kafka, at the median. All of it took {took:.0f} s.",
        flush=True,
    )
    if middle > TARGET_MS:
        complain(f"warning: more than {TARGET_MS} ms at the median; this machine is slow or busy")
