"""From topics into the vault, whatever happens on the way."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka.admin import NewPartitions, RecordsToDelete
from aiokafka.structs import TopicPartition

from portal.projecting.projector import Projector
from schemas import formats
from schemas.facts import Wish
from schemas.rows import CalendarWish, Connection, UserRow
from streams.codec import encode_row
from tests.kafka import Kafka
from tests.portal.operators.world import (
    AGENCY,
    ANN,
    BOB,
    World,
    eventually,
    lost,
    now,
    open_vault,
    open_world,
    result,
    status,
)
from tests.postgres import Postgres


def row(title: str = "Medic 12 Day", user: str = ANN) -> UserRow:
    """A connected user's row with one shift tomorrow, still to be written."""
    start = now() + timedelta(days=1)
    wish = Wish(
        version=3,
        kind="shift",
        title=title,
        start=start,
        end=start + timedelta(hours=8),
        time_zone="America/New_York",
    )
    return UserRow(
        agency_id=AGENCY,
        user_id=user,
        calendars={"ops": CalendarWish(revision=1, standing="published", wishes={"1": wish})},
        connection=Connection(state="connected", occurred_at=start, connected_at=start, released=False),
    )


async def test_news_of_all_three_kinds(world: World) -> None:
    """Status, view and last result of a user stand in the vault."""
    async with world.projecting():
        await world.say(status(state="syncing", pending=2))
        await world.row(row())
        await world.tell(result(latency_ms=120), result(latency_ms=340))
        await world.shows("syncing")
        seen = await eventually(world.view, lambda found: found is not None)
        assert seen is not None
        assert [(one.title, one.calendar_id, one.place) for one in seen.shifts] == [
            ("Medic 12 Day", "ops", "waiting")
        ]
        await eventually(world.counted, lambda count: count == 2)
    last = await world.vault.projection.last_result(AGENCY, ANN)
    assert last is not None
    assert (last.action, last.latency_ms) == ("inserted", 340)
    assert await world.counted() == 2


async def test_news_in_another_database(
    kafka: Kafka, prefix: str, tmp_path: Path, postgres: Postgres
) -> None:
    """The same on PostgreSQL, for more hosts than one."""
    with postgres.database() as url:
        async with open_world(kafka, prefix, tmp_path, database_url=url) as world:
            async with world.projecting() as one, world.projecting() as two:
                await world.say(*(status(state="syncing", pending=n) for n in range(20)), status())
                await world.row(row())
                await world.tell(*(result() for _ in range(20)))
                await world.caught_up(one)
                await world.caught_up(two)
            assert (await world.state(), await world.counted()) == ("in_sync", 20)
            assert await world.view() is not None


async def test_the_newest_wins(world: World) -> None:
    """Of many statuses the last one stands, and nobody else's."""
    async with world.projecting():
        await world.say(
            *(status(state="syncing", pending=n) for n in range(30)), status(), status(BOB, "stopped")
        )
        await world.shows("in_sync")
        await world.shows("stopped", BOB)


async def test_somebody_who_is_forgotten(world: World) -> None:
    """A null takes status and view away."""
    async with world.projecting() as projector:
        await world.say(status(), status(BOB))
        await world.row(row())
        await world.caught_up(projector)
        assert await world.view() is not None
        await world.send(world.names.status, AGENCY, ANN, None)
        await world.send(world.names.changelog("users"), AGENCY, ANN, None)
        await world.shows(None)
        assert await eventually(world.view, lambda found: found is None) is None
        assert await world.state(BOB) == "in_sync"


async def test_a_restart(world: World) -> None:
    """It goes on where it was: what came meanwhile is read, what was read is not counted again."""
    async with world.projecting() as projector:
        await world.say(status(state="syncing"))
        await world.tell(result(), result())
        await world.caught_up(projector)
    await world.say(status())
    await world.tell(result())
    async with world.projecting() as projector:
        await world.caught_up(projector)
    assert (await world.state(), await world.counted()) == ("in_sync", 3)


async def test_two_portals(world: World) -> None:
    """Both read everything, each result counts once, and the newest status stands."""
    async with world.projecting() as one, world.projecting() as two:
        for n in range(40):
            await world.tell(result(latency_ms=n))
            await world.say(status(state="syncing", pending=n))
        await world.say(status())
        await world.caught_up(one)
        await world.caught_up(two)
    assert (await world.state(), await world.counted()) == ("in_sync", 40)


async def test_a_portal_that_is_cancelled_at_any_moment(world: World) -> None:
    """Cut off again and again, it misses nothing and counts nothing twice."""
    for n in range(12):
        await world.tell(result(), result())
        async with world.projecting():
            await asyncio.sleep(0.05 * n)
    async with world.projecting() as projector:
        await world.caught_up(projector)
    assert await world.counted() == 24


