"""A broker that was just started is slow: Java compiles what is called often while it runs, and takes a core for it.

Comes in: its address. Goes out: how many records went round; after them a minute of latencies is like the next one. Without them
the first scenario measured Java.
"""

from __future__ import annotations

import asyncio
import time
import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.topics import PARTITIONS, borrowed

SECONDS, AT_ONCE = 20.0, 4


async def warm(bootstrap: str, seconds: float = SECONDS) -> int:
    """Pass single records round for so long; return how many."""
    topic = f"bench-warm-{uuid.uuid4().hex[:8]}"
    async with (
        borrowed(bootstrap, topic),
        AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer,
        AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer,
    ):
        for partition in range(AT_ONCE):
            await producer.send_and_wait(topic, b"round", partition=partition)
        ends, passed = time.monotonic() + seconds, 0
        while time.monotonic() < ends:
            found = await consumer.getmany(timeout_ms=1_000)
            sent = [
                await producer.send(topic, record.value, partition=(record.partition + 1) % PARTITIONS)
                for records in found.values()
                for record in records
            ]
            await asyncio.gather(*sent)
            passed += len(sent)
        return passed
