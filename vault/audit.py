"""What operators did. In: entries. Out: the newest. Nothing is ever changed in the log, but for people who are forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select

from vault.database import Database, Part
from vault.portal_models import AuditRow
from vault.portal_values import AuditEntry
from vault.whole import whole

#: How long an entry stays.
KEPT: Final = timedelta(days=400)


class Audit:
    """The log of operators' actions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @whole
    async def write(self, entry: AuditEntry) -> None:
        """Add an entry; do so before the deed, so that none is without."""
        row = AuditRow(
            actor=entry.actor,
            action=entry.action,
            agency_id=entry.agency_id,
            user_id=entry.user_id,
            subject=entry.subject,
            detail=entry.detail,
            at=entry.at,
        )
        async with self._database.writing(Part.PORTAL) as session:
            session.add(row)

    @whole
    async def newest(self, limit: int, *, agency: str | None = None) -> list[AuditEntry]:
        """The newest entries, of one agency or of all."""
        query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
        if agency is not None:
            query = query.where(AuditRow.agency_id == agency)
        async with self._database.reading() as session:
            rows = list(await session.scalars(query))
        return [
            AuditEntry(row.actor, row.action, row.agency_id, row.subject, row.detail, row.at, row.user_id)
            for row in rows
        ]

    @whole
    async def tidy(self, now: datetime) -> None:
        """Drop what is older than a log has to be."""
        async with self._database.writing(Part.PORTAL) as session:
            await session.execute(delete(AuditRow).where(AuditRow.at <= now - KEPT))