async def test_a_topic_that_is_made_anew(world: World) -> None:
    """It is read from its beginning, though it is longer than the old one was; who is not in it any more is gone."""
    async with world.projecting() as projector:
        await world.say(status(), status(BOB))
        await world.caught_up(projector)
        await world.delete(world.names.status)
        await world.create()
        await world.say(*(status(state="syncing", pending=n) for n in range(20)))
        await world.shows("syncing")
        await world.shows(None, BOB)


async def test_a_topic_that_was_made_anew_while_nobody_read(world: World) -> None:
    """The same at a start."""
    async with world.projecting() as projector:
        await world.say(status(), status(BOB))
        await world.caught_up(projector)
    await world.delete(world.names.status)
    await world.create()
    await world.say(*(status(state="syncing", pending=n) for n in range(20)))
    async with world.projecting():
        await world.shows("syncing")
        await world.shows(None, BOB)


async def test_a_topic_that_is_missing_for_a_while(world: World) -> None:
    """It waits, says which one, and reads on once it is there."""
    await world.delete(world.names.results)
    async with world.projecting() as projector:
        said = await eventually(lambda: _trouble(projector), lambda found: found is not None)
        assert said is not None
        assert world.names.results in said
        assert "topics create" in said
        await world.create()
        await world.say(status())
        await world.shows("in_sync")
        assert await eventually(lambda: _trouble(projector), lambda found: found is None) is None


async def test_a_beginning_that_is_gone(world: World) -> None:
    """Records that retention took are not waited for."""
    async with world.projecting() as projector:
        await world.tell(result())
        await world.caught_up(projector)
    await world.tell(*(result() for _ in range(5)))
    async with world.cluster() as cluster:
        partitions = [TopicPartition(world.names.results, number) for number in range(2)]
        ends = await cluster.ends(partitions)
        await cluster.admin.delete_records({tp: RecordsToDelete(end) for tp, end in ends.items()})
    await world.tell(result(), result())
    async with world.projecting() as projector:
        await world.caught_up(projector)
    assert await world.counted() == 3


async def test_a_position_beyond_the_end(world: World) -> None:
    """Where a partition lost its end, what came from it is read anew."""
    async with world.projecting() as projector:
        await world.say(status(), status(BOB))
        await world.caught_up(projector)
    await _sql(world, "UPDATE projection_positions SET next_offset = next_offset + 1000")
    await _sql(world, "UPDATE projected_statuses SET state = 'stopped'")
    async with world.projecting():
        await world.shows("in_sync")
        await world.shows("in_sync", BOB)


async def test_an_older_database(world: World) -> None:
    """Where somebody brought a backup back under a running portal, it reads again from there."""
    async with world.projecting() as projector:
        await world.say(status(state="syncing"))
        await world.caught_up(projector)
        await _sql(world, "UPDATE projection_positions SET next_offset = 0", "DELETE FROM projected_statuses")
        await world.say(status(BOB))
        await world.shows("syncing")
        await world.shows("in_sync", BOB)


async def test_more_partitions(world: World) -> None:
    """Those that are added are read, too, from a restart on at the latest."""
    async with world.projecting() as projector:
        await world.say(status())
        await world.caught_up(projector)
    async with world.cluster() as cluster:
        await cluster.admin.create_partitions({world.names.status: NewPartitions(6)})
        await eventually(cluster.partition_counts, lambda counts: counts[world.names.status] == 6)
    users = [f"u{n}" for n in range(12)]
    await world.sender.stop()
    await world.sender.start()
    await world.say(*(status(user) for user in users))
    async with world.projecting():
        for user in users:
            await world.shows("in_sync", user)


async def test_a_database_that_somebody_holds(world: World) -> None:
    """The batch waits, says so, and is written when the database is free again."""
    impatient = await open_vault(world.settings, wait_s=0.2)
    holder = sqlite3.connect(world.settings.database_url.get_secret_value().partition(":///")[2])
    try:
        async with world.projecting(impatient) as projector:
            await world.say(status(state="syncing"))
            await world.shows("syncing")
            holder.execute("BEGIN IMMEDIATE")
            await world.tell(result())
            await world.say(status())
            said = await eventually(lambda: _trouble(projector), lambda found: found is not None)
            assert said is not None
            assert "SHIFTCAL_DATABASE_URL" in said
            assert await world.state() == "syncing"
            holder.rollback()
            await world.shows("in_sync")
            await eventually(world.counted, lambda count: count == 1)
            await world.caught_up(projector)
            assert projector.freshness.trouble is None
    finally:
        holder.close()
        await impatient.close()


