"""Decisions that take long come in steps, so that whoever asks may do something else between two of them.

Comes in: a generator that yields nothing, and returns what was decided. Not here: how long a step may take, and what is done meanwhile.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")

Steps = Generator[None, None, T]


def whole(steps: Steps[T]) -> T:
    """Go through all of them at once."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            decided: T = done.value
            return decided
