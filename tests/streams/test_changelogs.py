"""Changelog records on their way, with a producer that has room at times: all are sent, in order, and each hears of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest
from aiokafka.errors import KafkaTimeoutError, ProducerClosed
from aiokafka.structs import RecordMetadata
from hypothesis import given
from hypothesis import strategies as st

from streams.changelogs import Outgoing, Record


class Producer:
    """As aiokafka's: a record is its own at once where there is room, later where there is none, and never twice."""

    def __init__(self, room: int = 1_000) -> None:
        self.taken: list[tuple[Record, asyncio.Future[RecordMetadata]]] = []
        self.error: Exception | None = None
        self.room = room
        self._more = asyncio.Event()
        self.outgoing = Outgoing(self.send)

    async def send(
        self, topic: str, value: bytes | None, *, key: bytes, partition: int
    ) -> asyncio.Future[RecordMetadata]:
        while not self.room:
            await self._more.wait()
        if self.error is not None:
            raise self.error
        self.room -= 1
        delivery: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        self.taken.append((Record(topic, partition, key, value, _nobody), delivery))
        return delivery

    def give(self, room: int) -> None:
        """Make room for so many more."""
        self.room += room
        self._more.set()
        self._more = asyncio.Event()

    def deliver(self) -> None:
        """Say of everything that was taken where it stands now."""
        for offset, (record, delivery) in enumerate(self.taken):
            if not delivery.done():
                delivery.set_result(_stands(record, offset))


def _stands(record: Record, offset: int) -> RecordMetadata:
    return RecordMetadata(record.topic, record.partition, None, offset, 0, 0, 0)


def _nobody(_delivery: asyncio.Future[RecordMetadata]) -> None:
    """Hear of a delivery, and forget it."""


def _record(number: int, told: Callable[[asyncio.Future[RecordMetadata]], None] = _nobody) -> Record:
    return Record("rows", number % 3, b"%d" % number, None if number % 7 == 0 else b"v%d" % number, told)


@pytest.fixture
async def producer() -> AsyncIterator[Producer]:
    producer = Producer()
    running = asyncio.create_task(producer.outgoing.run())
    yield producer
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(1, 5)), st.tuples(st.just("room"), st.integers(1, 4))
        ),
        max_size=30,
    )
)
def test_any_course(steps: list[tuple[str, int]]) -> None:
    """Whenever there is room: nothing is lost or sent twice, the order is that of the rows, each delivery is its record's.

    Deliveries are told in order, too, whichever way the records went: how far the rows on disk go is counted by it.
    """

    async def tell() -> None:
        producer, put, told = Producer(room=2), list[asyncio.Future[RecordMetadata]](), list[int]()
        running = asyncio.create_task(producer.outgoing.run())
        for kind, count in steps:
            if kind == "room":
                producer.give(count)
                await asyncio.sleep(0)
            else:
                put += [
                    producer.outgoing.put(
                        _record(len(put) + n, lambda sent: told.append(sent.result().offset))
                    )
                    for n in range(count)
                ]
        producer.give(1_000)
        await producer.outgoing.flush()
        assert [record[:4] for record, _ in producer.taken] == [_record(n)[:4] for n in range(len(put))]
        producer.deliver()
        assert [one.offset for one in await asyncio.gather(*put)] == list(range(len(put)))
        assert told == list(range(len(put)))
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    asyncio.run(tell())


async def test_with_room_nothing_waits(producer: Producer) -> None:
    """The record is the producer's before anything else may run, and its delivery is the producer's own."""
    delivery = producer.outgoing.put(_record(1))
    assert producer.taken == [(_record(1), delivery)]


@pytest.mark.parametrize("room", [0, 1], ids=["full", "with room"])
async def test_a_record_that_is_refused(producer: Producer, room: int) -> None:
    """Its delivery fails with the producer's error, and those behind it go on."""
    producer.room, producer.error = room, KafkaTimeoutError()
    refused = producer.outgoing.put(_record(1))
    producer.give(1)
    with pytest.raises(KafkaTimeoutError):
        await refused
    producer.error = None
    producer.give(2)
    behind = producer.outgoing.put(_record(2))
    await producer.outgoing.flush()
    producer.deliver()
    assert (await behind).offset == 0


async def test_a_delivery_that_fails_behind_a_full_batch(producer: Producer) -> None:
    """Whoever waits hears of it."""
    producer.room = 0
    waiting = [producer.outgoing.put(_record(n)) for n in (1, 2)]
    producer.give(2)
    await producer.outgoing.flush()
    producer.taken[0][1].set_exception(OSError("gone"))
    producer.taken[1][1].cancel()
    failed = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in failed] == [OSError, asyncio.CancelledError]


async def test_a_producer_that_is_closed(producer: Producer) -> None:
    """Nothing fails and nothing arrives: what is not acked is made again by whoever comes next."""
    producer.error = ProducerClosed()
    left = producer.outgoing.put(_record(1))
    await asyncio.sleep(0.01)
    assert not left.done()
    await asyncio.wait_for(producer.outgoing.flush(), 1)


async def test_a_flush_waits_for_room(producer: Producer) -> None:
    """It is over once everything is the producer's, and gives up on a producer that takes nothing."""
    producer.room = 0
    producer.outgoing.put(_record(1))
    await asyncio.wait_for(producer.outgoing.flush(), 1)
    assert producer.taken == []
    flushing = asyncio.create_task(producer.outgoing.flush())
    await asyncio.sleep(0)
    producer.give(1)
    await flushing
    assert [record for record, _ in producer.taken] == [_record(1)]
