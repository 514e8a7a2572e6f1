"""Methods that are carried out whole, whatever happens to who called them. In: a method. Out: the same, uninterrupted.

A driver that is cancelled in the middle of a statement may leave its connection behind with the transaction open: on
SQLite that is the write lock of the whole vault, held until the garbage collector happens to find it. So what was begun
is ended first, which takes milliseconds, and then the caller is cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Method = Callable[P, Coroutine[Any, Any, T]]


def whole(method: Method[P, T]) -> Method[P, T]:
    """Let a cancellation wait for the end of the method."""

    @wraps(method)
    async def carried_out(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.ensure_future(method(*args, **kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # looked at here: who was cancelled does not learn of it any more
            raise

    return carried_out
