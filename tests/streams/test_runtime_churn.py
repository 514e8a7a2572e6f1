"""Rebalances under load: every offset of every partition is handed to an agent, whoever owns it."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
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
RATE = 400

#: Sent in one go: what is fetched together is what Faust throws away together.
BURST = 200
GAP = "jumping over records that exist"


@pytest.mark.parametrize(
    "seek_delay_s",
    [pytest.param(0.0, marks=pytest.mark.long, id="as it is"), pytest.param(0.2, id="slow seek")],
)
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
        loads = [
            asyncio.create_task(sending)
            for sending in (_load(sender, names), _while_it_seeks(sender, names, first))
        ]
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
        for load in loads:
            load.cancel()
        await asyncio.wait(loads)
        ends = await _settled(cluster, names)
        assert first.process.returncode is None, first.errors
        assert (await first.term())[0] == 0
    await sender.stop()
    seen = {record for process in workers for record in process.seen}
    passed_over = [
        (tp, offset) for tp, end in ends.items() for offset in range(end) if (*tp, offset) not in seen
    ]
    assert passed_over == []
    assert sum(ends.values()) > 3 * BURST


async def test_nobody_dies(kafka: Kafka, prefix: str, tmp_path: Path) -> None:
    """Clean joins and leaves under load: what an agent was handed is committed before its partition moves, so nothing comes twice."""
    broker, names = Broker(kafka.bootstrap), Names(prefix=prefix)
    await create(broker, names.specs(PARTITIONS), 1)
    setups = [Setup(kafka.bootstrap, prefix, str(tmp_path / who), PARTITIONS) for who in ("first", "second")]
    workers: list[Process] = []
    sender = Sender(broker)
    await sender.start()
    async with worker(setups[0]) as first, Cluster(broker) as cluster:
        workers.append(first)
        await first.ready()
        load = asyncio.create_task(_load(sender, names))
        for _ in range(ROUNDS):
            async with worker(setups[1]) as second:
                workers.append(second)
                await second.ready()
                await asyncio.sleep(1)
                assert (await second.term())[0] == 0, second.errors
            await asyncio.sleep(1)
        load.cancel()
        await asyncio.wait({load})
        ends = await _settled(cluster, names)
        assert (await first.term())[0] == 0
    await sender.stop()
    seen = Counter(record for process in workers for record in process.seen)
    assert {record: times for record, times in seen.items() if times > 1} == {}
    assert len(seen) == sum(ends.values())


@pytest.mark.long
async def test_flow_is_not_held(kafka: Kafka, prefix: str, tmp_path: Path) -> None:
    """The same without our hold: records are passed over within a few joins, and the continuity guard ends the worker."""
    broker, names = Broker(kafka.bootstrap), Names(prefix=prefix)
    await create(broker, names.specs(PARTITIONS), 1)
    setups = [
        Setup(kafka.bootstrap, prefix, str(tmp_path / who), PARTITIONS, seek_delay_s=0.2, held=False)
        for who in ("first", "second")
    ]
    sender = Sender(broker)
    await sender.start()
    async with worker(setups[0]) as first:
        await first.ready()
        load = asyncio.create_task(_while_it_seeks(sender, names, first))
        errors = await _until_one_ends(first, setups[1])
        load.cancel()
        await asyncio.wait({load})
    await sender.stop()
    assert GAP in errors


async def _until_one_ends(first: Process, joins: Setup) -> str:
    """Have a second worker come and go until either ends by itself, and return what that one said."""
    for _ in range(30):
        async with worker(joins) as second:
            for _ in range(200):
                for one in (first, second):
                    if one.process.returncode is not None:
                        await one.ended()
                        return one.errors
                if second.opened():
                    break
                await asyncio.sleep(0.05)
            await second.kill()
    return "none ended"


async def _load(sender: Sender, names: Names) -> None:
    while True:
        await _burst(sender, names, BURST)
        await asyncio.sleep(BURST / RATE)


async def _while_it_seeks(sender: Sender, names: Names, worker: Process) -> None:
    """Send without a pause while a slow seek of this worker lasts, so that something is always being handed over."""
    begun = 0
    while True:
        if (seeks := sum(what == "seeks" for what, _ in worker.notes)) > begun:
            begun = seeks
            for _ in range(30):
                await _burst(sender, names, BURST)
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)


async def _burst(sender: Sender, names: Names, count: int) -> None:
    for number in range(count):
        await sender.send(names.inputs[number % 5], b"a/%d" % (number % 97), b"%d" % number)


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
