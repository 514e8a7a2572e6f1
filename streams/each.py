"""The loop every agent runs: events as they wait, acked in offset order once their deliveries and changelogs arrived.

In: Faust's stream, a body `events -> deliveries under way`. Out: acks, or a crash. Not here: what a body does.

- A body takes all events that wait at that moment: one, usually, and many after a burst. So a worker that has fallen behind
  tells a user once what a hundred messages said of them, and the more it is behind, the faster it gets. Events of different
  partitions come apart where rows are written: Faust writes a row to the partition of the event under way.

- `noack`: Faust's own loop acks an event when its generator closes, also on a crash, which loses the failing message.
- The body may take the next event while deliveries are under way; an offset is acked only when it and every lower one of its
  partition are delivered. Faust's `_new_offset` commits over an unacked message that stands at the committed offset
  (https://github.com/faust-streaming/faust/issues/606), so out-of-order acks would lose messages.
- On a stop or a revocation Faust's `wait_empty` waits for these acks, so the deliveries under way are drained by it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from streams.errors import DeliveryFailed, NotOurs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from aiokafka.structs import TopicPartition
    from faust import Stream
    from faust.types import EventT, Message

    from streams.continuity import Continuity

    #: Takes events, in the order of their partitions, and hands over what they cause.
    Body = Callable[[Sequence[EventT[Any]]], Awaitable[Sequence[Awaitable[object]]]]

MAX_OPEN = 256

#: Beyond so many bytes nothing more is taken together: it is read in one go, and heartbeats and calls wait meanwhile.
MAX_BYTES = 1 << 20
_changelogs: ContextVar[list[asyncio.Future[object]] | None] = ContextVar("changelogs", default=None)


def table_written(delivery: asyncio.Future[object]) -> None:
    """Have the event under way wait for a changelog record too.

    Faust only logs one that fails for good, and its flush before a commit gives up after 0.1 s without progress.
    """
    if (written := _changelogs.get()) is not None:
        written.append(delivery)


@dataclass(frozen=True, slots=True)
class Manner:
    """How an agent takes its events.

    `most` may be open at a time. `together`: so many in one go, since a stop and a rebalance wait for them. `apart`: those
    of different partitions are given to the body one partition after the other.
    """

    most: int = MAX_OPEN
    together: int = 32
    apart: bool = True


#: For agents that write rows.
APART = Manner()


async def run(
    stream: Stream[Any],
    body: Body,
    continuity: Continuity,
    fail: Callable[[BaseException], None],
    manner: Manner = APART,
) -> None:
    """Feed the stream to the body until cancelled. Table writes in the body work: it runs in the agent's own context."""
    manual = cast("Stream[Any]", stream.noack())
    # An event that is left to its next owner is let go: Faust's `wait_empty` would wait for its ack for ever.
    leave = manual.app.consumer.unacked.discard
    acks = Acks(manual.ack, continuity, fail, manner.most, leave)
    events = cast("AsyncGenerator[EventT[Any], None]", manual.events())
    async with aclosing(events):
        async for event in events:
            await acks.room()
            waiting = await _waiting(manual, event, min(acks.free, manner.together))
            for together in _by_partition(waiting) if manner.apart else [waiting]:
                if not (admitted := await _admitted(together, continuity, leave)):
                    continue
                manual._set_current_event(admitted[-1])  # noqa: SLF001 - as its own loop does
                written: list[asyncio.Future[object]] = []
                _changelogs.set(written)
                deliveries = await body(admitted)
                for theirs in _by_partition(admitted):
                    acks.add(theirs, (*deliveries, *written))


async def _waiting(stream: Stream[Any], first: EventT[Any], most: int) -> list[EventT[Any]]:
    """Add what stands in the agent's queue to the event under way, as long as every turn of the loop brings more."""
    found, queue, before = [first], cast("Any", stream.channel).queue, 0
    size = len(first.message.value or b"")
    while before < len(found) < most and size < MAX_BYTES:
        before = len(found)
        await asyncio.sleep(0)
        while len(found) < most and size < MAX_BYTES and not queue.empty():
            if _take_in(stream, event := queue.get_nowait()):
                found.append(event)
                size += len(event.message.value or b"")
    return found


def _take_in(stream: Stream[Any], event: EventT[Any]) -> bool:
    """Do what Faust's own loop does with an event; false: it is of an assignment that has ended, and is fetched again."""
    app, message = stream.app, event.message
    if not app.flow_control.is_active() or message.generation_id != app.consumer_generation_id:
        return False
    if not message.tracked:
        message.tracked = True
        app.consumer.unacked.add(message)
    return True


def _by_partition(events: Sequence[EventT[Any]]) -> list[list[EventT[Any]]]:
    found: dict[TopicPartition, list[EventT[Any]]] = {}
    for event in events:
        found.setdefault(event.message.tp, []).append(event)
    return list(found.values())


