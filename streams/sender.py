"""Our own producer: agents and lanes send through it and wait for the delivery themselves.

In: topic, key, value, headers as raw bytes. Out: a future of the broker's answer. Not here: encoding, topic names, retries of ours.
Faust's producer carries nothing but the tables' changelogs: its `send` swallows a delivery that fails for good.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from streams.company import leave_together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiokafka.structs import RecordMetadata

    from streams.security import Broker

MAX_REQUEST = 16 * 1024 * 1024
# A delivery that is late is still delivered, so giving up early would only cause needless crashes.
DELIVERY_TIMEOUT_MS = 120_000
STOP_DEADLINE_S = 5.0

log = logging.getLogger(__name__)
_partitioner = DefaultPartitioner()

# aiokafka refuses a record without key and value, which Kafka itself takes: a dead letter may well be one.
_NULL = object()


def _bytes(value: object) -> object:
    return None if value is _NULL else value


def partition_of(key: bytes, count: int) -> int:
    """Say where a key goes in a topic of that many partitions: murmur2 over all, as Java's producer does."""
    numbers = range(count)
    return int(_partitioner(key, numbers, numbers))


class Sender:
    """A thin hand over aiokafka's idempotent producer."""

    def __init__(
        self,
        broker: Broker,
        *,
        client_id: str = "shiftcal",
        compression: str | None = None,
        linger_ms: int = 0,
    ) -> None:
        """Take the cluster; `linger_ms`: how long a record may wait for others to share its request."""
        self._broker = broker
        self._client_id = client_id
        self._compression = compression
        self._linger_ms = linger_ms
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect; raises aiokafka's KafkaConnectionError when no broker answers."""
        producer = AIOKafkaProducer(
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=self._linger_ms,
            max_request_size=MAX_REQUEST,
            request_timeout_ms=DELIVERY_TIMEOUT_MS,
            compression_type=self._compression,
            value_serializer=_bytes,
            **self._broker.aiokafka(),
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        leave_together(producer)
        self._producer = producer

    async def stop(self) -> None:
        """Send what is still waiting, then close. Twice is fine."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            async with asyncio.timeout(STOP_DEADLINE_S):
                await producer.stop()
        except TimeoutError:
            log.warning(
                "Kafka took no more records for %.0f s; unsent ones will be made again",
                STOP_DEADLINE_S,
                extra={"decision": "unsent"},
            )

    async def flush(self) -> None:
        """Wait until everything handed over so far has its answer."""
        await self._running.flush()

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] | None = None,
    ) -> asyncio.Future[RecordMetadata]:
        """Hand a record over and return the future of its delivery.

        Order per partition is the order of the calls. Cancelling the future does not unsend the record.
        """
        future: asyncio.Future[RecordMetadata] = await self._running.send(
            topic, _NULL if key is None and value is None else value, key, headers=list(headers or ())
        )
        return future

    async def deliver(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] | None = None,
    ) -> RecordMetadata:
        """Send and wait for the broker's answer."""
        return await (await self.send(topic, key, value, headers))

    async def partitions(self, topic: str) -> frozenset[int]:
        """Number the partitions of a topic; also loads what `partition` needs to know."""
        return frozenset(await self._running.partitions_for(topic))

    def partition(self, topic: str, key: bytes) -> int:
        """Say where a record with this key goes.

        The topic must be known already: something was sent to it, or `partitions` was awaited.
        """
        known = self._running.client.cluster.partitions_for_topic(topic)
        if not known:
            raise LookupError(
                f"the partitions of topic {topic} are not known yet; await partitions(topic) first"
            )
        return partition_of(key, len(known))

    @property
    def _running(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("the sender is not started")
        return self._producer
