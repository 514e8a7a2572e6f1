"""The order of acks and the continuity guard, with fakes for Faust and Kafka."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from aiokafka.structs import TopicPartition

from streams import acks
from streams.acks import Acks
from streams.continuity import Continuity
from streams.errors import ContinuityBroken, DeliveryFailed

INPUT, FACTS = TopicPartition("in", 0), TopicPartition("facts", 0)


@dataclass
class Message:
    tp: TopicPartition
    offset: int


@dataclass
class Event:
    message: Message


@dataclass
class Log:
    """A probe over the offsets that hold a record."""

    records: set[int] = field(default_factory=set)

    async def first_record(self, _tp: TopicPartition, start: int, stop: int) -> int | None:
        return min((offset for offset in self.records if start <= offset < stop), default=None)


@dataclass
class Desk:
    """Everything `Acks` talks to, and what it said."""

    continuity: Continuity
    limit: int = 256
    acked: list[tuple[str, int]] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.acks = Acks(self._ack, self.continuity, self.failures.append, self.limit)

    async def _ack(self, event: Event) -> bool:
        self.acked.append((event.message.tp.topic, event.message.offset))
        return True

    def add(self, tp: TopicPartition, offset: int, deliveries: int = 1) -> list[asyncio.Future[object]]:
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[object]] = [loop.create_future() for _ in range(deliveries)]
        self.acks.add([Event(Message(tp, offset))], futures)
        return futures


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def continuity(log: Log) -> Continuity:
    return Continuity(log, frozenset({"facts"}))


@pytest.fixture
def desk(continuity: Continuity) -> Desk:
    return Desk(continuity)


async def test_later_delivery_arrives_first(desk: Desk) -> None:
    """An offset is acked only after every lower one of its partition; other partitions do not wait."""
    first, second, other = desk.add(INPUT, 0), desk.add(INPUT, 1), desk.add(FACTS, 0)
    second[0].set_result(None)
    other[0].set_result(None)
    await asyncio.sleep(0)
    assert desk.acked == [("facts", 0)]
    first[0].set_result(None)
    await asyncio.sleep(0)
    assert desk.acked == [("facts", 0), ("in", 0), ("in", 1)]
    assert desk.continuity.processed == {FACTS: 1, INPUT: 2}


async def test_nothing_to_deliver_waits_for_its_predecessors(desk: Desk) -> None:
    """An event without deliveries is acked at once, unless an earlier one is still open."""
    desk.add(INPUT, 0, deliveries=0)
    assert desk.acked == [("in", 0)]
    (open_,) = desk.add(INPUT, 1)
    desk.add(INPUT, 2, deliveries=0)
    assert desk.acked == [("in", 0)]
    open_.set_result(None)
    await asyncio.sleep(0)
    assert desk.acked == [("in", 0), ("in", 1), ("in", 2)]


async def test_failed_delivery_stops_all_acks(desk: Desk) -> None:
    """One failure is one crash, and neither that offset nor any later one is acked."""
    first, second = desk.add(INPUT, 0, deliveries=2), desk.add(INPUT, 1)
    other = desk.add(FACTS, 7)
    first[0].set_exception(OSError("broker gone"))
    await asyncio.sleep(0)
    for future in (first[1], second[0], other[0]):
        future.set_result(None)
    await asyncio.sleep(0)
    assert desk.acked == []
    (failure,) = desk.failures
    assert isinstance(failure, DeliveryFailed)
    assert "in partition 0 offset 0" in str(failure)
    assert "broker gone" in str(failure)


async def test_cancelled_delivery_is_a_failure(desk: Desk) -> None:
    """A producer that gave a record up did not deliver it."""
    desk.add(INPUT, 0)[0].cancel()
    await asyncio.sleep(0)
    assert desk.acked == []
    assert len(desk.failures) == 1


async def test_window_is_full(continuity: Continuity) -> None:
    """With `limit` events open the next one waits until one is acked."""
    desk = Desk(continuity, limit=2)
    first, _ = desk.add(INPUT, 0), desk.add(INPUT, 1)
    room = asyncio.create_task(desk.acks.room())
    await asyncio.sleep(0.01)
    assert not room.done()
    first[0].set_result(None)
    await asyncio.wait_for(room, 1)


async def test_one_event_with_thousands_of_deliveries(desk: Desk) -> None:
    """The next event waits until most of them have arrived: each is in memory until then."""
    many = desk.add(INPUT, 0, deliveries=acks.MAX_DELIVERIES + 1)
    room = asyncio.create_task(desk.acks.room())
    many.pop().set_result(None)
    await asyncio.sleep(0.01)
    assert not room.done()
    many.pop().set_result(None)
    await asyncio.wait_for(room, 1)
    assert desk.acked == []


async def test_assignment_changed_before_the_delivery(desk: Desk) -> None:
    """A late delivery of the last assignment acks nothing: the event is handed out again."""
    (late,) = desk.add(INPUT, 5)
    desk.continuity.revoked()
    desk.continuity.sought({INPUT: 5})
    (again,) = desk.add(INPUT, 5)
    late.set_result(None)
    await asyncio.sleep(0)
    assert desk.acked == []
    again.set_result(None)
    await asyncio.sleep(0)
    assert desk.acked == [("in", 5)]


async def test_gap_on_an_internal_topic(continuity: Continuity) -> None:
    """Every jump is a crash, whether the records still exist or not; the line says which, and the cure."""
    continuity.sought({FACTS: 10})
    with pytest.raises(ContinuityBroken, match=r"facts partition 0: offset 12 .* 10 .*new SHIFTCAL_APP_ID"):
        await continuity.admit(FACTS, 12)


async def test_gap_over_records_that_exist(continuity: Continuity, log: Log) -> None:
    """Records that were jumped over come again with the next start."""
    log.records = {11}
    continuity.sought({FACTS: 10, INPUT: 10})
    for tp in (FACTS, INPUT):
        assert not continuity.follows(tp, 12)
        with pytest.raises(
            ContinuityBroken, match=r"records that exist \(offset 11\).*start the worker again"
        ):
            await continuity.admit(tp, 12)


async def test_honest_gap_on_an_input(continuity: Continuity, log: Log) -> None:
    """Compaction and transaction markers leave offsets without records: nothing was lost."""
    log.records = {9, 12}
    continuity.sought({INPUT: 10})
    assert await continuity.admit(INPUT, 12)
    assert continuity.follows(INPUT, 13)


async def test_redelivery_within_an_assignment(continuity: Continuity) -> None:
    """Lower offsets are taken again, and the expectation stays with the highest."""
    continuity.sought({INPUT: 0})
    assert all(continuity.follows(INPUT, offset) for offset in range(5))
    continuity.sought({INPUT: 2})
    for offset in (2, 3, 4):
        assert not continuity.follows(INPUT, offset)
        assert await continuity.admit(INPUT, offset)
    assert continuity.follows(INPUT, 5)


async def test_next_assignment_goes_back_to_the_commit(continuity: Continuity) -> None:
    """What was acked and not committed comes again, and is expected."""
    continuity.sought({INPUT: 0})
    assert all(continuity.follows(INPUT, offset) for offset in range(5))
    continuity.revoked()
    assert not await continuity.admit(INPUT, 5), "handed out before the seek: it comes again"
    continuity.sought({INPUT: 3})
    assert continuity.follows(INPUT, 3)


async def test_no_commit_yet(continuity: Continuity, log: Log) -> None:
    """Without a commit everything from offset 0 on is ours to see."""
    continuity.sought({INPUT: None})
    assert await continuity.admit(INPUT, 4), "the beginning of the log holds no records"
    log.records = {0}
    continuity.revoked()
    continuity.sought({INPUT: None})
    with pytest.raises(ContinuityBroken):
        await continuity.admit(INPUT, 4)
