"""Raw aiokafka: read the same messages and send the same bytes on.

Comes in: messages. Goes out: messages a second through one consumer and one producer, no batch waited for. Not here: groups and
commits, which would only slow it.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.topics import PARTITIONS, borrowed

if TYPE_CHECKING:
    from collections.abc import Sequence


async def relay(bootstrap: str, prefix: str, messages: Sequence[bytes]) -> float:
    """Return the rate from before the first fetch to the last delivery; the topics are new each time."""
    # New names each time: a topic that was deleted is not gone at once.
    one = uuid.uuid4().hex[:8]
    source, target = f"{prefix}relay-in-{one}", f"{prefix}relay-out-{one}"
    consumer = AIOKafkaConsumer(source, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with (
        borrowed(bootstrap, source, target),
        AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer,
    ):
        # The leaders of topics that were just made are not known at once: not part of what is measured.
        for topic in (source, target):
            for partition in range(PARTITIONS):
                await producer.send_and_wait(topic, messages[0], partition=partition)
        for message in messages:
            await producer.send(source, message)
        await producer.flush()
        count = left = len(messages) + PARTITIONS
        began = time.monotonic()
        async with consumer:
            while left:
                for records in (await consumer.getmany(timeout_ms=1_000)).values():
                    left -= len(records)
                    for record in records:
                        await producer.send(target, record.value, record.key)
            await producer.flush()
            return count / (time.monotonic() - began)
