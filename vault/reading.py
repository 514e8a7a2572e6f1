"""Who is connected, for a process that must change nothing: no tables are made or altered, no keys are needed.

In: an address. Out: `Known`, without a token. Only columns are asked for that every release's tables have: a shadow of
the next release reads what the live group still writes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy import select

from vault.database import SQLITE, Database, parse_url
from vault.errors import VaultUnavailable
from vault.models import ConnectionRow
from vault.whole import whole


@dataclass(frozen=True, slots=True)
class Known:
    """A user's newest connection; `live`: its token is there."""

    google_account: str
    google_calendar_id: str
    scopes: tuple[str, ...]
    connected_at: datetime
    live: bool


class Reading:
    """The connections, to be looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, url: str, *, wait_s: float = 10.0) -> Self:
        """Reach the database; one that is not there is refused, since to open it would make it."""
        parsed = parse_url(url)
        if parsed.drivername == SQLITE and not await asyncio.to_thread(Path(str(parsed.database)).exists):
            raise VaultUnavailable(
                "SHIFTCAL_DATABASE_URL: no database is there: give the one that the live workers use"
            )
        return cls(Database(url, wait_s, read_only=True))

    async def close(self) -> None:
        """Give the database back."""
        await self._database.close()

    @whole
    async def connection(self, agency_id: str, user_id: str) -> Known | None:
        """The user's newest connection, ended or not."""
        row = ConnectionRow
        query = select(
            row.google_account, row.google_calendar_id, row.scopes, row.connected_at, row.token.is_not(None)
        ).where(row.agency_id == agency_id, row.user_id == user_id)
        async with self._database.reading() as session:
            found = (await session.execute(query)).one_or_none()
        if found is None:
            return None
        account, calendar, scopes, connected_at, live = found
        return Known(account, calendar, tuple(scopes.split()), connected_at, bool(live))
