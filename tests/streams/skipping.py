"""A loop whose clock skips: whatever would wait an hour takes as long as its steps.

In: a coroutine. Out: its result. Nothing of the product; only timers and futures, since no descriptor is ever waited for.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.BaseSelector):
    """Waits for nothing: the time goes on by as much as the loop would have slept."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits for somebody, and no timer is set"
        self.now += max(0.0, timeout)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = _Selector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


def skip(story: Coroutine[Any, Any, T]) -> T:
    """Run a story to its end."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(story)
