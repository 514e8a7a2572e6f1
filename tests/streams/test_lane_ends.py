"""How lanes end: idle, drained, paused, frozen; nothing is left behind and nothing begins that may not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas.errors import GrantLost
from schemas.facts import CallsAnswered, TroubleFound
from streams import care, lanes
from tests.streams.lane_world import PARTITIONS, World, id_of, key_of, partition_of, world_of

ALL = frozenset(range(PARTITIONS))


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed lane looks again soon, and a drain has little patience."""
    monkeypatch.setattr(care, "CLOSED_S", 0.01)
    monkeypatch.setattr(lanes, "DRAIN_S", 0.3)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Ann has one shift on her calendar."""
    async with world_of(tmp_path) as world:
        world.shift("ann", "1", "Day")
        await world.connect("ann")
        await world.settled()
        world.google.calls.clear()
        yield world
        world.google.door.set()
        world.folding.set()
        world.log.taking.set()


@pytest.fixture
async def busy(world: World) -> World:
    """Four of Ann's calls are under way, and more work waits."""
    world.google.door.clear()
    world.shifts("ann", {f"{n}": ("Night", 24.0 + n) for n in range(10)})
    await world.until(lambda: len(world.google.writes()) == 4)
    return world


async def _seconds(world: World) -> float:
    begun = time.perf_counter()
    await world.lanes.drain()
    return time.perf_counter() - begun


async def test_users_without_work(world: World) -> None:
    """Have no lane."""
    assert len(world.lanes) == 0
    world.google.door.clear()
    world.shift("ann", "1", "Night")
    await world.until(world.google.writes)
    assert len(world.lanes) == 1
    world.google.door.set()
    await world.settled()
    assert len(world.lanes) == 0


async def test_a_fold_that_changes_nothing(world: World) -> None:
    """Calls nothing, and leaves no lane."""
    world.shift("ann", "1", "Day")
    await world.settled()
    assert world.google.calls == []


async def test_a_drain_while_calls_are_under_way(busy: World) -> None:
    """They are answered and reported; what waits is dropped, and the next owner goes on where this one ended."""
    busy.folding.clear()
    draining = asyncio.create_task(busy.lanes.drain())
    await busy.quietly(0.02)
    assert not draining.done()
    busy.google.door.set()
    await draining
    told = [
        fact for _, fact in busy.log.facts[partition_of(key_of("ann"))] if isinstance(fact, CallsAnswered)
    ]
    assert len([outcome for fact in told for outcome in fact.outcomes]) == 1 + 4
    assert len(busy.google.writes()) == 4
    busy.folding.set()
    await busy.until(busy.is_folded)
    busy.lanes.open(ALL)
    await busy.settled()
    assert len(busy.google.writes()) == 10
    assert len(busy.calendar("ann")) == 10


async def test_a_drain_with_nothing_under_way(tmp_path: Path) -> None:
    """Calls that wait for permits are dropped at once."""
    async with world_of(tmp_path, account=3) as world:
        await world.connect("ann")
        await world.settled()
        world.shifts("ann", {f"{n}": ("Day", 24.0 + n) for n in range(9)})
        await world.until(lambda: world.is_folded() and world.quota.waiting)
        await world.quietly()
        calls = len(world.google.calls)
        assert await _seconds(world) < 0.1
        world.quota.schedule.accounts.window("ann").resize(100)
        world.quota.schedule.accounts.unpark("ann")
        world.quota._serve()
        await world.quietly()
        assert len(world.google.calls) == calls


async def test_calls_that_google_does_not_answer_in_time(busy: World) -> None:
    """The drain ends at its deadline, and their events are written again by the next owner."""
    assert 0.25 < await _seconds(busy) < 0.6
    busy.google.door.set()
    busy.lanes.open(ALL)
    await busy.settled()
    assert len(busy.calendar("ann")) == 10


async def test_one_call_that_is_slower_than_the_others(busy: World) -> None:
    """The deadline is one for all, however many reports come in between."""
    busy.google.stuck.add(id_of("3"))
    draining = asyncio.create_task(_seconds(busy))
    await busy.quietly(0.02)
    busy.google.door.set()
    assert 0.25 < await draining < 0.6


async def test_a_broker_that_takes_nothing(busy: World) -> None:
    """Answers that cannot be told do not hold the drain beyond its deadline, nor does the last report."""
    busy.log.taking.clear()
    busy.google.door.set()
    await busy.quietly()
    assert 0.25 < await _seconds(busy) < 0.6


async def test_answers_that_come_while_a_report_hangs(world: World) -> None:
    """A drain ends at its deadline with answers waiting behind a report that never arrives."""
    world.log.taking.clear()
    world.shift("ann", "1", "Night")
    await world.until(lambda: not world.google.under_way.total() and world.google.writes())
    world.shift("ann", "2", "Night")
    await world.until(lambda: len(world.google.writes()) == 2)
    await world.quietly()
    assert 0.25 < await _seconds(world) < 0.6
    world.log.taking.set()
    world.lanes.open(ALL)
    await world.settled()
    assert world.calendar("ann") == {"1": "Night", "2": "Night"}


@pytest.mark.parametrize("steps", range(12))
async def test_a_drain_at_any_moment_around_an_answer(busy: World, steps: int) -> None:
    """It ends promptly, and what Google did is either reported or found again; nothing is lost or doubled."""
    busy.google.door.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    assert await _seconds(busy) < 0.25
    busy.lanes.open(ALL)
    await busy.settled()
    assert len(busy.calendar("ann")) == 10


