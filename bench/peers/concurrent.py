"""(b) The same made concurrent: aiokafka and aiogoogle on uvloop, many calls at once, each event's changes in order.

A message is committed once it and all before it in its partition are written, so a crash repeats and loses nothing. Reading
pauses while `MOST` changes wait, else a long topic would end up in memory.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from contextlib import suppress
from typing import TYPE_CHECKING

import uvloop
from aiokafka import AIOKafkaConsumer

from bench.peers.common import Job, read, run
from bench.peers.writer import Writer

if TYPE_CHECKING:
    from aiokafka.structs import TopicPartition

MOST = 5_000
COMMIT_S = 1.0


async def main(job: Job) -> None:
    """Read and write until told to end."""
    consumer = AIOKafkaConsumer(
        job.topic,
        bootstrap_servers=job.bootstrap,
        group_id=job.topic,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    opened: defaultdict[TopicPartition, deque[tuple[int, asyncio.Future[list[None]]]]] = defaultdict(deque)
    async with Writer(job) as writer, consumer:
        committing = asyncio.create_task(_commit(consumer, opened))
        try:
            while not committing.done():
                while sum(map(len, opened.values())) >= MOST:
                    oldest = [messages[0][1] for messages in opened.values() if messages]
                    await asyncio.wait(oldest, return_when=asyncio.FIRST_COMPLETED)
                    await _commit_once(consumer, opened)
                for partition, messages in (await consumer.getmany(timeout_ms=1_000)).items():
                    for message in messages:
                        written = asyncio.gather(*map(writer.submit, read(message.value)))
                        opened[partition].append((message.offset, written))
            committing.result()
        finally:
            committing.cancel()
            with suppress(asyncio.CancelledError):
                await committing
            await writer.drain()
            await _commit_once(consumer, opened)


async def _commit(
    consumer: AIOKafkaConsumer,
    opened: dict[TopicPartition, deque[tuple[int, asyncio.Future[list[None]]]]],
) -> None:
    while True:
        await asyncio.sleep(COMMIT_S)
        await _commit_once(consumer, opened)


async def _commit_once(
    consumer: AIOKafkaConsumer,
    opened: dict[TopicPartition, deque[tuple[int, asyncio.Future[list[None]]]]],
) -> None:
    done: dict[TopicPartition, int] = {}
    for partition, messages in opened.items():
        while messages and messages[0][1].done():
            offset, written = messages.popleft()
            written.result()  # what failed ends the process, uncommitted
            done[partition] = offset + 1
    if done:
        await consumer.commit(done)


if __name__ == "__main__":
    uvloop.install()
    run(main(Job.given()))
