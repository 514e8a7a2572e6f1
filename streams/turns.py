"""Whoever thinks for long lets the event loop turn in between.

Comes in: folds of many users in one go, and lanes that are about to read and plan their row. Goes out: their turn. Not here:
calls and their order (`quota`). Ten thousand users may connect at once; were their lanes planned in one go, the event loop
would not look at its sockets and timers for a minute, and the worker would have to take itself for frozen.

Folds come before lanes: lanes wait for one another, and whoever folds for none of them.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Final

#: So long is thought before the event loop turns to everything else, in seconds; one thought is not cut.
TOGETHER_S: Final = 0.005


class Breath:
    """One for each piece of work that comes in many parts."""

    def __init__(self) -> None:
        self._since = perf_counter()

    async def draw(self) -> None:
        """Let everybody else have a turn, if this work has gone on for long."""
        if perf_counter() - self._since >= TOGETHER_S:
            await asyncio.sleep(0)
            self._since = perf_counter()


class Turns:
    """All lanes of a worker share one. `async with` it, and do not await inside."""

    def __init__(self) -> None:
        self._line = asyncio.Lock()
        self._spent = self._begun = 0.0

    async def __aenter__(self) -> None:
        async with self._line:
            if self._spent >= TOGETHER_S:
                self._spent = 0.0
                await asyncio.sleep(0)
        self._begun = perf_counter()

    async def __aexit__(self, *_: object) -> None:
        self._spent += perf_counter() - self._begun
