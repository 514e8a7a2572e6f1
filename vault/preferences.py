"""What users chose on their page. In and out: a JSON object of a user. What may stand in it is not decided here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, tuple_

from vault.database import Database, Part
from vault.portal_models import PreferencesRow
from vault.upsert import upsert
from vault.whole import whole


class Chosen(NamedTuple):
    """A user's choice, and when it was made."""

    agency_id: str
    user_id: str
    value: dict[str, object]
    at: datetime


class Preferences:
    """One object a user."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @whole
    async def get(self, agency_id: str, user_id: str) -> dict[str, object] | None:
        """The user's choice; None where there never was one."""
        async with self._database.reading() as session:
            row = await session.get(PreferencesRow, (agency_id, user_id))
        return None if row is None else dict(row.value)

    @whole
    async def after(self, who: tuple[str, str], limit: int = 500) -> list[Chosen]:
        """Everybody's choices in the order of ids, those behind this user; two empty ids come before all."""
        key = (PreferencesRow.agency_id, PreferencesRow.user_id)
        wanted = select(PreferencesRow).where(tuple_(*key) > tuple_(*who)).order_by(*key).limit(limit)
        async with self._database.reading() as session:
            rows = await session.scalars(wanted)
            return [Chosen(row.agency_id, row.user_id, dict(row.value), row.at) for row in rows]

    @whole
    async def put(self, agency_id: str, user_id: str, value: Mapping[str, object], at: datetime) -> None:
        """Keep the user's choice, unless a newer one is there."""
        row = {"agency_id": agency_id, "user_id": user_id, "value": dict(value), "at": at}
        async with self._database.writing(Part.PORTAL) as session:
            await upsert(
                session, PreferencesRow, [row], only_if=lambda coming: PreferencesRow.at <= coming["at"]
            )
