"""Changelog records on their way: straight to the producer, in the order in which rows were written.

Comes in: a row that was just written, where no task may be waited for. Goes out: the future of its delivery. Not here: what
waits for it (`each`). Faust's own buffer makes a message, a future, a context and a turn of a task of each, and tells its
sensors twice; here a record is the producer's at once, unless its batch is full.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from aiokafka.errors import ProducerClosed

from streams.acks import failed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from aiokafka.structs import RecordMetadata

    Delivery = asyncio.Future[RecordMetadata]
    Send = Callable[..., Coroutine[Any, Any, Delivery]]

#: How long a flush waits for the next record to be taken, in seconds; Faust's is as patient.
PATIENCE_S = 0.1


class Record(NamedTuple):
    """One row as a changelog holds it; a value of None removes it. `told` is called with its delivery, in order of offsets."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    told: Callable[[Delivery], None]


class Outgoing:
    """All changelogs of a worker."""

    def __init__(self, send: Send) -> None:
        """`send`: aiokafka's, https://aiokafka.readthedocs.io/en/stable/api.html#aiokafka.AIOKafkaProducer.send."""
        self._send = send
        self._waiting: deque[tuple[Record, Delivery]] = deque()
        self._moved = asyncio.Event()

    def put(self, record: Record) -> Delivery:
        """Hand a record over; its delivery fails with the producer's error."""
        delivery = None if self._waiting else self._at_once(record)
        if delivery is None:
            delivery = asyncio.get_running_loop().create_future()
            self._waiting.append((record, delivery))
            self._moved.set()
        return delivery

    async def run(self) -> None:
        """Hand over what found a full batch, as there is room; until cancelled."""
        while True:
            while self._waiting:
                record, delivery = self._waiting[0]
                try:
                    sent = await self._sending(record)
                except ProducerClosed:
                    return  # nothing is acked for it, and it is made again
                except Exception as error:  # noqa: BLE001 - whatever it is, it is the delivery's
                    delivery.set_exception(error)
                else:
                    # Of the producer's own, as for those that went at once: a callback's callback comes a turn of the loop
                    # later, and the record behind it, of the same batch, would be told before it.
                    sent.add_done_callback(record.told)
                    sent.add_done_callback(partial(_hand_on, delivery))
                self._waiting.popleft()
                self._moved.set()
            self._moved.clear()
            await self._moved.wait()

    async def flush(self) -> None:
        """Wait until the producer has everything, or takes no more."""
        while self._waiting:
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), PATIENCE_S)
            except TimeoutError:
                return

    def _at_once(self, record: Record) -> Delivery | None:
        """Give the record to the producer if it takes it without waiting."""
        sending = self._sending(record)
        try:
            sending.send(None)
        except StopIteration as done:
            delivery: Delivery = done.value
            delivery.add_done_callback(record.told)
            return delivery
        except ProducerClosed:
            return None
        except Exception as error:  # noqa: BLE001 - as above
            return failed(error)
        sending.close()  # until its batch has room nothing was added to it
        return None

    def _sending(self, record: Record) -> Coroutine[Any, Any, Delivery]:
        return self._send(record.topic, record.value, key=record.key, partition=record.partition)


def _hand_on(delivery: Delivery, sent: Delivery) -> None:
    if delivery.done():
        return
    if sent.cancelled():
        delivery.cancel()
    elif error := sent.exception():
        delivery.set_exception(error)
    else:
        delivery.set_result(sent.result())
