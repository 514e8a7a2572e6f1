"""What a lane writes, and how often: one call a net change, the newest wish, never two calls on one event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.streams.lane_world import World, id_of, world_of


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_of(tmp_path) as world:
        yield world


async def test_a_connect_after_many_changes(world: World) -> None:
    """Whatever happened before somebody connects costs one listing and one insert a shift."""
    for title in ("Early", "Day", "Late"):
        world.shifts("ann", {str(n): (title, 24.0 * n) for n in range(1, 8)})
    world.shift("ann", "8", "Gone")
    world.shift("ann", "8", None)
    await world.connect("ann")
    await world.settled()
    assert world.calendar("ann") == {str(n): "Late" for n in range(1, 8)}
    assert sorted(world.google.calls) == [("ann", "insert")] * 7 + [("ann", "list")]
    assert world.state("ann") == "in_sync"


@pytest.fixture
async def ann(world: World) -> World:
    """Ann is connected and has one shift on her calendar."""
    world.shift("ann", "1", "Day")
    await world.connect("ann")
    await world.settled()
    world.google.calls.clear()
    return world


async def test_one_change(ann: World) -> None:
    """An edit is one patch, a removal one delete, and neither reads anything."""
    ann.shift("ann", "1", "Night")
    await ann.settled()
    assert ann.calendar("ann") == {"1": "Night"}
    ann.shift("ann", "1", None)
    await ann.settled()
    assert ann.calendar("ann") == {}
    assert ann.google.calls == [("ann", "patch"), ("ann", "delete")]
    assert ann.actions() == [("1", "inserted"), ("1", "patched"), ("1", "deleted")]


async def test_reports_that_are_not_folded(ann: World) -> None:
    """What lanes tell of their own calls is counted until rows hold it: a publication must not be held up by it."""
    ann.google.door.clear()
    ann.shift("ann", "1", "Night")
    await ann.until(lambda: ann.google.calls)
    ann.folding.clear()
    ann.google.door.set()
    await ann.until(lambda: not ann.is_folded())
    assert ann.desk.reports == 1
    ann.folding.set()
    await ann.settled()


async def _fill_permits(world: World) -> None:
    """Take every permit, with the calls of another user who waits at Google's door."""
    await world.connect("bob")
    await world.settled()
    world.google.door.clear()
    world.shifts("bob", {f"b{n}": ("Blocks", 1.0) for n in range(world.desk.calls_at_once)})
    await world.until(lambda: len(world.google.writes("bob")) == world.desk.calls_at_once)


@pytest.fixture
async def queued(tmp_path: Path) -> AsyncIterator[World]:
    """Ann's next call has to wait for a permit until the door is opened: Bob's calls have all of them."""
    async with world_of(tmp_path, at_once=4) as world:
        world.shift("ann", "1", "Day")
        await world.connect("ann")
        await world.settled()
        await _fill_permits(world)
        world.google.calls.clear()
        yield world


async def test_several_changes_while_the_call_waits_for_a_permit(queued: World) -> None:
    """They cost one write, of the newest wish."""
    for title in ("Night", "Late", "Night again"):
        queued.shift("ann", "1", title)
        await queued.until(lambda: queued.quota.waiting)
        await queued.quietly(0.005)
    queued.google.door.set()
    await queued.settled()
    assert queued.calendar("ann") == {"1": "Night again"}
    assert queued.google.writes("ann") == ["patch"]


async def test_a_change_undone_while_the_call_waits_for_a_permit(queued: World) -> None:
    """It costs no call at all, and the permit is nobody's."""
    queued.shift("ann", "1", "Night")
    await queued.until(lambda: queued.quota.waiting)
    queued.shift("ann", "1", "Day")
    await queued.until(queued.is_folded)
    queued.google.door.set()
    await queued.settled()
    assert queued.calendar("ann") == {"1": "Day"}
    assert queued.google.writes("ann") == []


async def test_an_edit_that_becomes_a_delete_while_it_waits(queued: World) -> None:
    """Only the delete is made."""
    queued.shift("ann", "1", "Night")
    await queued.until(lambda: queued.quota.waiting)
    queued.shift("ann", "1", None)
    await queued.until(queued.is_folded)
    queued.google.door.set()
    await queued.settled()
    assert queued.calendar("ann") == {}
    assert queued.google.writes("ann") == ["delete"]


async def test_a_sooner_shift_while_all_places_of_the_lane_are_taken(queued: World) -> None:
    """It overtakes the latest of the lane's own calls that wait for a permit."""
    queued.shifts("ann", {f"late{n}": ("Late", 1000.0 + n) for n in range(8)})
    await queued.until(lambda: queued.quota.waiting == queued.desk.calls_at_once)
    queued.shift("ann", "soon", "Soon", 2.0)
    await queued.until(queued.is_folded)
    await queued.quietly()
    queued.quota.schedule.at_once = 5  # one permit more
    queued.quota._serve()
    await queued.until(lambda: queued.google.writes("ann"))
    assert queued.google.under_way["ann", id_of("soon")] == 1
    queued.google.door.set()
    await queued.settled()
    assert len(queued.calendar("ann")) == 10
    assert len(queued.google.writes("ann")) == 9


async def test_a_waiting_shift_that_is_moved_to_a_sooner_day(queued: World) -> None:
    """It takes a new place in the queue, by its new start."""
    queued.shifts("ann", {"a": ("A", 1000.0), "b": ("B", 500.0)})
    await queued.until(lambda: queued.quota.waiting == 2)
    queued.shift("ann", "a", "A", 5.0)
    await queued.until(queued.is_folded)
    await queued.quietly(0.01)
    queued.quota.schedule.at_once = 5
    queued.quota._serve()
    await queued.until(lambda: queued.google.writes("ann"))
    assert queued.google.under_way["ann", id_of("a")] == 1
    queued.google.door.set()
    await queued.settled()
    assert queued.google.writes("ann") == ["insert", "insert"]


