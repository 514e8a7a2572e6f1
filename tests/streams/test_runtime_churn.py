"""Rebalances under load: every offset of every partition is handed to an agent, whoever owns it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from aiokafka.structs import TopicPartition

from streams.cluster import Cluster
from streams.names import Names
from streams.security import Broker
from streams.sender import Sender
from streams.topics import create
from tests.kafka import Kafka
from tests.streams.runtime_process import Process, worker
from tests.streams.runtime_worker import Setup

PARTITIONS = 4
ROUNDS = int(os.environ.get("SHIFTCAL_TEST_CHURN_ROUNDS", "3"))
RATE = 150


@pytest.mark.parametrize("seek_delay_s", [0.0, 0.2], ids=["as it is", "slow seek"])
async def test_second_worker_comes_and_goes(
    kafka: Kafka, prefix: str, tmp_path: Path, seek_delay_s: float
) -> None:
    """Joins, leaves and a kill under load: nothing is passed over, and everything is committed in the end."""
    broker, names = Broker(kafka.bootstrap), Names(prefix=prefix)
    await create(broker, names.specs(PARTITIONS), 1)
    setups = [
        Setup(kafka.bootstrap, prefix, str(tmp_path / who), PARTITIONS, seek_delay_s=seek_delay_s)
        for who in ("first", "second")
    ]
    workers: list[Process] = []
    sender = Sender(broker)
    await sender.start()
    async with worker(setups[0]) as first, Cluster(broker) as cluster:
        workers.append(first)
        await first.ready()
        load = asyncio.create_task(_load(sender, names))
        for round_ in range(ROUNDS):
            async with worker(setups[1]) as second:
                workers.append(second)
                await second.ready()
                await asyncio.sleep(2)
                if round_ == 1:
                    await second.kill()
                else:
                    assert (await second.term())[0] == 0, second.errors
            await asyncio.sleep(2)
        load.cancel()
        await asyncio.wait({load})
        ends = await _settled(cluster, names)
        assert first.process.returncode is None, first.errors
        assert (await first.term())[0] == 0
    await sender.stop()
    seen = {record for process in workers for record in process.seen}
    passed_over = [
        (tp, offset) for tp, end in ends.items() for offset in range(end) if (*tp, offset) not in seen
    ]
    assert passed_over == []
    assert sum(ends.values()) > 3 * RATE


async def _load(sender: Sender, names: Names) -> None:
    number = 0
    while True:
        await sender.send(names.inputs[number % 5], b"a/%d" % (number % 97), b"%d" % number)
        number += 1
        await asyncio.sleep(1 / RATE)


async def _settled(cluster: Cluster, names: Names) -> dict[TopicPartition, int]:
    """Wait until the group has committed everything there is."""
    partitions = [TopicPartition(t, n) for t in (*names.inputs, *names.internal) for n in range(PARTITIONS)]
    async with asyncio.timeout(60):
        while True:
            committed = await cluster.committed(names.app_id)
            ends = await cluster.ends(partitions)
            if all(committed.get(tp, 0) == end for tp, end in ends.items()):
                return ends
            await asyncio.sleep(0.2)
