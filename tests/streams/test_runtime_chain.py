"""The runtime on a real Kafka: bytes through three agents, tables, stops, crashes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from streams import tables
from streams.cluster import Cluster
from streams.names import Names
from streams.security import Broker
from streams.sender import Sender
from streams.serve import stop_within_deadline
from streams.tables import ABSENT, NotOpen
from streams.topics import create
from tests.kafka import Kafka
from tests.streams.runtime_process import until, worker
from tests.streams.runtime_worker import Chain, Setup, guest

PARTITIONS = 4


@pytest.fixture
async def names(kafka: Kafka, prefix: str) -> Names:
    names = Names(prefix=prefix)
    await create(Broker(kafka.bootstrap), names.specs(PARTITIONS), 1)
    return names


@pytest.fixture
def setup(kafka: Kafka, names: Names, tmp_path: Path) -> Setup:
    return Setup(kafka.bootstrap, names.prefix, str(tmp_path / "state"), PARTITIONS)


@pytest.fixture
async def sender(kafka: Kafka) -> AsyncIterator[Sender]:
    sender = Sender(Broker(kafka.bootstrap))
    await sender.start()
    yield sender
    await sender.stop()


async def test_partition_without_an_offset(setup: Setup) -> None:
    """While offsets are sought a partition has none; Faust's watch over slow ones must not end the worker for it."""
    chain = Chain(Setup(setup.bootstrap, setup.prefix, setup.state_dir, store="memory", hard_exit=False))
    async with guest(chain):
        await until(chain.opened_event.is_set, "it opens")
        assigned = chain.app.consumer._thread._ensure_consumer()._subscription.subscription.assignment
        state = assigned.state_value(next(iter(assigned.tps)))
        position, state._position = state._position, None
        await chain.app.consumer.verify_all_partitions_active()
        state._position = position
    assert chain.app.failure is None


@pytest.mark.parametrize("store", ["rocksdb", "memory"])
async def test_bytes_move_through_three_agents(
    setup: Setup, names: Names, sender: Sender, store: str
) -> None:
    """What enters an input stands in the last table, a large value and a null one too, and is read by partition."""
    chain = Chain(Setup(setup.bootstrap, setup.prefix, setup.state_dir, store=store, hard_exit=False))
    large = b"x" * 5_000_000
    async with guest(chain):
        for number in range(40):
            await sender.send(names.inputs[number % 5], b"a/%02d" % number, b"%d" % number)
        await sender.deliver(names.inputs[0], b"a/large", large)
        await sender.deliver(names.inputs[0], b"b/null", None)
        await until(lambda: chain.folded() >= 42, "all folded")
        home = chain.sender.partition(names.user_facts, b"a/large")
        assert tables.get(chain.users, home, b"a/large") == large
        assert tables.get(chain.users, (home + 1) % PARTITIONS, b"a/large") is ABSENT
        found = [
            key for number in range(PARTITIONS) for key, _ in tables.rows(chain.users, number, prefix=b"a/")
        ]
        assert sorted(found) == sorted([b"a/%02d" % number for number in range(40)] + [b"a/large"])
        whole = tables.rows(chain.users, home)
        paged, after = [], None
        while slice_ := tables.rows(chain.users, home, after=after, limit=3):
            paged += slice_
            after = slice_[-1][0]
        assert paged == whole == sorted(whole)
    with pytest.raises(NotOpen):
        tables.get(chain.users, home, b"a/large")


async def test_restart_with_state_reads_nothing_twice(setup: Setup, names: Names, sender: Sender) -> None:
    """A clean stop commits everything: the next start sees only what is new, and finds its rows."""
    for start in range(2):
        chain = Chain(Setup(setup.bootstrap, setup.prefix, setup.state_dir, hard_exit=False))
        async with guest(chain):
            await sender.deliver(names.inputs[0], b"a/%d" % start, b"v")
            await until(chain.folded, "folded")
            await asyncio.wait_for(chain.opened_event.wait(), 10)
            rows = [row for number in range(PARTITIONS) for row in tables.rows(chain.users, number)]
        assert len(chain.seen) == 3
        assert len(rows) == start + 1


