"""Rows and messages looked up in topics, by whoever asks: no worker is asked, no group is joined, nothing is written.

In: keys and real names. Out: rows as the changelogs have them, records newest first. A partition ends where it ended when
it was asked; a key is looked for only in the partition that it hashes to. Not here: what is looked for.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from streams.cluster import Cluster
from streams.kafka import Reader, missing, reaching
from streams.reach import broker_of
from streams.sender import partition_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from datetime import datetime

    from streams.settings import Settings

Record: TypeAlias = ConsumerRecord
Range = tuple[int, int]

#: Offsets of the first piece that is read of a partition's end, and how much longer each further piece is.
_FIRST: Final = 500
_LONGER: Final = 4

#: More than one fetch needs for what a piece holds; internal records have up to 16 MiB.
_FETCH: Final = 4 << 20


class Lookup:
    """A reader of these topics, and the cluster's answers about them."""

    def __init__(self, cluster: Cluster, consumer: AIOKafkaConsumer, counts: Mapping[str, int]) -> None:
        self.cluster, self._consumer, self._counts = cluster, consumer, counts
        self.reader = Reader(consumer, counts)

    def all_of(self, topic: str) -> list[TopicPartition]:
        """All partitions of a topic."""
        return [TopicPartition(topic, number) for number in range(self._counts[topic])]

    def home(self, topic: str, key: bytes) -> TopicPartition:
        """The partition to which our own producers send this key."""
        return TopicPartition(topic, partition_of(key, self._counts[topic]))

    async def ranges(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Range]:
        """What stands in these partitions at this moment."""
        wanted = list(partitions)
        await self._learn(tp.topic for tp in wanted)
        starts, ends = await self.reader.starts(wanted), await self.reader.ends_of(wanted)
        return {tp: (starts[tp], ends[tp]) for tp in wanted}

    async def since(self, topic: str, at: datetime) -> dict[TopicPartition, Range]:
        """What stands in this topic from that time of the broker's on."""
        await self._learn([topic])
        starts, ends = await self.reader.since(topic, at), await self.reader.ends(topic)
        return {tp: (start, ends[tp]) for tp, start in starts.items()}

    async def _learn(self, topics: Iterable[str]) -> None:
        """Have the client know where these are: it forgets all but those it reads, and learns of one in a tenth of a second."""
        await self._consumer._client.set_topics(set(topics))  # noqa: SLF001 - nothing public asks for several topics at once

    async def forwards(self, ranges: Mapping[TopicPartition, Range]) -> AsyncIterator[Record]:
        """The records of these ranges, in the order of each partition."""
        starts = {tp: start for tp, (start, _) in ranges.items()}
        async for record in self.reader.records(starts, {tp: end for tp, (_, end) in ranges.items()}):
            yield record

    async def pieces(self, ranges: Mapping[TopicPartition, Range]) -> AsyncIterator[list[Record]]:
        """The records of these ranges in pieces, the newest piece first; within one, those of a partition in order."""
        left, size = {tp: (start, end) for tp, (start, end) in ranges.items() if start < end}, _FIRST
        while left:
            begins = {tp: max(start, end - size) for tp, (start, end) in left.items()}
            ends = {tp: end for tp, (_, end) in left.items()}
            yield [record async for record in self.reader.records(begins, ends)]
            left = {tp: (start, begins[tp]) for tp, (start, _) in left.items() if start < begins[tp]}
            size *= _LONGER

    async def newest(
        self, partitions: Iterable[TopicPartition], fits: Callable[[Record], bool]
    ) -> Record | None:
        """The newest record that fits, by the broker's time where partitions differ; read no further back than to it."""
        async for piece in self.pieces(await self.ranges(partitions)):
            if found := [record for record in piece if fits(record)]:
                return max(found, key=lambda record: (record.timestamp, record.offset))
        return None

    async def row(self, changelog: str, key: bytes, partition: int | None = None) -> bytes | None:
        """The row of a key; `partition`: where it stands if the table is kept in that of another key."""
        tp = self.home(changelog, key) if partition is None else TopicPartition(changelog, partition)
        async for piece in self.pieces(await self.ranges([tp])):
            for record in reversed(piece):
                if record.key == key:
                    value: bytes | None = record.value
                    return value
        return None

    async def rows(
        self, topic: str, wanted: Callable[[bytes], bool], partitions: Iterable[TopicPartition] | None = None
    ) -> dict[bytes, bytes]:
        """The newest value of every key that is wanted; whoever was dropped is not there."""
        found: dict[bytes, bytes] = {}
        ranges = await self.ranges(self.all_of(topic) if partitions is None else partitions)
        async for record in self.forwards(ranges):
            key = record.key
            if key is None or not wanted(key):
                continue
            if record.value is None:
                found.pop(key, None)
            else:
                found[key] = record.value
        return found


@asynccontextmanager
async def looking(settings: Settings, topics: Iterable[str]) -> AsyncIterator[Lookup]:
    """A lookup in these topics, once they are known to exist."""
    names = list(dict.fromkeys(topics))
    with reaching(settings):
        async with Cluster(broker_of(settings)) as cluster:
            counts = await cluster.partition_counts()
            missing(names, counts)
            consumer = AIOKafkaConsumer(
                client_id="shiftcal-lookup",
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                # What stands there is asked for, nothing is waited for: a fetch at the end would hold up the next.
                fetch_max_wait_ms=10,
                max_partition_fetch_bytes=_FETCH,
                **broker_of(settings).aiokafka(),
            )
            try:
                await consumer.start()
                yield Lookup(cluster, consumer, counts)
            finally:
                await consumer.stop()
