"""Lanes open for users whose last owner left without a word, or cleanly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.rows import UserRow
from streams import lanes
from tests.streams.lane_world import PARTITIONS, World, key_of, partition_of, world_of

ALL = frozenset(range(PARTITIONS))
PEOPLE = ("ann", "bob", "cyd")


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Three people whose shift stands, and was written long ago."""
    monkeypatch.setattr(lanes, "DRAIN_S", 0.05)
    async with world_of(tmp_path) as world:
        for user in PEOPLE:
            await world.connect(user)
            world.shift(user, "1", "Day")
        await world.settled()
        await world.lanes.drain()
        for user in PEOPLE:
            _alter(world, user, last_synced_at=world.begin - timedelta(minutes=5))
        world.google.calls.clear()
        yield world


def _alter(world: World, user: str, **changes: object) -> UserRow:
    row = world.row(user).model_copy(update=changes)
    world.rows.put(partition_of(key_of(user)), key_of(user), row)
    return row


async def test_owner_that_died_with_open_work(world: World) -> None:
    """Whoever had some is looked at before anything is written; nobody else is called for."""
    world.shift("ann", "1", "Night")
    await world.until(world.is_folded)
    world.lanes.open(ALL, ALL)
    await world.settled()
    assert world.google.calls == [("ann", "list"), ("ann", "patch")]
    assert world.calendar("ann") == {"1": "Night"}
    assert world.state("ann") == "in_sync"


async def test_owner_that_died_after_google_had_done_it(world: World) -> None:
    """The look finds what nobody told of: no write is made again."""
    before = world.row("ann")
    world.lanes.open(ALL)
    world.shift("ann", "2", "Late")
    await world.settled()
    await world.lanes.drain()
    _alter(world, "ann", applied=before.applied)  # as if the outcome had never been told
    world.google.calls.clear()
    world.lanes.open(ALL, ALL)
    await world.settled()
    assert world.google.calls == [("ann", "list")]
    assert world.calendar("ann") == {"1": "Day", "2": "Late"}


async def test_owner_that_slept_after_its_work_was_finished(world: World) -> None:
    """A late write of its own is found, and put right."""
    _alter(world, "bob", last_synced_at=world.begin)
    event = next(iter(world.row("bob").applied))
    world.google.memory.google.alter("bob", event, {"summary": "Older"})
    world.lanes.open(ALL, ALL)
    await world.settled()
    assert world.google.calls == [("bob", "list"), ("bob", "patch")]
    assert world.calendar("bob") == {"1": "Day"}


async def test_owner_that_left_cleanly(world: World) -> None:
    """Nobody is looked at, open work or not."""
    world.shift("ann", "1", "Night")
    _alter(world, "bob", last_synced_at=world.begin)
    await world.until(world.is_folded)
    world.lanes.open(ALL)
    await world.settled()
    assert world.google.calls == [("ann", "patch")]


async def test_one_partition_of_two(world: World) -> None:
    """Users of the one that was left cleanly are not looked at."""
    for user in PEOPLE:
        world.shift(user, "1", "Night")
    await world.until(world.is_folded)
    unclean = frozenset({partition_of(key_of("ann"))})
    world.lanes.open(ALL, unclean)
    await world.settled()
    looked = {user for user, call in world.google.calls if call == "list"}
    assert looked == {user for user in PEOPLE if partition_of(key_of(user)) in unclean}
    assert len(world.google.writes()) == len(PEOPLE)


async def test_drain_that_cuts_a_call_off(world: World) -> None:
    """Its partition counts as left without a word, and no other."""
    world.lanes.open(ALL)
    world.google.door.clear()
    world.shift("ann", "1", "Night")
    await world.until(lambda: world.google.calls)
    assert await world.lanes.drain() == {partition_of(key_of("ann"))}
    world.google.door.set()


async def test_drain_that_ends_every_call(world: World) -> None:
    """No partition counts as left without a word."""
    world.lanes.open(ALL)
    world.google.latency = 0.01
    world.shift("ann", "1", "Night")
    await world.until(lambda: world.google.calls)
    assert await world.lanes.drain() == set()
