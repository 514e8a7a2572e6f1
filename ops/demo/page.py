"""The demo with a page: a row of buttons above the calendars, and a line for what each of them cost.

In: a port. Out: a page until Ctrl-C. Not here: what the buttons do (`story`), how the calendars are drawn (`sandbox.google`).
"""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING, Final

from ops.console import complain
from ops.demo.stage import stage
from ops.demo.story import STEPS, Step, Story
from sandbox.google import Control
from schemas.errors import OperatorError

if TYPE_CHECKING:
    from ops.demo.settle import Figure
    from ops.demo.stage import Stage

PORT: Final = 8025


async def play(port: int | None) -> int:
    """Serve the page until cancelled. Without a port: the usual one, or any free one where that is taken."""
    buttons = Buttons()
    controls = [Control(step.label, step.path) for step in STEPS]
    for choice in (PORT, 0) if port is None else (port,):
        try:
            async with stage(choice, controls, buttons.press) as parts:
                await _show(parts, buttons)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            if port is not None:
                raise OperatorError(
                    f"port {port} of 127.0.0.1 is taken: choose another one with --port"
                ) from error
    raise AssertionError("a free port is never taken")


async def _show(parts: Stage, buttons: Buttons) -> None:
    print("starting the worker ...", flush=True)
    story = Story(parts)
    begun = await story.begin()
    parts.google.note(str(begun))
    buttons.open(story, parts)
    print(f"open {parts.google.url} and press the buttons; Ctrl-C ends everything", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await buttons.close()


class Buttons:
    """One step at a time: two at once could not be told apart in the figures."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {step.path: step for step in STEPS}
        self._busy: str | None = "starting"
        self._story: Story | None = None
        self._stage: Stage | None = None
        self._playing: asyncio.Task[Figure] | None = None

    def open(self, story: Story, parts: Stage) -> None:
        """Take presses from now on."""
        self._story, self._stage, self._busy = story, parts, None

    async def press(self, path: str) -> str:
        """Play the step of this path and tell what it cost."""
        step = self._steps[path]
        if self._busy or self._story is None or self._stage is None:
            return f"Still at it: {self._busy}."
        self._busy = step.label
        self._playing = asyncio.create_task(_played(step, self._story))
        try:
            told = str(await self._playing)
        except OperatorError as error:
            complain(f"shiftcal: {error}")
            told = str(error)
        except asyncio.CancelledError:
            return "The demo has ended."
        finally:
            self._busy = None
        self._stage.google.note(told)
        return told

    async def close(self) -> None:
        """End what is being played, before what it plays with ends."""
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.wait({self._playing})


async def _played(step: Step, story: Story) -> Figure:
    return await step.play(story)
