"""When memory is given back: after each spell of work, and in the middle of a long one."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from streams import slimness


class Course:
    """A worker that is busy at some looks; a look takes a thousandth of a second, the allocator writes down at which it was asked."""

    def __init__(self, busy: str) -> None:
        self._busy = iter(busy)
        self.looks = 0
        self.given_back: list[int] = []
        self.over = asyncio.Event()

    def is_busy(self) -> bool:
        self.looks += 1
        found = next(self._busy, None)
        if found is None:
            self.over.set()
        return found == "b"

    def trim(self, _pad: int) -> int:
        self.given_back.append(self.looks)
        return 1


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wait between looks: what is tested is what follows from them."""
    monkeypatch.setattr(slimness, "POLL_S", 0.001)
    monkeypatch.setattr(slimness, "KEEP_S", 0.0)
    monkeypatch.setattr(slimness, "KEEP_WORKING_S", 3_600.0)


async def _told(monkeypatch: pytest.MonkeyPatch, busy: str) -> list[int]:
    course = Course(busy)
    monkeypatch.setattr(slimness, "_trim", course.trim)
    running = asyncio.create_task(slimness.keep_slim(course.is_busy))
    await asyncio.wait_for(course.over.wait(), 5)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    return course.given_back


async def test_after_a_spell_of_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each, at the first look without work; the first look of all finds memory that the start took."""
    assert await _told(monkeypatch, "bbb..bb.") == [1, 4, 8]


async def test_without_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was taken, and nothing is given back."""
    assert await _told(monkeypatch, ".....") == []


async def test_work_that_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is given back in the middle of it, again and again."""
    monkeypatch.setattr(slimness, "KEEP_WORKING_S", 0.0)
    assert await _told(monkeypatch, "bbbb") == [1, 2, 3, 4, 5]


async def test_another_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is nothing to ask, nothing is done."""
    monkeypatch.setattr(slimness, "_trim", None)
    await asyncio.wait_for(slimness.keep_slim(lambda: True), 1)
