"""Lanes that think one after the other."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from planning.steps import whole
from streams import turns
from streams.turns import TOGETHER_S, Breath, Turns, step_by_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from planning.steps import Steps

LANES = 200


class Clock:
    """Passes where somebody thinks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(turns, "perf_counter", made)
    return made


async def thinking(clock: Clock, seconds: float) -> list[str]:
    """What happened in which order while lanes thought, each so long: `thought`, and `turn` of the event loop."""
    shared, happened = Turns(), []

    async def think() -> None:
        async with shared:
            clock.now += seconds
            happened.append("thought")

    async def watch() -> None:
        while happened.count("thought") < LANES:
            happened.append("turn")
            await asyncio.sleep(0)

    await asyncio.gather(watch(), *(think() for _ in range(LANES)))
    return happened


def longest(happened: list[str]) -> int:
    """So many thoughts at most between two turns of the event loop."""
    return max(len(list(run)) for what, run in groupby(happened) if what == "thought")


@pytest.mark.parametrize("seconds", [TOGETHER_S / 50, TOGETHER_S / 2, TOGETHER_S, 4 * TOGETHER_S])
async def test_many_at_once(clock: Clock, seconds: float) -> None:
    """All have their turn, and the event loop goes on in between."""
    happened = await thinking(clock, seconds)
    together = max(1, int(TOGETHER_S / seconds))
    assert happened.count("thought") == LANES
    assert longest(happened) <= together + 1
    assert happened.count("turn") <= LANES / together + 5


async def test_one_that_was_alone(clock: Clock) -> None:
    """It waits for nobody: what it does is done before anybody else comes to run."""
    others: list[str] = []
    shared = Turns()
    asyncio.get_running_loop().call_soon(others.append, "ran")
    async with shared:
        clock.now += TOGETHER_S / 2
    assert others == []


async def test_one_that_gave_up(clock: Clock) -> None:
    """Those behind it have their turn all the same, and so has everybody after an error."""
    shared, done = Turns(), []

    async def think(name: str, error: Callable[[], None] = lambda: None) -> None:
        async with shared:
            clock.now += TOGETHER_S
            error()
            done.append(name)

    def fail() -> None:
        raise RuntimeError

    tasks = [asyncio.create_task(think(name)) for name in "abcd"]
    failing = asyncio.create_task(think("e", fail))
    await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[2].cancel()
    await asyncio.wait([*tasks, failing])
    assert done == ["a", "d"]
    assert isinstance(failing.exception(), RuntimeError)
    await think("f")
    assert done == ["a", "d", "f"]


@pytest.mark.parametrize(("seconds", "alone"), [(0.6 * TOGETHER_S, 2), (1.1 * TOGETHER_S, 1)])
async def test_a_piece_of_work_that_goes_on(clock: Clock, seconds: float, alone: int) -> None:
    """Others have their turn whenever it went on for long, and not oftener."""
    others: list[int] = []
    breath, before = Breath(), []
    for part in range(6):
        asyncio.get_running_loop().call_soon(others.append, part)
        clock.now += seconds
        await breath.draw()
        before.append(len(others))
    assert before == [part - part % alone for part in range(1, 7)]


async def test_a_decision_in_steps(clock: Clock) -> None:
    """Others have their turn in between, and it comes to what it comes to at once."""
    others: list[int] = []

    def steps() -> Steps[str]:
        for step in range(3):
            asyncio.get_running_loop().call_soon(others.append, step)
            clock.now += 1.1 * TOGETHER_S
            yield
        return f"decided after {others}"

    assert await step_by_step(steps(), Breath()) == "decided after [0, 1, 2]"
    assert whole(steps()) == "decided after [0, 1, 2]"
    assert others == [0, 1, 2]
