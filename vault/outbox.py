"""The commands that a change of connections has to announce. In: a session with that change under way. Out: rows in
the same transaction, later handed to whoever sends them. No Kafka here.

Sent at least once: a sender that dies between sending and crossing out sends again, and consumers take the newest
`occurred_at`, so that changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from vault.models import ConnectionRow, OutboxRow
from vault.values import Announcement


async def announce_connect(session: AsyncSession, row: ConnectionRow, event_id: str | None) -> None:
    """The user of this row is connected since its `connected_at`."""
    await _announce(session, row, "connect", row.connected_at, event_id=event_id or uuid4().hex)


async def announce_moved(session: AsyncSession, row: ConnectionRow, at: datetime) -> None:
    """The user of this row lost the calendar to somebody else."""
    await _announce(session, row, "disconnect", at, event_id=uuid4().hex, reason="calendar_moved")


async def unsent(session: AsyncSession, limit: int) -> list[Announcement]:
    """What has still to be sent, oldest first."""
    rows = await session.scalars(select(OutboxRow).order_by(OutboxRow.id).limit(limit))
    return [Announcement(id=row.id, key=row.key, value=row.value) for row in rows]


async def cross_out(session: AsyncSession, ids: Sequence[int]) -> None:
    """These were delivered. One statement: others wait for the whole database as long as this takes."""
    await session.execute(delete(OutboxRow).where(OutboxRow.id.in_(ids)))


async def _announce(
    session: AsyncSession, row: ConnectionRow, command: str, at: datetime, **extra: str
) -> None:
    value: dict[str, object] = {
        "occurred_at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "agency_id": row.agency_id,
        "user_id": row.user_id,
        "schema_version": 1,
        "command": command,
        **extra,
    }
    session.add(OutboxRow(key=f"{row.agency_id}/{row.user_id}", value=value))
    # One insert at a time: the ids are the order of sending.
    await session.flush()
