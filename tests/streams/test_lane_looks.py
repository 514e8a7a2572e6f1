"""Looking at Google: connect, resync and the daily verify, on calendars of every kind."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from planning import remembered
from planning.connection import daily_look
from planning.window import HISTORY
from schemas.errors import RateLimited
from schemas.facts import CalendarSeen, Connected, VerifyDue
from schemas.rows import UserRow
from streams import care, codec, lanes
from streams.desk import ASK_AT_ONCE
from tests.streams.lane_world import AGENCY, World, id_of, key_of, partition_of, world_of
from vault import Connection


def _in_two_days(row: UserRow, now: datetime) -> VerifyDue | None:
    return daily_look(row, now + timedelta(days=2))


@asynccontextmanager
async def _rounds(world: World) -> AsyncIterator[None]:
    task = asyncio.create_task(world.lanes.rounds())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Ann has three shifts on her calendar; Google shows two events a page."""
    async with world_of(tmp_path) as world:
        world.shifts("ann", {f"{n}": ("Day", 24.0 * n) for n in (1, 2, 3)})
        await world.connect("ann")
        await world.settled()
        world.google.calls.clear()
        yield world


async def _resynced(world: World) -> None:
    world.google.calls.clear()
    world.resync("ann")
    await world.settled()


async def test_a_resync_after_the_user_has_been_at_work(world: World) -> None:
    """What was deleted comes back, what was altered is restored, and the user's own is left alone."""
    google = world.google.memory.google
    await _resynced(world)  # from here on a listing has shown them
    google.delete("ann", id_of("1"))
    google.alter("ann", id_of("2"), {"summary": "Mine", "colorId": "3"})
    mine = google.add(
        "ann", {"summary": "Dentist", "start": {"date": "2030-01-01"}, "end": {"date": "2030-01-02"}}
    )
    await _resynced(world)
    assert world.calendar("ann") == {"1": "Day", "2": "Day", "3": "Day"}
    assert google.standing("ann")[id_of("2")]["colorId"] == "3"
    assert google.standing("ann")[mine["id"]]["summary"] == "Dentist"
    assert sorted(world.google.writes()) == ["insert", "patch", "patch"]


async def test_a_resync_of_a_calendar_in_step(world: World) -> None:
    """The first one reads what no listing ever showed; from then on it costs its pages and nothing else."""
    await _resynced(world)
    await _resynced(world)
    assert world.google.calls == [("ann", "list")] * 2


async def test_a_lane_that_waits_holds_no_row(world: World) -> None:
    """Thousands may wait for an hour: each reads its row once the answer is there."""
    world.google.door.clear()
    world.resync("ann")
    await world.until(lambda: world.google.calls == [("ann", "list")])
    held, key = weakref.ref(world.row("ann")), key_of("ann")
    world.rows.put(partition_of(key), key, world.row("ann").model_copy(deep=True))
    remembered.forget_all()
    gc.collect()
    assert held() is None
    world.google.memory.google.delete("ann", id_of("1"))
    world.google.door.set()
    await world.settled()
    assert world.calendar("ann") == {"1": "Day", "2": "Day", "3": "Day"}


def _seen() -> list[CalendarSeen]:
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, CalendarSeen)]


