"""Who has to be told that a grant is lost. In: what was noticed, and how telling went. Out: what is due. No HTTP here.

An episode begins with `raise_` and ends with `settle`; in between there is one row, whoever notices it how often. A notice is
sent until it is delivered, and again a day later for as long as the episode lasts. `due` lends what it gives: two portals do
not send the same at once, and what a portal took along when it died is due again a little later, under the same id.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlalchemy import Delete, delete, select, update

from vault.database import Database, Part
from vault.portal_models import NoticeRow
from vault.portal_values import Notice, Person
from vault.upsert import insert_into
from vault.whole import whole

#: Until the next reminder.
DAILY: Final = timedelta(days=1)
#: For how long `due` gives a notice to nobody else.
LENT: Final = timedelta(minutes=2)


class Notices:
    """The lost grants, and what their users' host applications know of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @whole
    async def raise_(self, agency_id: str, user_id: str, reason: str, at: datetime) -> None:
        """A grant is lost since `at`. Nothing changes where that is known."""
        row = _new(agency_id, user_id, reason, at)
        # Whoever notices does so again and again: a look keeps the write lock out of it.
        async with self._database.reading() as session:
            if await session.get(NoticeRow, (agency_id, user_id)) is not None:
                return
        async with self._database.writing(Part.PORTAL) as session:
            await session.execute(insert_into(session, NoticeRow).values(row).on_conflict_do_nothing())

    @whole
    async def open_(self) -> dict[Person, datetime]:
        """Everybody whose episode lasts, and since when."""
        async with self._database.reading() as session:
            rows = await session.execute(select(NoticeRow.agency_id, NoticeRow.user_id, NoticeRow.since))
        return {(agency_id, user_id): since for agency_id, user_id, since in rows}

    @whole
    async def settle(self, agency_id: str, user_id: str) -> None:
        """The grant is there again, or nobody wants it any more: the next loss is another episode."""
        # Most users have none: a look keeps the write lock out of it.
        async with self._database.reading() as session:
            if await session.get(NoticeRow, (agency_id, user_id)) is None:
                return
        async with self._database.writing(Part.PORTAL) as session:
            await session.execute(_delete(agency_id, user_id))

    @whole
    async def due(self, now: datetime, limit: int) -> list[Notice]:
        """What has to be sent by now, the longest waiting first. Answer each with `delivered` or `failed`."""
        query = select(NoticeRow).where(NoticeRow.next_at <= now).order_by(NoticeRow.next_at).limit(limit)
        async with self._database.reading() as session:
            if await session.scalar(query.limit(1)) is None:
                return []
        async with self._database.writing(Part.PORTAL) as session:
            rows = list(await session.scalars(query))
            for row in rows:
                row.next_at = now + LENT
        return [_notice(row) for row in rows]

    @whole
    async def delivered(self, notice_id: str, at: datetime) -> None:
        """It arrived: the reminder is due a day later. Said twice, or of an episode that is over, it changes nothing."""
        episode, number = _parts(notice_id)
        async with self._database.writing(Part.PORTAL) as session:
            await session.execute(
                update(NoticeRow)
                .where(NoticeRow.episode == episode, NoticeRow.delivered == number - 1)
                .values(delivered=number, delivered_at=at, attempts=0, last_error=None, next_at=at + DAILY)
            )

    @whole
    async def failed(self, notice_id: str, next_at: datetime, error: str) -> None:
        """It did not arrive and is tried again at `next_at`. `error` is for an operator and quotes nobody's answer."""
        episode, number = _parts(notice_id)
        async with self._database.writing(Part.PORTAL) as session:
            await session.execute(
                update(NoticeRow)
                .where(NoticeRow.episode == episode, NoticeRow.delivered == number - 1)
                .values(attempts=NoticeRow.attempts + 1, last_error=error, next_at=next_at)
            )


def _new(agency_id: str, user_id: str, reason: str, at: datetime) -> dict[str, object]:
    return {
        "agency_id": agency_id,
        "user_id": user_id,
        "episode": uuid4().hex,
        "reason": reason,
        "since": at,
        "delivered": 0,
        "attempts": 0,
        "next_at": at,
    }


def _delete(agency_id: str, user_id: str) -> Delete:
    return delete(NoticeRow).where(NoticeRow.agency_id == agency_id, NoticeRow.user_id == user_id)


def _notice(row: NoticeRow) -> Notice:
    number = row.delivered + 1
    return Notice(
        id=f"{row.episode}-{number}",
        agency_id=row.agency_id,
        user_id=row.user_id,
        reason=row.reason,
        since=row.since,
        number=number,
        attempts=row.attempts,
    )


def _parts(notice_id: str) -> tuple[str, int]:
    episode, _, number = notice_id.rpartition("-")
    return episode, int(number)
