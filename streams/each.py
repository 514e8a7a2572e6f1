"""The loop every agent runs: events as they wait, acked in offset order once their deliveries and changelogs arrived.

In: Faust's stream, a body `events -> deliveries under way`. Out: acks, or a crash. Not here: what a body does.

- A body takes all events that wait at that moment: one, usually, and many after a burst. So a worker that has fallen behind
  tells a user once what a hundred messages said of them, and the more it is behind, the faster it gets. Events of different
  partitions come apart where rows are written: Faust writes a row to the partition of the event under way.

- `noack`: Faust's own loop acks an event when its generator closes, also on a crash, which loses the failing message.
- The body may take the next event while deliveries are under way (`acks`).
- On a stop or a revocation Faust's `wait_empty` waits for these acks, so the deliveries under way are drained by it.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from streams.acks import Acks, failed
from streams.errors import NotOurs
from streams.turns import Breath

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterable, Sequence

    from faust import Stream
    from faust.types import EventT, Message

    from streams.continuity import Continuity

    #: Takes events, in the order of their partitions, and hands over what they cause.
    Body = Callable[[Sequence[EventT[Any]]], Awaitable[Sequence[Awaitable[object]]]]

T = TypeVar("T")

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
    of different partitions are given to the body one partition after the other. `weigh`: bytes that a value comes to once read.
    """

    most: int = MAX_OPEN
    together: int = 32
    apart: bool = True
    weigh: Callable[[bytes], int] = len


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
            waiting = await _waiting(manual, event, min(acks.free, manner.together), manner.weigh)
            for together in _by_partition(waiting) if manner.apart else [waiting]:
                if admitted := await _admitted(together, continuity, leave):
                    manual._set_current_event(admitted[-1])  # noqa: SLF001 - as its own loop does
                    await _take(admitted, body, acks)


async def _take(events: Sequence[EventT[Any]], body: Body, acks: Acks) -> None:
    """Give events to the body; nothing of what it caused is held beyond that, it may be thousands of records."""
    written: list[asyncio.Future[object]] = []
    noted = _changelogs.set(written)
    try:
        deliveries = await body(events)
    finally:
        _changelogs.reset(noted)
    for theirs in _by_partition(events):
        acks.add(theirs, (*deliveries, *written))


async def in_parts(
    parts: Iterable[T], body: Callable[[T], Awaitable[Sequence[Awaitable[object]]]], continuity: Continuity
) -> Sequence[Awaitable[object]]:
    """Give a body one part after another, and let the event loop turn in between now and then.

    What a process that was frozen had not begun by then is left to its next owner.
    """
    caused: list[Awaitable[object]] = []
    breath = Breath()
    for part in parts:
        if not await continuity.still_ours():
            return [*caused, failed(NotOurs())]
        caused += await body(part)
        await breath.draw()
    return caused


def by_key(events: Sequence[EventT[Any]]) -> list[list[EventT[Any]]]:
    """Return the events of each key, in their order."""
    return _grouped(events, lambda message: message.key)


async def _waiting(
    stream: Stream[Any], first: EventT[Any], most: int, weigh: Callable[[bytes], int]
) -> list[EventT[Any]]:
    """Add what stands in the agent's queue to the event under way, as long as every turn of the loop brings more."""
    found, queue, before = [first], cast("Any", stream.channel).queue, 0

    def weight(event: EventT[Any]) -> int:
        return weigh(event.message.value) if event.message.value else 0

    size = weight(first)
    while before < len(found) < most and size < MAX_BYTES:
        before = len(found)
        await asyncio.sleep(0)
        while len(found) < most and size < MAX_BYTES and not queue.empty():
            if _take_in(stream, event := queue.get_nowait()):
                found.append(event)
                size += weight(event)
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
    return _grouped(events, lambda message: message.tp)


def _grouped(events: Sequence[EventT[Any]], of: Callable[[Message], Hashable]) -> list[list[EventT[Any]]]:
    found: dict[Hashable, list[EventT[Any]]] = {}
    for event in events:
        found.setdefault(of(event.message), []).append(event)
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
