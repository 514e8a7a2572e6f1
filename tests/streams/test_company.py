"""Batches that linger leave together, against aiokafka's own accumulator."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.structs import TopicPartition

from streams.company import leave_together

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

PARTITIONS = [TopicPartition("sync-results", number) for number in range(4)]
LINGER_MS = 300


def accumulator(linger_ms: int = LINGER_MS) -> Any:
    """Make one whose partitions all have the same leader."""
    cluster = SimpleNamespace(leader_for_partition=lambda _: 1)
    made = MessageAccumulator(cluster, 1 << 14, 0, 120.0, linger_ms=linger_ms)
    leave_together(cast("AIOKafkaProducer", SimpleNamespace(_message_accumulator=made)))
    return made


async def put(of: Any, tp: TopicPartition) -> None:
    """Add one record."""
    await of.add_message(tp, b"key", b"value", 1.0)


def left(of: Any) -> list[TopicPartition]:
    """Take what may leave now."""
    nodes, _ = of.drain_by_nodes(ignore_nodes=set())
    return sorted(nodes.get(1, {}))


async def until_something_leaves(of: Any) -> list[TopicPartition]:
    """Do what the sender does: look, and wait for the next look."""
    async with asyncio.timeout(2):
        while not (found := left(of)):
            await of.waiter()
    return found


async def test_who_comes_later_leaves_with_the_first() -> None:
    """One request, however the records are spread over time and partitions."""
    of = accumulator()
    begun = asyncio.get_running_loop().time()
    for tp in PARTITIONS:
        await put(of, tp)
        assert left(of) == []
        await asyncio.sleep(0.005)
    assert await until_something_leaves(of) == PARTITIONS
    assert asyncio.get_running_loop().time() - begun >= LINGER_MS / 1000 - 0.002


async def test_the_next_company_lingers_as_long() -> None:
    """Nobody leaves at once because others did."""
    of = accumulator()
    await put(of, PARTITIONS[0])
    assert await until_something_leaves(of) == PARTITIONS[:1]
    begun = asyncio.get_running_loop().time()
    await put(of, PARTITIONS[1])
    assert left(of) == []
    assert await until_something_leaves(of) == PARTITIONS[1:2]
    assert asyncio.get_running_loop().time() - begun >= LINGER_MS / 1000 - 0.002


@pytest.mark.parametrize("count", [1, 4])
async def test_who_does_not_linger(count: int) -> None:
    """Records of a producer without `linger_ms` leave at once."""
    of = accumulator(0)
    for tp in PARTITIONS[:count]:
        await put(of, tp)
    assert left(of) == PARTITIONS[:count]
