"""Kafka for whoever asks and goes, a command or a page: a producer, and a reader without a group.

In: settings and topics by their real names. Out: a `Sender`, or a `Reader` of ranges; an `OperatorError` where a topic
is missing or Kafka is not there. Not here: what is sent and read.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from planning.intake import broker_time
from schemas.errors import OperatorError
from streams.cluster import Cluster
from streams.failures import kafka_failures
from streams.overheard import listening
from streams.reach import broker_of, names_of, shadow_names_of
from streams.sender import Sender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping, Sequence

    from streams.settings import Settings

#: Deliveries under way at once: enough to fill batches, few enough to know soon that one failed.
_OPEN: Final = 2_000
_STALLED_S: Final = 60.0

CREATE: Final = "shiftcal topics create"


def quiet() -> None:
    """Keep Kafka's client from logging what the command says itself, in one line."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)


@contextmanager
def reaching(settings: Settings) -> Iterator[None]:
    """Say in one line what is wrong with Kafka; its client's own words about that are kept off the log."""
    with listening() as overheard, kafka_failures(settings, overheard):
        yield


async def expect(settings: Settings, *, shadow: bool = False) -> None:
    """Refuse to go on without Kafka, or without one of our topics."""
    names = shadow_names_of(settings) if shadow else names_of(settings)
    cure = "shiftcal topics create --shadow" if shadow else CREATE
    with reaching(settings):
        async with Cluster(broker_of(settings)) as cluster:
            counts = await cluster.partition_counts()
        missing([spec.name for spec in names.specs(settings.partitions)], counts, cure)


@asynccontextmanager
async def sending(
    settings: Settings, topics: Sequence[str], *, compression: str | None = None
) -> AsyncIterator[Sender]:
    """A producer, once these topics are known to exist: a send to a missing one would wait for two minutes."""
    with reaching(settings):
        await _counts(settings, topics)
        sender = Sender(broker_of(settings), client_id="shiftcal-ops", compression=compression)
        await sender.start()
        try:
            yield sender
        finally:
            await sender.stop()


@asynccontextmanager
async def reading(settings: Settings, topics: Sequence[str]) -> AsyncIterator[Reader]:
    """A reader of these topics, once they are known to exist."""
    with reaching(settings):
        counts = await _counts(settings, topics)
        consumer = AIOKafkaConsumer(
            client_id="shiftcal-ops",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            **broker_of(settings).aiokafka(),
        )
        try:
            await consumer.start()
            yield Reader(consumer, {topic: counts[topic] for topic in topics})
        finally:
            await consumer.stop()


class Reader:
    """Records of a range, which ends where the topics ended when it was asked for."""

    def __init__(self, consumer: AIOKafkaConsumer, counts: Mapping[str, int]) -> None:
        self._consumer = consumer
        self._counts = counts

    def partitions(self, topic: str) -> list[TopicPartition]:
        """All partitions of a topic."""
        return [TopicPartition(topic, number) for number in range(self._counts[topic])]

    async def beginnings(self, topic: str) -> dict[TopicPartition, int]:
        """The first offset that there is, by partition."""
        return await self.starts(self.partitions(topic))

    async def ends(self, topic: str) -> dict[TopicPartition, int]:
        """The offset of the next record, by partition."""
        return await self.ends_of(self.partitions(topic))

    async def starts(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that there is, of each of these."""
        return dict(await self._consumer.beginning_offsets(partitions)) if partitions else {}

    async def ends_of(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset of the next record, of each of these."""
        return dict(await self._consumer.end_offsets(partitions)) if partitions else {}

    async def since(self, topic: str, at: datetime) -> dict[TopicPartition, int]:
        """The first offset with this broker's timestamp or a later one, by partition; none where there is none."""
        wanted = dict.fromkeys(self.partitions(topic), round(at.timestamp() * 1000))
        found = await self._consumer.offsets_for_times(wanted)
        return {tp: position.offset for tp, position in found.items() if position is not None}

    async def records(
        self, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
        """Every record in [start, end) of the partitions that have both."""
        left = {tp: ends[tp] for tp, start in starts.items() if start < ends[tp]}
        if not left:
            return
        self._consumer.assign(list(left))
        for tp in left:
            self._consumer.seek(tp, starts[tp])
        clock = asyncio.get_running_loop().time
        moved = clock()
        while left:
            found = await self._consumer.getmany(*left, timeout_ms=200)
            for tp, records in found.items():
                for record in records:
                    if record.offset < left[tp]:
                        yield record
            # The position, not the last record: compaction and transactions leave offsets without one.
            done = [tp for tp, end in left.items() if await self._consumer.position(tp) >= end]
            for tp in done:
                del left[tp]
                self._consumer.pause(tp)
            if found or done:
                moved = clock()
            elif clock() - moved > _STALLED_S:
                raise TimeoutError

    async def everything(self, topic: str) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
        """Every record of a topic."""
        async for record in self.records(await self.beginnings(topic), await self.ends(topic)):
            yield record


class Pipeline:
    """Deliveries that do not wait for each other; whoever sends waits for all of them at the end."""

    def __init__(self) -> None:
        self._open: list[Awaitable[object]] = []
        self.delivered = 0

    async def take(self, *deliveries: Awaitable[object]) -> None:
        """Take deliveries under way."""
        self._open += deliveries
        if len(self._open) >= _OPEN:
            await self.flush()

    async def flush(self) -> None:
        """Wait until everything so far is delivered or not, and raise the first error."""
        under_way, self._open = self._open, []
        answers = await asyncio.gather(*under_way, return_exceptions=True)
        errors = [answer for answer in answers if isinstance(answer, BaseException)]
        self.delivered += len(answers) - len(errors)
        for error in errors:
            raise error


def timestamp(record: ConsumerRecord[bytes, bytes]) -> datetime:
    """The broker's timestamp of a record."""
    return broker_time(record.timestamp / 1000)


async def _counts(settings: Settings, topics: Sequence[str]) -> dict[str, int]:
    async with Cluster(broker_of(settings)) as cluster:
        counts = await cluster.partition_counts()
    missing(topics, counts)
    return counts


def missing(topics: Iterable[str], counts: Mapping[str, int], cure: str = CREATE) -> None:
    """Refuse to go on where one of these topics is not there; `cure`: the command that makes them."""
    if lacking := sorted(set(topics) - counts.keys()):
        many = "topics are" if len(lacking) > 1 else "topic is"
        raise OperatorError(f"{len(lacking)} {many} missing ({', '.join(lacking)}): run `{cure}`")
