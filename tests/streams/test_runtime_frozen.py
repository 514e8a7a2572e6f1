"""A process that was frozen, and does not know whose its partitions are by now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from aiokafka.structs import TopicPartition

from streams.acks import Acks
from streams.continuity import Continuity
from streams.each import by_key, in_parts
from streams.errors import NotOurs

INPUT, OTHER = TopicPartition("in", 0), TopicPartition("in", 1)


@dataclass(frozen=True)
class Message:
    tp: TopicPartition
    offset: int
    key: bytes = b""


@dataclass
class Event:
    message: Message


class NoRecords:
    async def first_record(self, _tp: TopicPartition, _start: int, _stop: int) -> int | None:
        return None


@dataclass
class Process:
    """What a frozen process talks to."""

    fresh: bool = False
    acked: list[int] = field(default_factory=list)
    left: list[Message] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.continuity = Continuity(NoRecords(), frozenset(), lambda: self.fresh)
        self.acks = Acks(self._ack, self.continuity, self.failures.append, 2, self.left.append)

    async def _ack(self, event: Event) -> bool:
        self.acked.append(event.message.offset)
        return True

    def add(self, tp: TopicPartition, offset: int) -> asyncio.Future[object]:
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.acks.add([Event(Message(tp, offset))], [future])
        return future


@pytest.fixture
def process() -> Process:
    return Process()


async def test_its_partitions_are_still_its_own(process: Process) -> None:
    """It goes on as soon as it may trust itself again."""
    waiting = asyncio.create_task(process.continuity.still_ours())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    process.fresh = True
    assert await waiting


@pytest.mark.parametrize("turn", ["leaving", "revoked"])
async def test_its_partitions_are_somebody_elses(process: Process, turn: str) -> None:
    """What it holds is left to their owner, at the first sign of a rebalance."""
    waiting = asyncio.create_task(process.continuity.still_ours())
    await asyncio.sleep(0)
    getattr(process.continuity, turn)()
    assert not await waiting


async def test_it_trusts_itself_again_before_it_gives_them_up(process: Process) -> None:
    """What was left is not jumped over; the next assignment begins anew."""
    process.continuity.leaving()
    assert not await process.continuity.still_ours()
    process.fresh = True
    assert not await process.continuity.still_ours()
    process.continuity.revoked()
    assert await process.continuity.still_ours()


async def test_a_rebalance_of_a_process_that_was_not_frozen(process: Process) -> None:
    """It finishes what it holds, as ever."""
    process.fresh = True
    process.continuity.leaving()
    assert await process.continuity.still_ours()


async def test_frozen_between_two_users(process: Process) -> None:
    """The second one's events are not folded here any more, and none of the partition is acked."""
    process.fresh = True
    folded = []

    async def fold(events: list[Event]) -> list[asyncio.Future[object]]:
        folded.append((events[0].message.key, [event.message.offset for event in events]))
        process.fresh = False
        process.continuity.leaving()
        delivery: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        delivery.set_result(None)
        return [delivery]

    events = [Event(Message(INPUT, n, key)) for n, key in enumerate((b"ann", b"bob", b"ann"))]
    process.acks.add(events, await in_parts(by_key(events), fold, process.continuity))
    await asyncio.sleep(0)
    assert folded == [(b"ann", [0, 2])]
    assert process.left == [event.message for event in events]
    assert (process.acked, process.failures) == ([], [])


async def test_rows_that_were_not_sent(process: Process) -> None:
    """Their events and all that follow in the partition are neither acked nor a failure; others go on."""
    first, second, other = process.add(INPUT, 5), process.add(INPUT, 6), process.add(OTHER, 7)
    room = asyncio.create_task(process.acks.room())
    first.set_exception(NotOurs())
    second.set_result(None)
    other.set_result(None)
    await room
    process.add(INPUT, 8).set_result(None)  # was folded while its predecessors were left
    await asyncio.sleep(0)
    assert process.left == [Message(INPUT, 5), Message(INPUT, 6), Message(INPUT, 8)]
    assert process.acked == [7]
    assert process.failures == []
    process.continuity.revoked()
    process.add(INPUT, 5).set_result(None)
    await asyncio.sleep(0)
    assert process.acked == [7, 5]