async def test_a_broker_that_goes_and_comes_back(
    own_kafka: Kafka, prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The portal says that it knows nothing new, and reads on by itself."""
    home = tmp_path_factory.mktemp("vault")
    async with open_world(own_kafka, prefix, home) as world, world.projecting() as projector:
        await world.say(status(state="syncing"))
        await world.caught_up(projector)
        await asyncio.to_thread(own_kafka.kill)
        said = await eventually(lambda: _trouble(projector), lambda found: found is not None, 40)
        assert said is not None
        await asyncio.to_thread(own_kafka.restart)
        await world.say(status())
        await world.shows("in_sync")
        await world.caught_up(projector)
        assert await _trouble(projector) is None
        own_kafka.pause()
        try:
            said = await eventually(lambda: _trouble(projector), lambda found: found is not None, 40)
        finally:
            own_kafka.resume()
        assert said is not None
        assert "does not answer in time" in said
        await world.say(status(state="syncing"))
        await world.shows("syncing")
        await world.caught_up(projector)


async def test_a_portal_before_its_kafka(world: World) -> None:
    """It runs, and says which address does not answer."""
    world.settings = world.settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    async with world.projecting() as projector:
        said = await eventually(lambda: _trouble(projector), lambda found: found is not None)
    assert said is not None
    assert "127.0.0.1:1" in said


@pytest.mark.parametrize("value", [b"{}", b"\xff", b"[1]", b'{"agency_id": "metro"'])
async def test_records_that_are_not_ours(
    world: World, value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """They are told of, counted and passed over; what stands behind them is read."""
    async with world.projecting() as projector:
        await world.say(status(state="syncing"))
        for topic in (world.names.status, world.names.results, world.names.changelog("users")):
            await world.send(topic, AGENCY, ANN, value)
        await world.sender.deliver(world.names.status, b"no-slash", b"{}")
        await world.say(status())
        await world.row(row())
        await world.shows("in_sync")
        await world.caught_up(projector)
        # A row that is overwritten in the same breath is not even looked at.
        assert projector.freshness.unreadable in {3, 4}
    assert "is passed over" in caplog.text
    assert await world.view() is not None


async def test_a_row_of_a_newer_release(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not passed over: the portal waits in front of it, says why, and its next release reads on there."""
    changelog = world.names.changelog("users")
    newer = b"\xf5\x02" + encode_row(row())
    async with world.projecting() as projector:
        await world.send(changelog, AGENCY, ANN, newer)
        said = await eventually(lambda: _trouble(projector), lambda found: found is not None)
        assert said is not None
        assert "start the newer release" in said
        assert projector.freshness.unreadable == 0
        assert await world.view() is None
        monkeypatch.setattr(formats, "NEWEST", 2)
        assert await eventually(world.view, lambda found: found is not None) is not None


async def test_a_busy_hour(world: World) -> None:
    """Thousands of records are read at once, and then nothing is late."""
    users = [f"u{n}" for n in range(500)]
    deliveries = [
        await world.sender.send(
            world.names.changelog("users"), f"{AGENCY}/{user}".encode(), encode_row(row(user=user))
        )
        for user in users
    ]
    for n in range(4):
        for user in users:
            one = status(user, "syncing" if n < 3 else "in_sync", pending=3 - n)
            deliveries.append(
                await world.sender.send(
                    world.names.status, f"{AGENCY}/{user}".encode(), one.model_dump_json().encode()
                )
            )
    await asyncio.gather(*deliveries)
    async with world.projecting() as projector:
        await world.caught_up(projector)
        assert not projector.freshness.is_late
    assert await world.vault.projection.counts() == {(AGENCY, "in_sync"): 500}
    assert await world.view("u499") is not None


async def test_somebody_who_waits_for_news(world: World) -> None:
    """Whose status changes is woken, nobody else is."""
    async with world.projecting() as projector:
        await world.caught_up(projector)
        ann = asyncio.create_task(projector.bell.wait(AGENCY, ANN, 10))
        bob = asyncio.create_task(projector.bell.wait(AGENCY, BOB, 0.5))
        await asyncio.sleep(0)
        await world.say(status())
        assert await ann is True
        assert await bob is False


async def test_a_grant_that_is_lost(world: World) -> None:
    """Why stands beside the state."""
    async with world.projecting():
        await world.say(lost())
        await world.shows("needs_reauthorization")
    found = await world.vault.projection.status(AGENCY, ANN)
    assert found is not None
    assert found.status.last_error is not None
    assert found.status.last_error.code == "invalid_grant"


async def _trouble(projector: Projector) -> str | None:
    return projector.freshness.trouble


async def _sql(world: World, *statements: str) -> None:
    """Do something to the database behind everybody's back."""
    await asyncio.to_thread(_run, world, statements)


def _run(world: World, statements: tuple[str, ...]) -> None:
    with closing(
        sqlite3.connect(world.settings.database_url.get_secret_value().partition(":///")[2])
    ) as other:
        for statement in statements:
            other.execute(statement)
        other.commit()
