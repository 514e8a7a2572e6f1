"""Gates on a real Kafka: what was sent is folded first, lost state is rebuilt first, lost changelogs are refused."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import TopicPartition

from streams.cluster import Cluster
from streams.names import Names
from streams.rebuild import Rebuild, StateLost, TruncatedHistory
from streams.security import Broker
from streams.sender import Sender
from streams.topics import create
from tests.kafka import Kafka
from tests.streams.runtime_process import until
from tests.streams.runtime_worker import Chain, Setup, guest

PARTITIONS = 4


@pytest.fixture
async def names(kafka: Kafka, prefix: str) -> Names:
    names = Names(prefix=prefix)
    await create(Broker(kafka.bootstrap), names.specs(PARTITIONS), 1)
    return names


@pytest.fixture
def setup(kafka: Kafka, names: Names, tmp_path: Path) -> Setup:
    return Setup(kafka.bootstrap, names.prefix, str(tmp_path / "state"), PARTITIONS, hard_exit=False)


async def fill(setup: Setup, topic: str, count: int) -> None:
    sender = Sender(setup.broker)
    await sender.start()
    for number in range(count):
        await sender.send(topic, b"a/%d" % number, b"%d" % number)
    await sender.stop()


async def begun(setup: Setup, *, accept: bool = False) -> Chain:
    chain = Chain(
        Setup(
            setup.bootstrap,
            setup.prefix,
            setup.state_dir,
            PARTITIONS,
            hard_exit=False,
            accept_truncated=accept,
        )
    )
    async with chain:
        await chain.rebuild.begin()
    return chain


async def test_empty_cluster(setup: Setup) -> None:
    """Without history there is nothing to wait for: open well within two seconds of the assignment."""
    chain = Chain(setup)
    async with guest(chain):
        begun = time.monotonic()
        await asyncio.wait_for(chain.opened_event.wait(), 2)
        assert time.monotonic() - begun < 2
        assert chain.gate.is_open
    assert not chain.gate.is_open


async def test_history_is_folded_before_lanes_open(setup: Setup, names: Names) -> None:
    """With no state and 600 messages of history the gate opens once the last of them is folded."""
    await fill(setup, names.inputs[0], 600)
    chain = Chain(setup)
    async with guest(chain):
        await asyncio.wait_for(chain.opened_event.wait(), 30)
        assert chain.folded_at_open >= 600


async def test_two_workers_rebuild_together(setup: Setup, names: Names, tmp_path: Path) -> None:
    """Neither opens before all partitions are folded, its own and the other's."""
    await fill(setup, names.inputs[1], 600)
    chains = [
        Chain(
            Setup(
                setup.bootstrap, setup.prefix, str(tmp_path / who), PARTITIONS, hard_exit=False, slow_s=0.002
            )
        )
        for who in ("one", "two")
    ]
    together: list[int] = []

    async def opened(_: frozenset[int]) -> None:
        together.append(sum(chain.folded() for chain in chains))

    for chain in chains:
        chain.gate._on_open = opened
    async with AsyncExitStack() as stack:
        for chain in chains:
            await stack.enter_async_context(guest(chain))
        await until(lambda: len(together) >= 2, "both gates open")
    assert min(together) >= 600


async def test_late_worker_waits_until_done(setup: Setup, names: Names) -> None:
    """Whoever comes or comes back before `done` stays in the gate; afterwards nobody waits."""
    await fill(setup, names.inputs[0], 10)
    async with AsyncExitStack() as stack:
        sender, cluster = Sender(setup.broker), await stack.enter_async_context(Cluster(setup.broker))
        await sender.start()
        stack.push_async_callback(sender.stop)
        first, late = (Rebuild(cluster, sender, names) for _ in range(2))
        await first.begin()
        waiting = [asyncio.create_task(first.finish())]
        await asyncio.sleep(0.5)
        waiting[0].cancel()
        await asyncio.wait(waiting)
        await late.begin()
        assert not late.done
        waiting = [asyncio.create_task(late.finish()), asyncio.create_task(first.finish())]
        assert (await asyncio.wait(waiting, timeout=2))[0] == set()
        await _commit(
            setup, names, await cluster.ends([TopicPartition(names.inputs[0], n) for n in range(PARTITIONS)])
        )
        await asyncio.wait_for(asyncio.gather(*waiting), 10)
        after = Rebuild(cluster, sender, names)
        await after.begin()
        assert after.done


async def test_outcomes_sent_but_not_folded(setup: Setup, names: Names) -> None:
    """After a restart with state, lanes wait for what already stood in `user-facts`."""
    async with guest(Chain(setup)) as chain:
        await asyncio.wait_for(chain.opened_event.wait(), 10)
    await fill(setup, names.user_facts, 50)
    slow = Setup(setup.bootstrap, setup.prefix, setup.state_dir, PARTITIONS, hard_exit=False, slow_s=0.01)
    async with guest(Chain(slow)) as chain:
        await asyncio.wait_for(chain.opened_event.wait(), 20)
        assert chain.folded_at_open == 50


async def test_state_was_lost_after_the_rebuild(setup: Setup, names: Names) -> None:
    """A changelog that was made anew is not taken for an empty state: the start is refused, with the cure."""
    await fill(setup, names.inputs[0], 20)
    async with guest(Chain(setup)) as chain:
        await asyncio.wait_for(chain.opened_event.wait(), 20)
    await begun(setup)
    users = names.changelog("users")
    async with Cluster(setup.broker) as cluster:
        await cluster.admin.delete_topics([users])
        while users in await cluster.partition_counts():  # noqa: ASYNC110 - Kafka tells nobody
            await asyncio.sleep(0.05)
    await create(setup.broker, names.specs(PARTITIONS), 1)
    with pytest.raises(StateLost, match=r"users-changelog.* gone; .*new SHIFTCAL_APP_ID"):
        await begun(setup)


async def test_input_was_made_anew(setup: Setup, names: Names) -> None:
    """Faust would drop the new records up to the old commit; the start is refused instead."""
    await _commit(setup, names, {TopicPartition(names.inputs[2], 0): 500})
    with pytest.raises(StateLost, match="made anew"):
        await begun(setup)


async def test_beginning_of_history_is_gone(setup: Setup, names: Names) -> None:
    """Lost state and a lost beginning: refused in one line, unless the operator accepts it."""
    await fill(setup, names.inputs[0], 20)
    tp = TopicPartition(names.inputs[0], 1)
    async with Cluster(setup.broker) as cluster:
        await cluster.admin.delete_records({tp: RecordsToDelete(before_offset=1)})
    with pytest.raises(
        TruncatedHistory, match=rf"{tp.topic}/1 starts at offset 1.*--accept-truncated-history"
    ):
        await begun(setup)
    await begun(setup, accept=True)


async def _commit(setup: Setup, names: Names, offsets: dict[TopicPartition, int]) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=setup.bootstrap, group_id=names.app_id, enable_auto_commit=False
    )
    await consumer.start()
    consumer.assign(list(offsets))
    await consumer.commit(offsets)
    await consumer.stop()
