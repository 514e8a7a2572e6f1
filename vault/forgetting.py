"""Everything that the database holds of one person. In: a session. Out: what there is, and rows that are gone.
No encryption and no transactions here.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from vault.errors import StillConnected
from vault.models import ConnectionRow, OutboxRow, RevocationRow
from vault.portal_models import (
    AuditRow,
    NoticeRow,
    PreferencesRow,
    RepairRow,
    ResultRow,
    SessionRow,
    StatusRow,
    ViewRow,
)
from vault.values import Erased

#: Stands in the audit log where a person stood.
FORGOTTEN = "(forgotten)"

_Rows = type[SessionRow | StatusRow | ViewRow | ResultRow | RepairRow | NoticeRow | PreferencesRow]
_OF_THE_PORTAL: tuple[_Rows, ...] = (
    SessionRow,
    StatusRow,
    ViewRow,
    ResultRow,
    RepairRow,
    NoticeRow,
    PreferencesRow,
)


async def newest_of(session: AsyncSession, agency_id: str, user_id: str) -> datetime | None:
    """When the user last connected, or was ended. Refuses while the user is connected."""
    row = await session.get(ConnectionRow, (agency_id, user_id))
    if row is None:
        return None
    if row.live:
        raise StillConnected(agency_id, user_id)
    return max(row.connected_at, row.ended_at or row.connected_at)


async def tokens_of(session: AsyncSession, agency_id: str, user_id: str) -> list[RevocationRow]:
    """The tokens that Google has still to be told of."""
    return list(
        await session.scalars(
            select(RevocationRow)
            .where(RevocationRow.agency_id == agency_id, RevocationRow.user_id == user_id)
            .order_by(RevocationRow.since, RevocationRow.token_id)
        )
    )


async def unsent_of(session: AsyncSession, agency_id: str, user_id: str) -> int:
    """How many commands about the user have still to be sent."""
    query = select(func.count()).where(OutboxRow.key == f"{agency_id}/{user_id}")
    return await session.scalar(query) or 0


async def erase(session: AsyncSession, agency_id: str, user_id: str) -> Erased:
    """Remove every row about the user. Refuses while the user is connected, by then."""
    await newest_of(session, agency_id, user_id)
    counts = [
        (await session.execute(statement.returning(column))).all()
        for statement, column in (
            (
                delete(ConnectionRow).where(
                    ConnectionRow.agency_id == agency_id, ConnectionRow.user_id == user_id
                ),
                ConnectionRow.user_id,
            ),
            (
                delete(RevocationRow).where(
                    RevocationRow.agency_id == agency_id, RevocationRow.user_id == user_id
                ),
                RevocationRow.token_id,
            ),
            (delete(OutboxRow).where(OutboxRow.key == f"{agency_id}/{user_id}"), OutboxRow.id),
        )
    ]
    of_the_portal = sum([await _erased(session, model, agency_id, user_id) for model in _OF_THE_PORTAL])
    await _unnamed(session, agency_id, user_id)
    connections, revocations, announcements = (len(rows) for rows in counts)
    return Erased(connections, revocations, announcements, of_the_portal)


async def _erased(session: AsyncSession, model: _Rows, agency_id: str, user_id: str) -> int:
    statement = delete(model).where(model.agency_id == agency_id, model.user_id == user_id)
    return len((await session.execute(statement.returning(model.agency_id))).all())


async def _unnamed(session: AsyncSession, agency_id: str, user_id: str) -> None:
    """The log goes on to say what was done by whom to others, and that something was done: only the person is gone."""
    for where, change in (
        (AuditRow.actor == f"{agency_id}/{user_id}", {"actor": FORGOTTEN}),
        (
            (AuditRow.agency_id == agency_id) & (AuditRow.user_id == user_id),
            {"user_id": None, "subject": FORGOTTEN, "detail": FORGOTTEN},
        ),
    ):
        await session.execute(update(AuditRow).where(where).values(change))