async def _admitted(
    events: Sequence[EventT[Any]], continuity: Continuity, leave: Callable[[Message], None]
) -> list[EventT[Any]]:
    """Return the events that are ours and the next of their partition; the others come again, here or elsewhere."""
    ours = await continuity.still_ours()
    admitted = []
    for event in events:
        message = event.message
        if ours and (
            continuity.follows(message.tp, message.offset)
            or await continuity.admit(message.tp, message.offset)
        ):
            admitted.append(event)
        else:
            leave(message)
    return admitted


@dataclass(slots=True)
class _Open:
    events: Sequence[EventT[Any]]
    left: int
    epoch: int


class Acks:
    """Releases acks in offset order per partition, with at most `limit` events open in all."""

    def __init__(
        self,
        ack: Callable[[EventT[Any]], Awaitable[bool]],
        continuity: Continuity,
        fail: Callable[[BaseException], None],
        limit: int,
        leave: Callable[[Message], None] = lambda _: None,
    ) -> None:
        self._ack = ack
        self._leave = leave
        self._continuity = continuity
        self._fail = fail
        self._limit = limit
        self._queues: dict[TopicPartition, deque[_Open]] = {}
        self._left: dict[TopicPartition, int] = {}  # in which epoch a partition was left to its owner
        self._open = 0
        self._waiting: asyncio.Future[None] | None = None
        self._failed = False

    @property
    def free(self) -> int:
        """Return how many more events may be open."""
        return self._limit - self._open

    async def room(self) -> None:
        """Wait until fewer than `limit` events are open."""
        while self._open >= self._limit:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    def add(self, events: Sequence[EventT[Any]], deliveries: Sequence[Awaitable[object]]) -> None:
        """Ack these events of a partition once all their deliveries have arrived, and not before their predecessors."""
        entry = _Open(events, len(deliveries), self._continuity.epoch)
        tp = events[0].message.tp
        if self._left.get(tp) == entry.epoch:  # an ack of these would be one of their predecessors, too
            self._let_go(entry)
        else:
            self._queues.setdefault(tp, deque()).append(entry)
            self._open += len(events)
        for delivery in deliveries:
            asyncio.ensure_future(delivery).add_done_callback(lambda future: self._arrived(tp, entry, future))
        if not deliveries and tp in self._queues:
            self._release(tp)

    def _arrived(self, tp: TopicPartition, entry: _Open, future: asyncio.Future[object]) -> None:
        if future.cancelled() or (error := future.exception()) is not None:
            if not future.cancelled() and isinstance(error, NotOurs):
                self._abandon(tp, entry)
                return
            self._broken(tp, entry, None if future.cancelled() else error)
            return
        entry.left -= 1
        if not entry.left:
            self._release(tp)

    def _abandon(self, tp: TopicPartition, entry: _Open) -> None:
        """Leave all open events of a lost partition to its owner: they are not acked, and come again there."""
        if entry.epoch == self._continuity.epoch:
            self._left[tp] = entry.epoch
            queue = self._queues[tp]
            for each in queue:
                self._let_go(each)
                self._open -= len(each.events)
            queue.clear()
            self._let_in()

    def _let_go(self, entry: _Open) -> None:
        for event in entry.events:
            self._leave(event.message)

    def _broken(self, tp: TopicPartition, entry: _Open, error: BaseException | None) -> None:
        if self._failed:
            return
        self._failed = True  # from here on nothing is acked any more: the process is on its way down
        failure = DeliveryFailed(
            f"topic {tp.topic} partition {tp.partition} offset {entry.events[0].message.offset}: what it caused could not be delivered "
            f"({type(error).__name__ if error else 'cancelled'}: {error or 'the producer gave it up'}); "
            "nothing was acked, start the worker again once Kafka takes records",
        )
        failure.__cause__ = error
        self._fail(failure)

    def _release(self, tp: TopicPartition) -> None:
        queue = self._queues[tp]
        while queue and not queue[0].left and not self._failed:
            entry = queue.popleft()
            self._open -= len(entry.events)
            # Events of an earlier assignment are somebody's again, perhaps ours: they will be delivered and acked anew.
            if entry.epoch == self._continuity.epoch:
                for event in entry.events:
                    run_now(self._ack(event))
                    self._continuity.acked(tp, event.message.offset)
        self._let_in()

    def _let_in(self) -> None:
        if self._waiting is not None and self._open < self._limit and not self._waiting.done():
            self._waiting.set_result(None)


def run_now(step: Awaitable[object]) -> None:
    """Run a coroutine of Faust's that never waits to its end; a task each would double the cost of an event."""
    coroutine = cast("Any", step)
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError(f"Faust's {coroutine.__qualname__} waits since this release; it must become a task")
