"""Records that Faust would pass over, on a real Kafka: the worker ends before the ack, and honest gaps pass."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import TopicPartition

from streams.cluster import Cluster
from streams.errors import ContinuityBroken
from streams.names import Names
from streams.rebuild import StateLost
from streams.security import Broker
from streams.sender import Sender
from streams.topics import create
from tests.kafka import Kafka
from tests.streams.runtime_process import until
from tests.streams.runtime_worker import Chain, Setup, guest


@pytest.fixture
async def names(kafka: Kafka, prefix: str) -> Names:
    names = Names(prefix=prefix)
    await create(Broker(kafka.bootstrap), names.specs(1), 1)
    return names


@pytest.fixture
def setup(kafka: Kafka, names: Names, tmp_path: Path) -> Setup:
    return Setup(kafka.bootstrap, names.prefix, str(tmp_path / "state"), 1, hard_exit=False)


@pytest.mark.parametrize("where", ["input", "internal"])
async def test_record_lost_between_kafka_and_the_agent(setup: Setup, names: Names, where: str) -> None:
    """The jump is found before its ack: nothing from the lost record on is committed, and a restart reads it."""
    topic = {"input": names.inputs[0], "internal": names.user_facts}[where]
    chain = Chain(setup)
    deliver = chain.app.topics.on_message

    async def lossy(message: Any) -> None:
        if (message.topic, message.offset) != (topic, 3):
            await deliver(message)

    chain.app.topics.on_message = lossy
    async with guest(chain):
        for number in range(10):
            await chain.sender.deliver(names.inputs[0], b"k", b"%d" % number)
        await asyncio.wait_for(chain.app.wait_failed(), 15)
        assert isinstance(chain.app.failure, ContinuityBroken)
        assert f"{topic} partition 0: offset 4" in str(chain.app.failure)
        assert (topic, 0, 4) not in chain.seen
    async with Cluster(setup.broker) as cluster:
        assert (await cluster.committed(names.app_id)).get(TopicPartition(topic, 0), 0) <= 3
    again = Chain(setup)
    async with guest(again):
        await until(lambda: (names.user_facts, 0, 9) in again.seen, "everything is folded")
        assert (topic, 0, 3) in again.seen


async def test_transaction_markers_on_an_input(setup: Setup, names: Names) -> None:
    """Offsets of markers hold no records: no crash, and the rebuild's gate opens though they are never committed."""
    producer = AIOKafkaProducer(bootstrap_servers=setup.bootstrap, transactional_id=names.prefix)
    await producer.start()
    for number in range(5):
        async with producer.transaction():
            await producer.send_and_wait(names.inputs[0], b"%d" % number, b"k")
    await producer.stop()
    chain = Chain(setup)
    async with guest(chain):
        await asyncio.wait_for(chain.opened_event.wait(), 20)
        assert [offset for topic, _, offset in chain.seen if topic == names.inputs[0]] == [0, 2, 4, 6, 8]
        assert chain.folded_at_open == 5
        assert chain.app.failure is None


async def test_facts_deleted_before_they_were_read(setup: Setup, names: Names) -> None:
    """A worker away for longer than the facts are kept is refused, with the cure."""
    sender = Sender(setup.broker)
    await sender.start()
    for _ in range(3):
        await sender.deliver(names.user_facts, b"k", b"v")
    await sender.stop()
    async with Cluster(setup.broker) as cluster:
        await cluster.admin.delete_records(
            {TopicPartition(names.user_facts, 0): RecordsToDelete(before_offset=2)}
        )
    chain = Chain(setup)
    with pytest.raises(StateLost, match=r"deleted before they were processed.*new SHIFTCAL_APP_ID"):
        async with chain:
            await chain.rebuild.begin()