async def test_changes_during_the_call(ann: World) -> None:
    """The newest wish is written afterwards, in order, by one call more; no two calls on one event overlap."""
    ann.google.door.clear()
    ann.shift("ann", "1", "Night")
    await ann.until(ann.google.writes)
    ann.shift("ann", "1", "Late")
    ann.shift("ann", "1", "Latest")
    await ann.quietly()
    assert ann.google.writes() == ["patch"]
    ann.google.door.set()
    await ann.settled()
    assert ann.calendar("ann") == {"1": "Latest"}
    assert ann.google.writes() == ["patch", "patch"]


async def test_changes_between_an_answer_and_its_fold(ann: World) -> None:
    """What was answered and not folded yet is not planned again."""
    ann.google.door.clear()
    ann.shift("ann", "1", "Night")
    await ann.until(ann.google.writes)
    ann.folding.clear()
    ann.google.door.set()
    await ann.quietly()
    for lane, _ in ann.lanes._lanes.values():
        lane.wake()
    await ann.quietly()
    assert ann.google.writes() == ["patch"]
    ann.folding.set()
    await ann.settled()
    assert ann.calendar("ann") == {"1": "Night"}
    assert ann.google.writes() == ["patch"]


async def test_a_hail_of_changes(world: World) -> None:
    """Many users, many edits, slow answers: the calendars end right, and no event is written twice at once."""
    people = [f"user{n}" for n in range(6)]
    for user in people:
        await world.connect(user)
    world.google.latency = 0.004
    for turn in range(12):
        for user in people:
            world.shifts(user, {f"{user}-{n}": (f"{turn}", 24.0 + n) for n in range(6)})
        if turn == 6:
            for user in people:
                world.shifts(user, {f"{user}-{n}": (None, 0) for n in range(3)})
        await asyncio.sleep(0.006)
    await world.settled()
    for user in people:
        assert world.calendar(user) == {f"{user}-{n}": "11" for n in range(6)}


async def test_an_event_that_google_refuses(ann: World) -> None:
    """It is told as refused, and not tried again until the wish is another one."""
    ann.google.memory.google.burn("ann", id_of("2"), "forbidden")
    ann.shift("ann", "2", "Refused")
    await ann.settled()
    assert ann.google.calls.count(("ann", "patch")) == 1
    assert ann.calendar("ann")["2"] == "Refused"  # under another id
    ann.google.calls.clear()
    ann.shift("ann", "1", "Night")
    await ann.settled()
    assert ann.google.writes() == ["patch"]


async def test_a_change_of_tonights_shift_during_a_publication_that_fills_the_quota(tmp_path: Path) -> None:
    """It takes a place that is kept for it, though its own lane has more to do; so does one that leaves tonight."""
    async with world_of(tmp_path, project=40) as world:
        world.shifts("ann", {"tonight": ("Day", 3.0), "later": ("Day", 500.0)})
        await world.connect("ann")
        await world.connect("bob")
        await world.settled()
        for user in ("ann", "bob"):
            world.shifts(user, {f"{user}{n}": ("Day", 48.0 + n) for n in range(40)})
        await world.until(lambda: world.is_folded() and world.quota.waiting == 2 * world.desk.calls_at_once)
        written = len(world.google.calls)
        world.shift("ann", "tonight", "Night", 3.0)
        await world.until(lambda: world.calendar("ann")["tonight"] == "Night")
        world.shift("ann", "tonight", "Next month", 900.0)
        await world.until(lambda: world.calendar("ann")["tonight"] == "Next month")
        world.shift("ann", "later", "Other", 600.0)
        await world.quietly()
        assert world.calendar("ann")["later"] == "Day"
        assert len(world.google.calls) == written + 2


async def test_answers_that_kafka_does_not_take_yet(world: World) -> None:
    """No more calls are made than a crash may repeat: an answer counts until it is delivered."""
    await world.connect("ann")
    await world.settled()
    world.log.taking.clear()
    world.shifts("ann", {f"{n}": ("Day", 48.0 + n) for n in range(20)})
    await world.until(world.google.writes)
    await world.quietly()
    assert len(world.google.writes()) == world.desk.calls_at_once
    world.log.taking.set()
    await world.settled()
    assert len(world.google.writes()) == len(world.calendar("ann")) == 20


async def test_a_fold_that_is_faster_than_the_news_of_its_delivery(ann: World) -> None:
    """The lane knows what was folded already, and does not wait for it for ever."""
    ann.log.answer_after = 0.02
    ann.shift("ann", "1", "Night")
    await ann.settled()
    assert ann.calendar("ann") == {"1": "Night"}
    assert ann.google.writes() == ["patch"]


async def test_a_wish_that_changes_in_the_middle_of_a_conflict(ann: World) -> None:
    """What was under way is given up: only the newest wish reaches the calendar."""
    ann.google.memory.google.alter("ann", id_of("1"), {"summary": "Mine"})
    ann.google.door.clear()
    ann.shift("ann", "1", "Night")
    await ann.until(ann.google.writes)
    ann.shift("ann", "1", "Late")
    await ann.until(ann.is_folded)
    ann.google.door.set()
    await ann.settled()
    assert ann.calendar("ann") == {"1": "Late"}
    assert ann.actions() == [("1", "inserted"), ("1", "patched")]