async def test_crash_in_a_body_is_never_acked(setup: Setup, names: Names, sender: Sender) -> None:
    """The process ends at once with 1, the failing offset stays uncommitted and comes again."""
    trap = Path(setup.state_dir) / "crash"
    trap.parent.mkdir()
    trap.touch()
    async with worker(setup) as first:
        await first.ready()
        good = await sender.deliver(names.inputs[0], b"k", b"good")
        bad = await sender.deliver(names.inputs[0], b"k", b"crash")
        assert good.partition == bad.partition
        assert await first.ended() == 1
        assert "ZeroDivisionError" in first.errors
    async with Cluster(Broker(setup.bootstrap)) as cluster:
        committed = await cluster.committed(names.app_id)
    facts = (
        sender.partition(names.calendar_facts, b"k") if await sender.partitions(names.calendar_facts) else 0
    )
    assert all(
        offset <= 1
        for (topic, part), offset in committed.items()
        if (topic, part) == (names.calendar_facts, facts)
    )
    trap.unlink()
    async with worker(setup) as second:
        await until(lambda: (names.user_facts, facts, 1) in second.seen, "the message that crashed is folded")
        assert await second.term() < (0, 10)


async def test_sigterm_ends_an_idle_worker_at_once(setup: Setup) -> None:
    """Nothing to drain: exit 0 well within two seconds, with every warning an error."""
    async with worker(setup) as process:
        await process.ready()
        code, took = await process.term()
    assert (code, process.errors) == (0, "") or (code == 0 and "rebuild" in process.errors)
    assert took < 2


async def test_sigterm_drains_what_is_under_way(setup: Setup, names: Names, sender: Sender) -> None:
    """Each offset that a body began with is committed at the end; nothing that was not seen is."""
    slow = Setup(setup.bootstrap, setup.prefix, setup.state_dir, slow_s=0.05)
    async with worker(slow) as process:
        await process.ready()
        for number in range(200):
            await sender.send(names.inputs[0], b"a/%d" % number, b"v")
        await until(
            lambda: sum(topic == names.user_facts for topic, _, _ in process.seen) > 5, "folding began"
        )
        code, took = await process.term()
        assert code == 0
        assert took < 5
    async with Cluster(Broker(setup.bootstrap)) as cluster:
        committed = await cluster.committed(names.app_id)
    last = {
        (topic, part): max(o for t, p, o in process.seen if (t, p) == (topic, part))
        for topic, part, _ in process.seen
    }
    assert {tp: offset - 1 for tp, offset in committed.items() if offset} == last


async def test_no_broker_is_an_error_of_the_start(tmp_path: Path) -> None:
    """Where Kafka does not answer the worker ends with 1 and says so."""
    async with worker(Setup("127.0.0.1:1", "p-", str(tmp_path))) as process:
        assert await process.ended() == 1
    assert "KafkaConnectionError" in process.errors


async def test_assignment_is_not_what_was_asked_for(setup: Setup) -> None:
    """Faust would run on, deaf to the topic that is missing; the worker ends with one line instead."""
    chain = Chain(Setup(setup.bootstrap, setup.prefix, setup.state_dir, hard_exit=False))
    asked = chain.app.subscribed
    # Only once it is assigned: until then it would not even ask the group.
    chain.app.subscribed = lambda: asked() | ({"another"} if chain.app.consumer.assignment() else set())  # type: ignore[method-assign]
    async with chain:
        starting = asyncio.create_task(chain.app.start())
        await asyncio.wait_for(chain.app.wait_failed(), 15)
        assert "not subscribed to another" in str(chain.app.failure)
        await stop_within_deadline(chain.app)
        starting.cancel()
        await asyncio.wait({starting})


async def test_changelog_that_cannot_be_delivered(setup: Setup, names: Names, sender: Sender) -> None:
    """A row that Kafka never got is a crash before the ack, not a line in the log."""
    chain = Chain(Setup(setup.bootstrap, setup.prefix, setup.state_dir, hard_exit=False))
    async with guest(chain):
        await asyncio.wait_for(chain.opened_event.wait(), 10)
        outgoing, users = chain.app.producer.changelogs, chain.users.changelog_topic.get_topic_name()
        send = outgoing._send

        async def refuse(topic: str, *arguments: Any, **options: Any) -> asyncio.Future[Any]:
            if topic != users:
                return cast("asyncio.Future[Any]", await send(topic, *arguments, **options))
            refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            refused.set_exception(OSError("the broker took nothing"))
            return refused

        outgoing._send = refuse
        await sender.deliver(names.inputs[0], b"k", b"v")
        await asyncio.wait_for(chain.app.wait_failed(), 15)
        assert "the broker took nothing" in str(chain.app.failure)
        assert not any(
            topic == names.user_facts
            for topic, _ in chain.continuity.processed
            if chain.continuity.processed[topic, _]
        )
