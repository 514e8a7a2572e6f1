"""What users chose on their page. In and out: a JSON object of a user. What may stand in it is not decided here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from vault.database import Database, Part
from vault.portal_models import PreferencesRow
from vault.upsert import upsert
from vault.whole import whole


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
    async def put(self, agency_id: str, user_id: str, value: Mapping[str, object], at: datetime) -> None:
        """Keep the user's choice, unless a newer one is there."""
        row = {"agency_id": agency_id, "user_id": user_id, "value": dict(value), "at": at}
        async with self._database.writing(Part.PORTAL) as session:
            await upsert(
                session, PreferencesRow, [row], only_if=lambda coming: PreferencesRow.at <= coming["at"]
            )
