"""What the portal shows: the newest of each user, as it was read from topics. In: batches. Out: statuses, views, results,
counts. No Kafka here, and no decision about what a record means.

A batch is one short transaction, positions included: SQLite has one writer, and workers write there too. Views are a
person's schedule, so they are sealed, before the transaction begins.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, cast

from sqlalchemy import delete, exists, not_, select

from schemas.outputs import Action, SyncState
from vault import projected, shown
from vault.database import Database, Part
from vault.keys import Keys
from vault.portal_models import FromARecord, LatencyRow, PositionRow, RepairRow, ResultRow, StatusRow, ViewRow
from vault.portal_values import (
    Applied,
    Batch,
    LastResult,
    LatencyMinute,
    News,
    Partition,
    Person,
    ProjectedStatus,
)
from vault.upsert import digest
from vault.whole import whole

_log = logging.getLogger(__name__)

#: How long the histogram is kept, and a last result of somebody of whom there is no status.
KEPT: Final = timedelta(days=1)
_MODELS: Final[tuple[type[FromARecord], ...]] = (StatusRow, ViewRow, ResultRow)


class Projection:
    """The newest of each user, and how far topics were read for it."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    @whole
    async def positions(self, topics: Collection[str]) -> dict[Partition, int]:
        """The next offset to read, for each partition of these topics that was read before."""
        async with self._database.reading() as session:
            return await projected.positions(session, topics)

    @whole
    async def apply(self, batch: Batch) -> Applied:
        """Take a batch in, whole or not at all. Applied again, or by a second portal, it changes nothing. The first batch
        of a partition says where its reading begins. Batches of some hundred records are best: others wait while one is
        written.
        """
        views = projected.newest(batch.views)
        sealed = await asyncio.to_thread(self._sealed, views)
        async with self._database.writing(Part.PROJECTION) as session:
            fresh = await projected.advance(session, batch.positions)
            statuses = projected.unapplied(projected.newest(batch.statuses), fresh)
            await projected.write(session, StatusRow, statuses, shown.status_columns)
            views = projected.unapplied(views, fresh)
            await projected.write(session, ViewRow, views, lambda one: {"sealed": sealed[one.person]})
            results = projected.unapplied(batch.results, fresh)
            await projected.count(session, results)
            await projected.add_repairs(session, results)
            last = projected.newest(results)
            await projected.write(session, ResultRow, last, shown.result_columns)
        changed = frozenset(one.person for news in (statuses, views, last) for one in news)
        return Applied(changed, frozenset(batch.positions) - frozenset(fresh))

    @whole
    async def rewind(self, partition: Partition, seen: int, to: int = 0) -> bool:
        """Read a partition anew from `to`, because what is there is not what was read: its topic was made anew. What came
        from it is dropped, but for the histogram. False, and nothing happens, where its position is not `seen` any more:
        another portal has done it.
        """
        async with self._database.writing(Part.PROJECTION) as session:
            row = await session.get(PositionRow, partition)
            if row is None or row.next_offset != seen:
                return False
            row.next_offset = to
            await session.execute(delete(RepairRow))  # those that are read again would be counted twice
            for model in _MODELS:
                await session.execute(
                    delete(model).where(
                        model.source_topic == partition[0], model.source_partition == partition[1]
                    )
                )
        return True

    @whole
    async def only(self, topics: Collection[str]) -> None:
        """Drop what was read from any other topic: of an earlier APP_ID, or of one that was made anew under its name."""
        named = sorted(topics)
        async with self._database.writing(Part.PROJECTION) as session:
            await session.execute(delete(PositionRow).where(PositionRow.topic.not_in(named)))
            for model in _MODELS:
                await session.execute(delete(model).where(model.source_topic.not_in(named)))

    @whole
    async def status(self, agency_id: str, user_id: str) -> ProjectedStatus | None:
        """The user's newest status, with the Google account that the vault knows."""
        async with self._database.reading() as session:
            return await shown.status(session, agency_id, user_id)

    @whole
    async def view(self, agency_id: str, user_id: str) -> bytes | None:
        """What was put there for the user's page; None also where no key opens it, which is logged."""
        async with self._database.reading() as session:
            row = await session.get(ViewRow, (agency_id, user_id))
        if row is None:
            return None
        plain = self._keys.unseal_bytes(row.sealed)
        if plain is None:
            _log.warning(
                "a page lacks its shifts: they are sealed with a key that is not in SHIFTCAL_VAULT_KEYS",
                extra={"decision": "page_unreadable", "agency": agency_id},
            )
        return plain

    @whole
    async def last_result(self, agency_id: str, user_id: str) -> LastResult | None:
        """The user's newest change."""
        async with self._database.reading() as session:
            row = await session.get(ResultRow, (agency_id, user_id))
        return None if row is None else shown.result_of(row)

    @whole
    async def repairs(self, agency_id: str, user_id: str, event_id: str) -> dict[Action, int]:
        """How many results of each kind the user's command of this id has caused so far."""
        query = select(RepairRow.action, RepairRow.count).where(
            RepairRow.agency_id == agency_id,
            RepairRow.user_id == user_id,
            RepairRow.event_id == digest(event_id),
        )
        async with self._database.reading() as session:
            return {cast("Action", action): count for action, count in (await session.execute(query)).all()}

    @whole
    async def search(
        self,
        *,
        agency: str | None = None,
        state: SyncState | None = None,
        text: str | None = None,
        after: Person | None = None,
        limit: int = 50,
    ) -> list[ProjectedStatus]:
        """Users in order of agency and id, those after `after`. `text` is part of the user's id or Google account, in
        small or capital letters.
        """
        async with self._database.reading() as session:
            return await shown.search(session, (agency, state, None, text), after, limit)

    @whole
    async def troubled(
        self, code: str, *, after: Person | None = None, limit: int = 50
    ) -> list[ProjectedStatus]:
        """Users whose last error has this code, in the same order."""
        async with self._database.reading() as session:
            return await shown.search(session, (None, None, code, None), after, limit)

    @whole
    async def counts(self) -> dict[tuple[str, SyncState], int]:
        """How many users of each agency are in each state."""
        async with self._database.reading() as session:
            return await shown.counts(session)

    @whole
    async def oldest(self, agency: str | None = None) -> ProjectedStatus | None:
        """The user whose change waits longest."""
        async with self._database.reading() as session:
            return await shown.oldest(session, agency)

    @whole
    async def latency(self, since: datetime) -> list[LatencyMinute]:
        """The minutes since then in which something reached Google, in order."""
        async with self._database.reading() as session:
            return await shown.latency(session, since)

    @whole
    async def tidy(self, now: datetime) -> None:
        """Drop minutes that nobody plots any more, and last results of people who were forgotten: a result that was read
        late would stay for ever, since nothing takes results back.
        """
        has_status = exists().where(
            StatusRow.agency_id == ResultRow.agency_id, StatusRow.user_id == ResultRow.user_id
        )
        async with self._database.writing(Part.PROJECTION) as session:
            await session.execute(delete(LatencyRow).where(LatencyRow.minute < now - KEPT))
            await session.execute(delete(RepairRow).where(RepairRow.at < now - KEPT))
            await session.execute(delete(ResultRow).where(ResultRow.at < now - KEPT, not_(has_status)))

    def _sealed(self, views: Sequence[News[bytes | None]]) -> dict[Person, bytes]:
        return {one.person: self._keys.seal_bytes(one.value) for one in views if one.value is not None}
