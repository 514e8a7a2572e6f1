"""Whoever thinks for long lets the event loop turn in between.

Comes in: folds of many users in one go, and lanes that are about to read and plan their row. Goes out: their turn. Not here:
calls and their order (`quota`). Ten thousand users may connect at once; were their lanes planned in one go, the event loop
would not look at its sockets and timers for a minute, and the worker would have to take itself for frozen.

Folds come before lanes: lanes wait for one another, and whoever folds for none of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Final, TypeVar

from planning.steps import Walk

if TYPE_CHECKING:
    from planning.steps import Steps

T = TypeVar("T")

#: So long is thought before the event loop turns to everything else, in seconds; one thought is not cut.
TOGETHER_S: Final = 0.005

#: The same for one message, whose users are told together: the less anybody else comes between, the less there is to fold.
MESSAGE_S: Final = 0.1

#: How much the last thought says of how long the next ones take, as a share.
NEWS: Final = 0.1


class Breath:
    """One for each piece of work that comes in many parts."""

    def __init__(self, together_s: float = TOGETHER_S) -> None:
        self._together_s, self._since = together_s, perf_counter()

    async def draw(self) -> None:
        """Let everybody else have a turn, if this work has gone on for long."""
        if perf_counter() - self._since >= self._together_s:
            await asyncio.sleep(0)
            self._since = perf_counter()


async def step_by_step(steps: Steps[T], breath: Breath) -> T:
    """Decide, and let everybody else have a turn in between."""
    walk = Walk(steps)
    for _ in walk:
        await breath.draw()
    return walk.decided


class Turns:
    """All lanes of a worker share one. `async with` it, and do not await inside."""

    def __init__(self) -> None:
        self._line: deque[asyncio.Future[None]] = deque()
        self._spent = self._begun = self._usual = 0.0

    async def __aenter__(self) -> None:
        if self._line or self._spent >= TOGETHER_S:
            await self._turn()
        self._begun = perf_counter()

    async def __aexit__(self, *_: object) -> None:
        took = perf_counter() - self._begun
        self._spent += took
        self._usual += (took - self._usual) * (NEWS if self._usual else 1)

    def _turn(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        if not self._line:
            loop.call_soon(self._let_in)
        self._line.append(turn := loop.create_future())
        return turn

    def _let_in(self) -> None:
        """Let in as many as usually think for so long, once for each turn of the event loop."""
        self._spent, room = 0.0, max(1, round(TOGETHER_S / self._usual))
        while self._line and room:
            if not (turn := self._line.popleft()).done():
                turn.set_result(None)
                room -= 1
        if self._line:
            asyncio.get_running_loop().call_soon(self._let_in)
