"""Everything that the database holds of one person. In: a session. Out: what there is, and rows that are gone.
No encryption and no transactions here.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from vault.errors import StillConnected
from vault.models import ConnectionRow, OutboxRow, RevocationRow
from vault.values import Erased


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
    return Erased(*(len(rows) for rows in counts))