async def test_a_lane_that_waits_holds_nothing_of_what_it_saw(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in Kafka by then, and thousands may wait until it is folded."""
    monkeypatch.setattr(codec, "_sent", codec.Sent(0))
    others = _seen()  # of other tests: the codec remembers some
    world.google.door.clear()
    world.resync("ann")
    await world.until(lambda: world.google.calls)
    await world.until(world.is_folded)
    world.folding.clear()
    world.google.door.set()
    await world.until(lambda: not world.is_folded())
    await world.quietly()
    told = [fact for facts in world.log.facts.values() for _, fact in facts]
    expected = {id(one) for one in (*others, *told)}
    assert [one for one in _seen() if id(one) not in expected] == []
    world.folding.set()
    await world.settled()


async def test_an_event_deleted_before_any_listing_showed_it(world: World) -> None:
    """It is read by its id, since its absence from a listing proves nothing, and comes back."""
    world.google.memory.google.delete("ann", id_of("1"))
    await _resynced(world)
    assert ("ann", "get") in world.google.calls
    assert world.calendar("ann") == {"1": "Day", "2": "Day", "3": "Day"}


async def test_an_account_that_strips_properties(world: World) -> None:
    """Known ids are read one by one, and nothing is listed again; a deleted event comes back, none doubles."""
    google = world.google.memory.google
    google.strip_properties("ann")
    await _resynced(world)
    assert world.row("ann").connection.strips_properties
    google.delete("ann", id_of("2"))
    await _resynced(world)
    assert ("ann", "list") not in world.google.calls
    assert len(google.standing("ann")) == 3
    world.shift("ann", "2", "Night")
    await world.settled()
    assert google.standing("ann")[id_of("2")]["summary"] == "Night"


async def test_a_connect_to_another_calendar(world: World) -> None:
    """Everything is written there; of the one before, nothing is believed or touched."""
    await world.connect("ann", account="ann.new")
    await world.settled()
    assert world.calendar("ann.new") == world.calendar("ann") == {"1": "Day", "2": "Day", "3": "Day"}
    assert world.google.writes() == ["insert"] * 3


async def test_a_connect_that_finds_events_of_a_lost_state(world: World) -> None:
    """What stands there and is ours is adopted; what is not wanted any more goes."""
    world.rows._rows.clear()
    world.shifts("ann", {"3": (None, 0)})
    await world.connect("ann")
    await world.settled()
    assert world.calendar("ann") == {"1": "Day", "2": "Day"}
    assert world.google.writes() == ["delete"]


async def test_a_resync_while_writes_wait_for_permits(tmp_path: Path) -> None:
    """It looks at once and plans anew, rather than behind a queue of writes."""
    async with world_of(tmp_path, account=6) as world:
        await world.connect("ann")
        await world.settled()
        world.shifts("ann", {f"{n}": ("Day", 24.0 + n) for n in range(20)})
        await world.until(lambda: world.quota.waiting)
        world.resync("ann")
        await world.until(lambda: world.is_folded() and world.quota.waiting)
        world.quota.schedule.accounts.window("ann").resize(1_000)
        world.quota.schedule.accounts.unpark("ann")
        world.quota._serve()
        await world.settled()
        assert len(world.calendar("ann")) == 20
        assert len(world.google.writes()) == 20


async def test_a_refusal_in_the_middle_of_a_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look is made again from its beginning."""
    monkeypatch.setattr(care, "delay", lambda *_: 0.01)
    world.google.memory.google.delete("ann", id_of("3"))
    world.google.memory.fail(RateLimited("rateLimitExceeded", "Too many."))
    await _resynced(world)
    assert world.calendar("ann") == {"1": "Day", "2": "Day", "3": "Day"}
    assert world.state("ann") == "in_sync"


async def test_changes_during_a_look(world: World) -> None:
    """They are written after it, each once."""
    world.google.door.clear()
    world.resync("ann")
    await world.until(lambda: world.google.calls)
    world.shift("ann", "1", "Night")
    world.shift("ann", "4", "New")
    await world.quietly()
    assert world.google.writes() == []
    world.google.door.set()
    await world.settled()
    assert world.calendar("ann") == {"1": "Night", "2": "Day", "3": "Day", "4": "New"}
    assert sorted(world.google.writes()) == ["insert", "patch"]


async def test_the_daily_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round finds the users whose look is due, and the look repairs what it finds; its results name no cause."""
    await _resynced(world)
    world.google.memory.google.delete("ann", id_of("1"))
    world.google.calls.clear()
    monkeypatch.setattr(lanes, "ROUND_S", 0.01)
    monkeypatch.setattr(lanes, "daily_look", _in_two_days)
    async with _rounds(world):
        await world.until(lambda: len(world.calendar("ann")) == 3)
    await world.settled()
    assert world.results[-1].action == "inserted"
    assert world.results[-1].caused_by is None


async def test_a_round_before_any_look_is_due(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is called."""
    monkeypatch.setattr(lanes, "ROUND_S", 0.01)
    async with _rounds(world):
        await world.quietly(0.1)
    assert world.google.calls == []


async def test_how_far_back_a_look_reaches(world: World) -> None:
    """Beyond history: Google ends an all-day event at midnight of its calendar, up to 14 hours before ours."""
    await _resynced(world)
    assert world.google.listed_from is not None
    assert world.google.listed_from <= datetime.now(UTC) - HISTORY - timedelta(hours=14)


async def test_no_row_is_read_while_no_call_may_begin(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of lanes that ask again and again would keep the worker so busy that none might ever begin."""
    reads = []

    def read(partition: int, key: bytes) -> UserRow | None:
        reads.append(key)
        return world.rows._rows[partition].get(key)

    await _resynced(world)
    monkeypatch.setattr(care, "CLOSED_S", 0.01)
    monkeypatch.setattr(world.desk.pulse, "is_fresh", lambda: False)
    monkeypatch.setattr(world.desk.rows, "get", read)
    world.shift("ann", "4", "New")
    await world.until(world.is_folded)
    reads.clear()
    await world.quietly(0.2)
    assert reads == []
    monkeypatch.setattr(world.desk.pulse, "is_fresh", lambda: True)
    await world.settled()
    assert world.calendar("ann") == {"1": "Day", "2": "Day", "3": "Day", "4": "New"}
    assert reads


async def test_many_who_connect_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few ask the vault at a time, each once: whoever waits long for one of its connections would be turned away."""
    users, asked, under_way, most = [f"u{n}" for n in range(30)], list[str](), 0, 0
    connection = world.vault.connection

    async def watched(agency_id: str, user_id: str) -> Connection | None:
        nonlocal under_way, most
        asked.append(user_id)
        under_way += 1
        most = max(most, under_way)
        try:
            return await connection(agency_id, user_id)
        finally:
            under_way -= 1

    monkeypatch.setattr(world.vault, "connection", watched)
    at = world.tick()
    for user in users:
        await world.store(user, at)
    for user in users:
        world.tell(Connected(agency_id=AGENCY, user_id=user, cause=world.cause(at)))
        world.shifts(user, {f"{user}-{n}": ("Day", 24.0) for n in range(3)})
    await world.settled()
    assert sorted(asked) == sorted(users)
    assert most == ASK_AT_ONCE
    assert all(len(world.calendar(user)) == 3 for user in users)
