"""One visit to Kafka: from finding the place where to read on, until something is not what it was.

In: a consumer without a group, what is followed, the vault. Out: applied batches, how fresh they are, a bell for who has
news; `Moved` where the topics are others. Not here: coming again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from aiokafka.errors import OffsetOutOfRangeError

from vault import VaultUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from aiokafka import AIOKafkaConsumer
    from aiokafka.structs import ConsumerRecord, TopicPartition

    from portal.projecting.batches import Batches
    from portal.projecting.followed import Followed
    from portal.projecting.freshness import Bell, Freshness
    from vault import Applied, Batch, Vault

log = logging.getLogger(__name__)

#: Records of one batch: others wait for the database while one is written.
MOST = 500
#: What comes within so many seconds is written together.
PACE_S = 0.05
#: Every so many seconds it is asked where topics end, and every so many times then whether they are the same topics.
LOOK_S, IDENTITY = 2.0, 3
#: An answer of Kafka that takes longer is none.
ANSWER_S = 10.0
#: Seconds until a batch that could not be written is tried again, each a little later than the one before.
RETRY_S, RETRY_MOST_S = 0.2, 5.0


class Moved(Exception):
    """Topics are not what they were: begin again."""


class Tools(NamedTuple):
    """What outlives a visit."""

    vault: Vault
    batches: Batches
    freshness: Freshness
    bell: Bell
    now: Callable[[], datetime]


class Visit:
    """Reads on from where the vault's positions are."""

    def __init__(
        self,
        found: Followed,
        consumer: AIOKafkaConsumer,
        again: Callable[[], Awaitable[Followed]],
        tools: Tools,
    ) -> None:
        """`again` asks once more what is followed."""
        self._followed, self._consumer, self._again, self._tools = found, consumer, again, tools
        self._next: dict[TopicPartition, int] = {}
        self._looked: tuple[datetime, dict[TopicPartition, int]] | None = None
        self._looks = 0
        self._swept = False

    async def begin(self) -> None:
        """Go to where reading goes on."""
        async with asyncio.timeout(ANSWER_S):
            self._consumer.assign(self._followed.partitions)
            await self._go_to(self._followed.partitions)

    async def follow(self) -> NoReturn:
        """Read until something is not what it was."""
        clock = asyncio.get_running_loop().time
        look_at = clock()
        while True:
            try:
                found = await self._consumer.getmany(timeout_ms=200, max_records=MOST)
            except OffsetOutOfRangeError as error:
                raise Moved("a topic does not have the records any more that come next") from error
            if found:
                await self._take(found)
                await asyncio.sleep(PACE_S)
            if clock() >= look_at:
                await self._look()
                look_at = clock() + LOOK_S

    async def _go_to(self, partitions: Collection[TopicPartition]) -> None:
        projection = self._tools.vault.projection
        known = await projection.positions(self._followed.sources.values())
        begins = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        for tp in partitions:
            place = (self._followed.source(tp.topic), tp.partition)
            at = known.get(place, begins[tp])
            if at > ends[tp]:
                fields = {
                    "decision": "reads_anew",
                    "topic": tp.topic,
                    "partition": tp.partition,
                    "offset": ends[tp],
                }
                log.warning("a partition ends before what was read of it: it is read anew", extra=fields)
                if not await projection.rewind(place, at, begins[tp]):
                    raise Moved("another portal reads a partition anew")
                at = begins[tp]
            # What retention took from between the two is gone for everybody: the next batch begins where the last ended.
            self._next[tp] = at
            self._consumer.seek(tp, max(at, begins[tp]))

    async def _take(self, found: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]) -> None:
        tools = self._tools
        read = await tools.batches.read(found, self._next)
        applied = await self._apply(read.batch)
        tools.freshness.unreadable += read.unreadable
        tools.bell.ring(applied.changed)
        refused = []
        for tp, records in found.items():
            if (self._followed.source(tp.topic), tp.partition) in applied.refused:
                refused.append(tp)
            elif records:
                self._next[tp] = records[-1].offset + 1
        if refused:  # the database is an older one than it was: somebody brought a backup back
            await self._go_to(refused)

    async def _apply(self, batch: Batch) -> Applied:
        """Have the batch written, however long the database cannot be used."""
        pause = RETRY_S
        while True:
            try:
                return await self._tools.vault.projection.apply(batch)
            except VaultUnavailable as error:
                if self._tools.freshness.failed(str(error)):
                    log.warning("the portal's news waits: %s", error, extra={"decision": "no_news"})
            await asyncio.sleep(pause)
            pause = min(2 * pause, RETRY_MOST_S)

    async def _look(self) -> None:
        """Say how far behind we are; once nothing is left of what there was at first, drop what came from elsewhere."""
        now, partitions = self._tools.now(), self._followed.partitions
        async with asyncio.timeout(ANSWER_S):
            ends = dict(await self._consumer.end_offsets(partitions))
            at = {tp: await self._consumer.position(tp) for tp in partitions}
        if early := [tp for tp in partitions if ends[tp] < at[tp]]:
            raise Moved(f"{early[0].topic} partition {early[0].partition} ends before what was read of it")
        behind = sum(ends[tp] - at[tp] for tp in partitions)
        before, old_ends = self._looked or (None, ends)
        complete = all(at[tp] >= end for tp, end in old_ends.items())
        until = now if behind == 0 else before if complete and before else self._tools.freshness.fresh_at
        self._tools.freshness.looked(behind, until)
        if complete:
            self._looked = (now, ends)
            if not self._swept:
                await self._tools.vault.projection.only(self._followed.sources.values())
                self._swept = True
        elif self._looked is None:
            self._looked = (now, ends)
        await self._check_identity()

    async def _check_identity(self) -> None:
        self._looks += 1
        if self._looks % IDENTITY:
            return
        async with asyncio.timeout(ANSWER_S):
            if await self._again() != self._followed:
                raise Moved("a topic was made anew, or has more partitions")
