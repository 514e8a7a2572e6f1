"""The embedded broker serves what the worker asks of it, to this process and to others."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from sandbox.broker import EmbeddedBroker, EmbeddedBrokerUnavailable

PRODUCE = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

async def main():
    async with AIOKafkaProducer(bootstrap_servers=sys.argv[1], enable_idempotence=True) as producer:
        await producer.send_and_wait("facts", b"from afar", partition=11)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker({"facts": 12, "rebuild": 1}) as made:
        yield made


def reader(broker: EmbeddedBroker, *topics: str, **options: object) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=broker.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=10,
        **options,
    )


async def test_a_topic_has_the_partitions_it_was_created_with(broker: EmbeddedBroker) -> None:
    """Clients see the counts that were asked for, not the mock's own four."""
    async with reader(broker, "facts", "rebuild") as consumer:
        assert consumer.partitions_for_topic("facts") == set(range(12))
        assert consumer.partitions_for_topic("rebuild") == {0}


async def test_another_process_writes(broker: EmbeddedBroker) -> None:
    """The worker is a process of its own, so that it can be killed; the broker outlives it."""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", PRODUCE, broker.bootstrap)
    assert await child.wait() == 0
    async with reader(broker) as consumer:
        tp = TopicPartition("facts", 11)
        consumer.assign([tp])
        record = await asyncio.wait_for(consumer.getone(tp), 5)
    assert record.value == b"from afar"


async def test_a_static_member_joins_commits_and_comes_back(broker: EmbeddedBroker) -> None:
    """A group forms within a second, and a member that was away goes on where it had committed.

    The mock knows no static members: it waits for the old one's session to end, and nearly as long for the group's next round.
    """
    member: dict[str, object] = {"group_id": "workers", "group_instance_id": "one"}
    member |= {"session_timeout_ms": 2000, "heartbeat_interval_ms": 500}
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for value in (b"first", b"second"):
            await producer.send_and_wait("rebuild", value)
    began = time.monotonic()
    async with reader(broker, "rebuild", **member) as consumer:
        first = await asyncio.wait_for(consumer.getone(), 5)
        joined = time.monotonic() - began
        await consumer.commit()
    async with reader(broker, "rebuild", **member) as consumer:
        second = await asyncio.wait_for(consumer.getone(), 10)
    assert (first.value, second.value) == (b"first", b"second")
    assert joined < 2, "the initial rebalance delay is the mock's own 3 s"


def test_a_topic_twice(broker: EmbeddedBroker) -> None:
    """The same count is fine, another one is refused with the reason."""
    broker.create_topic("facts", 12)
    with pytest.raises(ValueError, match="facts with 6 partitions"):
        broker.create_topic("facts", 6)
    assert broker.topics["facts"] == 12


def test_close_twice() -> None:
    """A broker that is gone stays gone, and says so."""
    made = EmbeddedBroker()
    made.close()
    made.close()
    with pytest.raises(RuntimeError, match="closed"):
        made.create_topic("late", 1)


def test_an_installation_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EmbeddedBrokerUnavailable, match="pip install confluent-kafka"):
        EmbeddedBroker()


def test_a_library_without_a_mock_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A librdkafka of another build is refused in words, not with a crash of the interpreter."""
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    with pytest.raises(EmbeddedBrokerUnavailable, match="no mock cluster"):
        EmbeddedBroker()
