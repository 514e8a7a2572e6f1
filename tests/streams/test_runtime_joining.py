"""Members of the group where something is slow: the tables' disk, a broker that has just started, an event loop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from streams.security import Broker
from streams.sender import Sender
from streams.serve import stop_within_deadline
from streams.topics import create
from tests.kafka import Kafka
from tests.streams.runtime_process import until, worker
from tests.streams.runtime_worker import Chain, Setup, guest


async def _setup(kafka: Kafka, prefix: str, home: Path, **options: Any) -> Setup:
    if "mock" in kafka.name:
        pytest.skip("whom a group takes for dead is the real Kafka's to say")
    setup = Setup(kafka.bootstrap, prefix, str(home), **options)
    await create(Broker(kafka.bootstrap), setup.names.specs(setup.partitions), 1)
    return setup


async def _chain(kafka: Kafka, prefix: str, home: Path) -> Chain:
    return Chain(await _setup(kafka, prefix, home, hard_exit=False))


async def test_tables_open_slowly(kafka: Kafka, prefix: str, tmp_path: Path) -> None:
    """A worker that needs longer for its tables than a session lasts keeps what it was given: again would be as slow."""
    chain = await _chain(kafka, prefix, tmp_path)
    attempts, opened = 0, asyncio.Event()

    async def slowly(*_: object, **__: object) -> None:
        nonlocal attempts
        attempts += 1
        await asyncio.sleep(chain.app.wiring.session_timeout + 2)
        opened.set()

    chain.app.on_partitions_assigned.connect(slowly)
    async with guest(chain):
        await opened.wait()
        # Who was given up learns it from the next heartbeat.
        await asyncio.sleep(chain.app.wiring.heartbeat_interval + 1)
        assert attempts == 1
        assert chain.opened_event.is_set()


async def test_broker_knows_no_topics_yet(kafka: Kafka, prefix: str, tmp_path: Path) -> None:
    """A leader that was told of no topics, as by a broker just started, asks again before it deals out nothing."""
    chain = await _chain(kafka, prefix, tmp_path)
    async with guest(chain):
        async with asyncio.timeout(30):
            await chain.opened_event.wait()
        thread = cast("Any", chain.app.consumer)._thread
        await thread.call_thread(_forget_topics, thread)
        await until(lambda: len(_assigned(chain)) == 2, "a second assignment")
        assert _assigned(chain)[-1] == list(range(chain.setup.partitions))


async def test_another_worker_is_stopped_while_it_starts(kafka: Kafka, prefix: str, tmp_path: Path) -> None:
    """It never asks the group for a part of the topics: what it left out would be dealt out differently to the others."""
    first = await _chain(kafka, prefix, tmp_path / "first")
    async with guest(first):
        async with asyncio.timeout(30):
            await first.opened_event.wait()
        second = Chain(replace(first.setup, state_dir=str(tmp_path / "second")))
        async with second:
            tables = cast("Any", second.app.tables)
            tables.on_start = partial(tables.sleep, 1.0)  # its tables are not known yet when it is stopped
            starting = asyncio.create_task(second.app.start())
            await until(lambda: second.app.tables.started, "its tables' manager starts")
            await asyncio.sleep(0.3)
            await stop_within_deadline(second.app)
            await asyncio.wait({starting})
        await asyncio.sleep(first.app.wiring.heartbeat_interval + 1)
        assert first.app.failure is None
        assert all(value == list(range(first.setup.partitions)) for value in _assigned(first))


async def test_a_rebalance_while_it_stops(kafka: Kafka, prefix: str, tmp_path: Path) -> None:
    """What is under way ends before anybody else has its partitions; then it leaves at once, with every task of its consumer."""
    before = asyncio.all_tasks()
    chain = await _chain(kafka, prefix, tmp_path / "stops")
    drain, may_end = chain.drain, asyncio.Event()

    async def slowly() -> None:
        await may_end.wait()
        await drain()

    async with chain:
        await chain.rebuild.begin()
        await chain.app.start()
        async with asyncio.timeout(30):
            await chain.opened_event.wait()
        chain.drain = slowly  # type: ignore[method-assign]
        stopping = asyncio.create_task(stop_within_deadline(chain.app))
        async with worker(replace(chain.setup, state_dir=str(tmp_path / "comes"), hard_exit=True)) as other:
            consumer = cast("Any", chain.app.consumer)
            await until(lambda: consumer._thread._sits_out, "it is asked to join")
            await asyncio.sleep(1)
            assert other.opened() == 0
            may_end.set()
            async with asyncio.timeout(5):
                await stopping
            await other.ready()
            assert [of for what, of in other.notes if what == "open"] == [list(range(chain.setup.partitions))]
    assert {task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()} == set()


async def test_an_event_loop_that_hangs(kafka: Kafka, prefix: str, tmp_path: Path) -> None:
    """Its worker loses its partitions, and somebody else goes on with what it did not end."""
    setup = await _setup(kafka, prefix, tmp_path / "hangs", partitions=2)
    names = setup.names
    async with worker(setup) as hanging:
        await hanging.ready()
        (tmp_path / "hangs" / "hang").touch()
        sender = Sender(setup.broker)
        await sender.start()
        await sender.deliver(names.inputs[0], b"ann", b"hang")
        await until(lambda: names.user_facts in {topic for topic, _, _ in hanging.seen}, "it hangs")
        async with worker(replace(setup, state_dir=str(tmp_path / "other"))) as other:
            await other.ready()
            # All of it once more: the loop that hangs did not come to commit.
            await until(lambda: set(hanging.seen) <= set(other.seen), "the other one goes on")
            assert hanging.process.returncode is None
        await sender.stop()


async def _forget_topics(thread: Any) -> None:
    coordinator = thread._ensure_consumer()._coordinator
    coordinator._cluster._partitions.clear()
    coordinator.request_rejoin()


def _assigned(chain: Chain) -> list[object]:
    return [value for what, value in chain.log if what == "assigned"]
