"""Acks, in offset order, of events whose deliveries and changelog records have arrived.

In: events of a partition and what they caused, under way. Out: acks, or a crash. Not here: taking events (`each`).

An offset is acked only when it and every lower one of its partition are delivered. Faust's `_new_offset` commits over an
unacked message that stands at the committed offset (https://github.com/faust-streaming/faust/issues/606), so out-of-order
acks would lose messages.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from streams.errors import DeliveryFailed, NotOurs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aiokafka.structs import TopicPartition
    from faust.types import EventT, Message

    from streams.continuity import Continuity

#: So many deliveries may be under way, as long as events are taken one after the other: thousands may follow from one.
MAX_DELIVERIES = 5_000


@dataclass(slots=True)
class _Open:
    events: Sequence[EventT[Any]]
    left: int
    epoch: int


class Acks:
    """Releases acks in offset order per partition, with at most `limit` events open in all, and not too many deliveries."""

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
        self._under_way = 0
        self._waiting: asyncio.Future[None] | None = None
        self._failed = False

    @property
    def free(self) -> int:
        """Return how many more events may be open."""
        return self._limit - self._open

    @property
    def _is_full(self) -> bool:
        return self._open >= self._limit or self._under_way >= MAX_DELIVERIES

    async def room(self) -> None:
        """Wait until another event may be taken."""
        while self._is_full:
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
        self._under_way += len(deliveries)
        for delivery in deliveries:
            asyncio.ensure_future(delivery).add_done_callback(lambda future: self._arrived(tp, entry, future))
        if not deliveries and tp in self._queues:
            self._release(tp)

    def _arrived(self, tp: TopicPartition, entry: _Open, future: asyncio.Future[object]) -> None:
        self._under_way -= 1
        self._let_in()
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
        if self._waiting is not None and not self._waiting.done() and not self._is_full:
            self._waiting.set_result(None)


def failed(error: BaseException) -> asyncio.Future[Any]:
    """Return a delivery that has failed already."""
    delivery: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    delivery.set_exception(error)
    return delivery


def run_now(step: Awaitable[object]) -> None:
    """Run a coroutine of Faust's that never waits to its end; a task each would double the cost of an event."""
    coroutine = cast("Any", step)
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError(f"Faust's {coroutine.__qualname__} waits since this release; it must become a task")
