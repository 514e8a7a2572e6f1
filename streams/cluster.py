"""Questions to the cluster outside the worker's consumer group: topics, offsets, records in a range.

In: a `Broker`. Out: plain numbers. Not here: what the answers mean.
Separate connections on purpose: a question on the worker's own consumer waits behind its long fetch.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    IncompatibleBrokerVersion,
    KafkaError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.structs import TopicPartition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterable
    from types import TracebackType

    from streams.security import Broker

log = logging.getLogger(__name__)
PROBE_DEADLINE_S = 30.0
PATIENCE_S = 30.0
COORDINATOR_MOVES = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)


class Cluster:
    """An admin client and a reader without a group, made on first use and closed together."""

    def __init__(self, broker: Broker, answer_ms: int = 40_000) -> None:
        """`answer_ms`: after so long an answer of a broker is none."""
        self._broker = broker
        self._answer_ms = answer_ms
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()  # the reader has one assignment: one question at a time

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect the admin client; raises aiokafka's KafkaConnectionError when no broker answers."""
        if self._admin is None:
            admin = AIOKafkaAdminClient(
                client_id="shiftcal-admin", request_timeout_ms=self._answer_ms, **self._broker.aiokafka()
            )
            try:
                await admin.start()
            except BaseException:
                await admin.close()
                raise
            self._admin = admin

    async def stop(self) -> None:
        """Close whatever was opened. Twice is fine."""
        admin, self._admin = self._admin, None
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await ended(consumer.stop())
        if admin is not None:
            await ended(admin.close())

    @property
    def admin(self) -> AIOKafkaAdminClient:
        """The admin client itself."""
        if self._admin is None:
            raise RuntimeError("the cluster connection is not started")
        return self._admin

    async def partition_counts(self) -> dict[str, int]:
        """Count the partitions of every topic there is."""
        topics: list[dict[str, Any]] = await _patiently(self.admin.describe_topics)
        return {topic["topic"]: len(topic["partitions"]) for topic in topics if not topic["error_code"]}

    async def topic_configs(self, names: Collection[str]) -> dict[str, dict[str, str | None]]:
        """Read the topics' configuration, defaults included; a topic that may not be described is left out."""
        if not names:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        try:
            responses = await _patiently(lambda: self.admin.describe_configs(resources))
        except IncompatibleBrokerVersion:
            return {}  # the embedded broker has no configuration to tell
        configs: dict[str, dict[str, str | None]] = {}
        for response in responses:
            for code, _, _, name, entries in response.resources:
                if code:
                    fields = {
                        "decision": "configuration_unread",
                        "topic": name,
                        "reason": for_code(code).__name__,
                    }
                    log.warning("the configuration of a topic cannot be read", extra=fields)
                else:
                    configs[name] = {entry[0]: entry[1] for entry in entries}
        return configs

    async def committed(
        self, group: str, partitions: Collection[TopicPartition] | None = None
    ) -> dict[TopicPartition, int]:
        """Read what a consumer group has committed; all of it where no partitions are named.

        A young cluster makes its offsets topic when it is first asked, and answers a second or two later.
        """
        if partitions is not None and not partitions:
            return {}
        wanted = None if partitions is None else list(partitions)
        offsets = await _patiently(lambda: self.admin.list_consumer_group_offsets(group, partitions=wanted))
        return {tp: position.offset for tp, position in offsets.items() if position.offset >= 0}

    async def members(self, group: str) -> int:
        """Count the members of a consumer group; none where nobody ever joined it."""
        responses = await _patiently(lambda: self.admin.describe_consumer_groups([group]))
        return sum(len(found[5]) for response in responses for found in response.groups)

    async def starts(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Read the first offset that still exists (or would be the next, in an empty partition)."""
        wanted = list(partitions)
        return dict(await (await self._reader(wanted)).beginning_offsets(wanted)) if wanted else {}

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Read the offset the next record will get."""
        wanted = list(partitions)
        return dict(await (await self._reader(wanted)).end_offsets(wanted)) if wanted else {}

    async def first_record(self, tp: TopicPartition, start: int, stop: int) -> int | None:
        """Find the first offset in [start, stop) that holds a record.

        Compaction, transaction markers and deleted beginnings leave offsets without records; `None` says that all of them are of that kind.
        """
        tp = TopicPartition(*tp)
        reader = await self._reader([tp])
        async with self._reading(reader, tp):
            reader.seek(tp, start)
            while True:
                for record in (await reader.getmany(tp, timeout_ms=200)).get(tp, ()):
                    return record.offset if record.offset < stop else None
                if await reader.position(tp) >= stop:
                    return None

    async def read(self, tp: TopicPartition) -> list[tuple[bytes | None, bytes | None]]:
        """Read a small partition from its first record to the end of this moment."""
        end = (await self.ends([tp]))[tp]
        reader = await self._reader([tp])
        found: list[tuple[bytes | None, bytes | None]] = []
        async with self._reading(reader, tp):
            await reader.seek_to_beginning(tp)
            while await reader.position(tp) < end:
                records = (await reader.getmany(tp, timeout_ms=200)).get(tp, ())
                found += [(record.key, record.value) for record in records]
        return found

    @asynccontextmanager
    async def _reading(self, reader: AIOKafkaConsumer, tp: TopicPartition) -> AsyncIterator[None]:
        """Give the reader this partition, for one question at a time."""
        async with self._lock, asyncio.timeout(PROBE_DEADLINE_S):
            reader.assign([tp])
            try:
                yield
            finally:
                reader.pause(tp)  # the next question would wait behind a fetch that nobody needs

    async def _reader(self, partitions: Collection[TopicPartition]) -> AIOKafkaConsumer:
        """Return the reader, knowing where these partitions are: it learns of one topic at a time, a tenth of a second each."""
        reader = await self._made()
        client = reader._client  # noqa: SLF001 - nothing public asks for several topics at once
        if any(client.cluster.leader_for_partition(tp) is None for tp in partitions):
            await client.set_topics({*client._topics, *(tp.topic for tp in partitions)})  # noqa: SLF001
        return reader

    async def _made(self) -> AIOKafkaConsumer:
        async with self._lock:
            if self._consumer is None:
                consumer = AIOKafkaConsumer(
                    client_id="shiftcal-probe",
                    group_id=None,
                    enable_auto_commit=False,
                    auto_offset_reset="earliest",
                    fetch_max_wait_ms=10,
                    **self._broker.aiokafka(),
                )
                try:
                    await consumer.start()
                    # Its `stop` raises CancelledError while a task of its own has not had a turn yet.
                    await asyncio.sleep(0)
                except BaseException:
                    await consumer.stop()
                    raise
                self._consumer = consumer
            return self._consumer


async def _patiently(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask again while the cluster is on its way up; aiokafka's admin client gives up at the first such answer."""
    end = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        try:
            return await ask()
        except KafkaError as error:
            passing = error.retriable or isinstance(error, COORDINATOR_MOVES)
            if not passing or asyncio.get_running_loop().time() > end:
                raise
            await asyncio.sleep(0.2)


async def started(starting: Coroutine[Any, Any, None], grace_s: float) -> None:
    """Wait until a client has started; who is cancelled meanwhile waits for its end, for so long.

    aiokafka leaves the first connection open where a start is cancelled.
    """
    task = asyncio.ensure_future(starting)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=grace_s)
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # looked at here: who was cancelled does not learn of it any more
        raise


async def ended(closing: Coroutine[Any, Any, None]) -> None:
    """Wait until a client is closed.

    With the broker gone, aiokafka lets the cancellation of its own fetch task through, as if we were cancelled ourselves.
    """
    try:
        await closing
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        log.debug("a client was closed while it waited for its broker")
