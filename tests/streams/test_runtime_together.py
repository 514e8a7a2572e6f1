"""Events that wait together, on a real Kafka: taken in few pieces, none lost, each row in its own partition."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from faust.types import EventT

from streams import each, tables
from streams.names import Names
from streams.security import Broker
from streams.sender import Sender
from streams.topics import create
from tests.kafka import Kafka
from tests.streams.runtime_process import until
from tests.streams.runtime_worker import Chain, Setup, guest

PARTITIONS = 4
#: More than an agent's queue holds (1,000): the rest has to wait in the consumer.
MANY = 2_600


@pytest.fixture
async def names(kafka: Kafka, prefix: str) -> Names:
    names = Names(prefix=prefix)
    await create(Broker(kafka.bootstrap), names.specs(PARTITIONS), 1)
    return names


@pytest.fixture
async def sender(kafka: Kafka) -> AsyncIterator[Sender]:
    sender = Sender(Broker(kafka.bootstrap))
    await sender.start()
    yield sender
    await sender.stop()


class Gathering(Chain):
    """Notes in how many pieces the events came, and writes a row for each on both sides of a pause."""

    def __post_init__(self) -> None:
        self.pieces: list[list[tuple[int, int]]] = []
        self.written: set[bytes] = set()
        super().__post_init__()

    def build(self) -> None:
        self.app.raw_agent(
            self.names.inputs, self.take_inputs, name="intake", manner=each.Manner(1_000, 1_000, apart=False)
        )
        self.app.raw_agent([self.names.calendar_facts], self.write_rows, name="calendars")
        self.app.raw_agent([self.names.user_facts], self.nothing, name="users")

    async def take_inputs(self, events: Sequence[EventT[bytes]]) -> Sequence[asyncio.Future[Any]]:
        self.pieces.append([(event.message.partition, event.message.offset) for event in events])
        for event in events:
            self.saw(event)
        if len(self.pieces) == 1:
            await asyncio.sleep(1.0)  # meanwhile everything else arrives
        return [await self.sender.send(self.names.calendar_facts, event.key, event.value) for event in events]

    async def write_rows(self, events: Sequence[EventT[bytes]]) -> Sequence[asyncio.Future[Any]]:
        assert len({event.message.tp for event in events}) == 1
        for event in events:
            self.saw(event)
            self.publications[event.key] = b"before"
        await asyncio.sleep(0.001)
        for event in events:
            self.publications[event.key] = event.value
            self.written.add(event.key)
        return ()

    async def nothing(self, events: Sequence[EventT[bytes]]) -> Sequence[asyncio.Future[Any]]:
        return ()


def chain_of(kafka: Kafka, names: Names, home: Path) -> Gathering:
    return Gathering(Setup(kafka.bootstrap, names.prefix, str(home / "state"), PARTITIONS, hard_exit=False))


async def test_a_backlog(kafka: Kafka, names: Names, sender: Sender, tmp_path: Path) -> None:
    """It comes in few pieces, in order and without a gap; rows stand in the partitions of their events, and all is acked."""
    for number in range(MANY):
        await sender.send(names.inputs[0], b"k/%d" % number, b"v%d" % number)
    await sender.flush()
    chain = chain_of(kafka, names, tmp_path)
    async with guest(chain):
        await until(lambda: len(chain.written) == MANY, "all taken")
        seen = Counter(chain.seen)
        assert set(seen.values()) == {1}
        for partition in range(PARTITIONS):
            offsets = [o for t, p, o in chain.seen if t == names.inputs[0] and p == partition]
            assert offsets == list(range(len(offsets)))
            rows = dict(tables.rows(chain.publications, partition, limit=MANY))
            home = {b"k/%d" % n for n in range(MANY) if _home(chain, n) == partition}
            assert set(rows) == home
            assert all(value == b"v" + key[2:] for key, value in rows.items())
        assert len(chain.pieces) < MANY / 20
        assert max(len({p for p, _ in piece}) for piece in chain.pieces) > 1
        assert max(map(len, chain.pieces)) <= 1_000
    again = chain_of(kafka, names, tmp_path)
    async with guest(again):
        await sender.deliver(names.inputs[0], b"k/new", b"v")
        await until(lambda: len(again.seen) >= 2, "the new one")
        assert len(again.seen) == 2


async def test_large_messages(
    kafka: Kafka, names: Names, sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They do not wait for each other beyond a size: whatever is taken together is read in one go."""
    monkeypatch.setattr(each, "MAX_BYTES", 2_500)
    for number in range(60):
        await sender.send(names.inputs[0], b"k/%d" % number, b"x" * 1_000)
    await sender.flush()
    chain = chain_of(kafka, names, tmp_path)
    async with guest(chain):
        await until(lambda: len(chain.seen) >= 120, "all taken")
        assert max(map(len, chain.pieces)) == 3


def _home(chain: Gathering, number: int) -> int:
    return chain.sender.partition(chain.names.calendar_facts, b"k/%d" % number)