async def test_a_grant_that_is_lost_during_a_drain(busy: World) -> None:
    """It is told, without waiting for a fold that does not come any more."""
    busy.folding.clear()
    draining = asyncio.create_task(_seconds(busy))
    await busy.quietly(0.02)
    busy.google.troubles["ann"] = GrantLost("invalid_grant", "Connect again.")
    busy.google.door.set()
    assert await draining < 0.25
    facts = [fact for _, fact in busy.log.facts[partition_of(key_of("ann"))]]
    assert any(isinstance(fact, TroubleFound) for fact in facts)


@pytest.mark.parametrize("held", ["google", "broker", "fold"])
async def test_a_drain_during_a_look(world: World, held: str) -> None:
    """The look is given up at once, wherever it is, and made again by the next owner."""
    doors = {"google": world.google.door, "broker": world.log.taking, "fold": world.folding}
    world.resync("ann")
    await world.until(world.is_folded)
    doors[held].clear()
    await world.quietly(0.02)
    assert await _seconds(world) < 0.1
    doors[held].set()
    world.lanes.open(ALL)
    await world.settled()
    assert world.state("ann") == "in_sync"


async def test_a_second_drain_during_the_first(busy: World) -> None:
    """A stop that meets a rebalance waits as long as that does."""
    first = asyncio.create_task(busy.lanes.drain())
    await busy.quietly(0.02)
    second = asyncio.create_task(busy.lanes.drain())
    await busy.quietly(0.02)
    assert not second.done()
    busy.google.door.set()
    await asyncio.gather(first, second)
    assert busy.google.under_way.total() == 0


async def test_a_drain_while_rows_are_walked(world: World) -> None:
    """The walk wakes nobody any more."""
    for n in range(9):
        world.shift(f"user{n}", "1", "Day")
        await world.connect(f"user{n}")
    await world.lanes.drain()
    await world.until(world.is_folded)
    world.lanes.open(ALL)
    await asyncio.sleep(0)
    await world.lanes.drain()
    await world.quietly()
    assert len(world.lanes) == 0
    world.lanes.open(ALL)
    await world.settled()
    assert all(len(world.calendar(f"user{n}")) == 1 for n in range(9))


async def test_messages_before_the_gate_is_passed(world: World) -> None:
    """Wake no lane; once it is passed, whoever has open differences gets one."""
    await world.lanes.drain()
    world.shift("ann", "1", "Night")
    await world.until(world.is_folded)
    await world.quietly(0.02)
    assert world.google.calls == []
    world.lanes.open(ALL)
    await world.settled()
    assert world.calendar("ann") == {"1": "Night"}


async def test_a_pause(busy: World) -> None:
    """No call begins from then on, although the lanes live until they are drained."""
    busy.desk.paused = True
    busy.google.door.set()
    await busy.quietly()
    assert len(busy.google.writes()) == 4
    assert busy.quota.schedule.project.under_way == 0
    await busy.lanes.drain()
    busy.lanes.open(ALL)
    await busy.settled()
    assert len(busy.calendar("ann")) == 10


async def test_a_process_that_was_frozen(world: World) -> None:
    """It begins no call until it trusts itself again, takes no place in the quota meanwhile, and then goes on."""
    used = world.quota.schedule.project.used(0.0)
    world.now += 60.0
    world.shift("ann", "1", "Night")
    await world.quietly()
    assert world.google.calls == []
    world.pulse.tick()
    await world.quietly()
    assert world.google.calls == []
    assert world.quota.schedule.project.used(0.0) == used
    world.now += 3.5
    world.pulse.tick()
    await world.settled()
    assert world.calendar("ann") == {"1": "Night"}


async def test_a_partition_that_is_somebody_elses(busy: World) -> None:
    """A lane whose rows are gone calls nothing and ends."""
    busy.rows.open.clear()
    busy.google.door.set()
    await busy.until(lambda: not busy.google.under_way.total())
    await busy.quietly()
    assert len(busy.google.writes()) == 4
    busy.rows.open |= ALL
    busy.lanes.open(ALL)
    await busy.settled()
    assert len(busy.calendar("ann")) == 10


async def test_rows_that_cannot_be_read_when_the_gate_opens(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker ends: users who are never woken would wait in silence."""

    def broken(partition: int, after: bytes | None, limit: int) -> list[object]:
        raise ZeroDivisionError("a bug")

    await world.lanes.drain()
    monkeypatch.setattr(world.rows, "slice", broken)
    world.lanes.open(ALL)
    await world.until(lambda: world.failed)
    assert isinstance(world.failed[0], ZeroDivisionError)


async def test_one_partition_of_two(world: World) -> None:
    """Only its users are written, until the other one is open as well."""
    await world.lanes.drain()
    mine, theirs = partition_of(key_of("ann")), 1 - partition_of(key_of("ann"))
    other = next(name for name in "bcdefgh" if partition_of(key_of(name)) == theirs)
    world.lanes.open(frozenset({mine}))
    await world.connect(other)
    world.shift(other, "1", "Day")
    world.shift("ann", "1", "Night")
    await world.settled()
    assert (world.calendar("ann"), world.calendar(other)) == ({"1": "Night"}, {})
    world.lanes.open(ALL)
    await world.settled()
    assert world.calendar(other) == {"1": "Day"}
