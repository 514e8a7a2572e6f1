"""Decisions that take long come in steps, so that whoever asks may do something else between two of them.

Comes in: a generator that yields nothing, and returns what was decided. Not here: how long a step may take, and what is done meanwhile.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

Steps = Generator[None, None, T]


class Walk(Generic[T]):
    """Goes through steps, once; `decided` is there when they are over."""

    decided: T

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps

    def __iter__(self) -> Iterator[None]:
        self.decided = yield from self._steps


def whole(steps: Steps[T]) -> T:
    """Go through all of them at once."""
    walk = Walk(steps)
    for _ in walk:
        pass
    return walk.decided
