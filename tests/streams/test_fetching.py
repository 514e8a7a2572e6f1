"""Fetch sessions: the broker knows what is wanted, whatever is lost, and a consumer reads what it read without them."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.fetching import Session, SessionClient, use_sessions
from tests.kafka import Kafka

Wanted = dict[tuple[str, int], tuple[int, int]]

NOT_FOUND, WRONG_EPOCH = 70, 71

places = st.tuples(st.integers(0, 3), st.just(1 << 20))
wanted_sets = st.dictionaries(st.tuples(st.sampled_from("ab"), st.integers(0, 2)), places)
luck = st.sampled_from(["answered", "answered", "answered", "lost", "not served", "evicted", "full"])


class Broker:
    """The broker's side, as https://cwiki.apache.org/confluence/display/KAFKA/KIP-227 has it."""

    def __init__(self) -> None:
        self.sessions: dict[int, tuple[int, Wanted]] = {}
        self._ids = count(1)

    def serve(
        self, session: Session, came: Wanted, gone: list[tuple[str, int]], *, full: bool
    ) -> tuple[int, int, Wanted]:
        """Return error, session id, and the partitions that the request was served for."""
        if session.epoch == 0:
            assert not gone
            self.sessions.pop(session.id, None)
            if full:
                return 0, 0, came
            number = next(self._ids)
            self.sessions[number] = (1, dict(came))
            return 0, number, came
        if session.id not in self.sessions:
            return NOT_FOUND, 0, {}
        epoch, known = self.sessions[session.id]
        if epoch != session.epoch:
            return WRONG_EPOCH, session.id, {}
        known = {tp: place for tp, place in (known | came).items() if tp not in gone}
        self.sessions[session.id] = (epoch + 1, known)
        return 0, session.id, known


@given(st.lists(st.tuples(wanted_sets, luck), max_size=30))
def test_whatever_is_lost(story: list[tuple[Wanted, str]]) -> None:
    """What is served is what is wanted, or the broker says that it is not; it never happens twice in a row."""
    session, broker, failed, unheard = Session(), Broker(), False, 0
    for wanted, what in story:
        came, gone = session.news(wanted)
        if what == "not served":
            session.renew()
            continue
        error, number, served = broker.serve(session, came, gone, full=what == "full")
        assert not (error and failed)
        failed = bool(error)
        if not error:
            assert served == wanted
        if what == "lost":
            unheard += session.epoch == 0
            session.renew()
            continue
        session.answered(error, number)
        if what == "evicted":
            broker.sessions.clear()
    assert len(broker.sessions) <= 1 + unheard, "sessions are left behind whose ids we knew"


def test_nothing_new() -> None:
    """An idle consumer names no partition, however many it has."""
    session, wanted = Session(), {("a", number): (5, 1 << 20) for number in range(100)}
    assert session.news(wanted) == (wanted, [])
    session.answered(0, 7)
    assert session.news(dict(wanted)) == ({}, [])
    session.answered(0, 7)
    assert (session.id, session.epoch) == (7, 2)


def test_one_moved_on_and_one_is_paused() -> None:
    """The broker is told of these two alone."""
    session = Session()
    session.news({("a", 0): (5, 1), ("a", 1): (5, 1), ("b", 0): (5, 1)})
    session.answered(0, 7)
    assert session.news({("a", 0): (6, 1), ("b", 0): (5, 1)}) == ({("a", 0): (6, 1)}, [("a", 1)])


def test_the_last_epoch() -> None:
    """Epochs begin again at 1: 0 would ask for a new session."""
    session = Session()
    session.id, session.epoch = 7, 2**31 - 1
    session.answered(0, 7)
    assert session.epoch == 1


async def test_reading(kafka: Kafka) -> None:
    """Records come once and in order, after a seek again, not while a partition is paused; the broker keeps one session."""
    if "mock" in kafka.name:
        pytest.skip("librdkafka's mock has no fetch sessions")
    await _make(kafka.bootstrap, "fetching")
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, fetch_max_wait_ms=50)
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    await consumer.start()
    use_sessions(consumer)
    client = consumer._fetcher._client
    assert isinstance(client, SessionClient)
    one, two = TopicPartition("fetching", 0), TopicPartition("fetching", 1)
    try:
        consumer.assign([TopicPartition("fetching", number) for number in range(6)])
        await consumer.seek_to_beginning()
        for number in range(20):
            await producer.send_and_wait("fetching", b"%d" % number, partition=number % 2)
            assert await _next(consumer) == (number % 2, number // 2)
        consumer.seek(one, 4)
        assert [await _next(consumer) for _ in range(6)] == [(0, offset) for offset in range(4, 10)]
        consumer.pause(two)
        await producer.send_and_wait("fetching", b"", partition=1)
        await producer.send_and_wait("fetching", b"", partition=0)
        assert await _next(consumer) == (0, 10)
        await asyncio.sleep(0.3)
        consumer.resume(two)
        assert await _next(consumer) == (1, 10)
        (session,) = client.sessions.values()
        assert session.id
        assert session.epoch > 20, "sessions were begun again and again"
        assert consumer.highwater(TopicPartition("fetching", 5)) == 0
        asked = consumer.last_poll_timestamp(TopicPartition("fetching", 5))
        assert asked >= consumer.last_poll_timestamp(one) - 1_000
    finally:
        await consumer.stop()
        await producer.stop()


async def test_other_partitions(kafka: Kafka) -> None:
    """An assignment begins with a session of its own: where nothing has changed, the ends are known all the same."""
    if "mock" in kafka.name:
        pytest.skip("librdkafka's mock has no fetch sessions")
    await _make(kafka.bootstrap, "fetching-anew")
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, fetch_max_wait_ms=50)
    await consumer.start()
    use_sessions(consumer)
    tps = [TopicPartition("fetching-anew", number) for number in range(2)]
    try:
        for some in (tps, tps[:1], tps):
            consumer.assign(some)
            await consumer.seek_to_beginning()
            async with asyncio.timeout(20):
                while any(consumer.highwater(tp) is None for tp in some):  # noqa: ASYNC110 - aiokafka tells nobody
                    await asyncio.sleep(0.05)
    finally:
        await consumer.stop()


async def _make(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 6, 1)])
    finally:
        await admin.close()


async def _next(consumer: AIOKafkaConsumer) -> tuple[int, int]:
    async with asyncio.timeout(20):
        record = await consumer.getone()
    return record.partition, record.offset
