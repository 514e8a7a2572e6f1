"""The loop every agent runs: one event after the other, acked in offset order once its deliveries and its changelogs arrived.

In: Faust's stream, a body `event -> deliveries under way`. Out: acks, or a crash. Not here: what a body does.

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

    Body = Callable[[EventT[Any]], Awaitable[Sequence[Awaitable[object]]]]

MAX_OPEN = 256
_changelogs: ContextVar[list[asyncio.Future[object]] | None] = ContextVar("changelogs", default=None)


def table_written(delivery: asyncio.Future[object]) -> None:
    """Have the event under way wait for a changelog record too.

    Faust only logs one that fails for good, and its flush before a commit gives up after 0.1 s without progress.
    """
    if (written := _changelogs.get()) is not None:
        written.append(delivery)


async def run(
    stream: Stream[Any],
    body: Body,
    continuity: Continuity,
    fail: Callable[[BaseException], None],
    limit: int = MAX_OPEN,
) -> None:
    """Feed the stream to the body until cancelled. Table writes in the body work: it runs in the agent's own context."""
    manual = cast("Stream[Any]", stream.noack())
    # An event that is left to its next owner is let go: Faust's `wait_empty` would wait for its ack for ever.
    leave = manual.app.consumer.unacked.discard
    acks = Acks(manual.ack, continuity, fail, limit, leave)
    events = cast("AsyncGenerator[EventT[Any], None]", manual.events())
    async with aclosing(events):
        async for event in events:
            message = event.message
            if not await continuity.still_ours() or (
                not continuity.follows(message.tp, message.offset)
                and not await continuity.admit(message.tp, message.offset)
            ):
                leave(message)  # it comes again, here or elsewhere
                continue
            await acks.room()
            written: list[asyncio.Future[object]] = []
            _changelogs.set(written)
            deliveries = await body(event)
            acks.add(event, (*deliveries, *written))


@dataclass(slots=True)
class _Open:
    event: EventT[Any]
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

    async def room(self) -> None:
        """Wait until fewer than `limit` events are open."""
        while self._open >= self._limit:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    def add(self, event: EventT[Any], deliveries: Sequence[Awaitable[object]]) -> None:
        """Ack this event once all its deliveries have arrived, and not before its predecessors."""
        entry = _Open(event, len(deliveries), self._continuity.epoch)
        tp = event.message.tp
        if self._left.get(tp) == entry.epoch:  # an ack of this one would be one of its predecessors, too
            self._leave(event.message)
        else:
            self._queues.setdefault(tp, deque()).append(entry)
            self._open += 1
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
                self._leave(each.event.message)
            self._open -= len(queue)
            queue.clear()
            self._let_in()

    def _broken(self, tp: TopicPartition, entry: _Open, error: BaseException | None) -> None:
        if self._failed:
            return
        self._failed = True  # from here on nothing is acked any more: the process is on its way down
        failure = DeliveryFailed(
            f"topic {tp.topic} partition {tp.partition} offset {entry.event.message.offset}: what it caused could not be delivered "
            f"({type(error).__name__ if error else 'cancelled'}: {error or 'the producer gave it up'}); "
            "nothing was acked, start the worker again once Kafka takes records",
        )
        failure.__cause__ = error
        self._fail(failure)

    def _release(self, tp: TopicPartition) -> None:
        queue = self._queues[tp]
        while queue and not queue[0].left and not self._failed:
            entry = queue.popleft()
            self._open -= 1
            # An event of an earlier assignment is somebody's again, perhaps ours: it will be delivered and acked anew.
            if entry.epoch == self._continuity.epoch:
                _run_now(self._ack(entry.event))
                self._continuity.acked(tp, entry.event.message.offset)
        self._let_in()

    def _let_in(self) -> None:
        if self._waiting is not None and self._open < self._limit and not self._waiting.done():
            self._waiting.set_result(None)


def _run_now(ack: Awaitable[bool]) -> None:
    """Run Faust's `Stream.ack` to its end: a coroutine that never waits, and a task each would double the cost of an event."""
    coroutine = cast("Any", ack)
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("Faust's Stream.ack waits since this release; it must become a task")
