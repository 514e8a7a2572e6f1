"""Who is in the portal. In: sessions and links. Out: the same, as long as they are valid. No cookies and no signatures here.

Whoever reads the table gets in nowhere: of ids and links it holds SHA-256 digests (they are random and long, so nobody
guesses what was hashed), and the name, the CSRF token and what a visit to Google has to come back to are sealed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, cast

from sqlalchemy import delete

from vault.database import Database, Part
from vault.keys import Keys
from vault.portal_models import SessionRow, UsedLinkRow
from vault.portal_values import PortalSession, Role
from vault.upsert import insert_into
from vault.whole import whole

#: How long after its expiry a used link is remembered: longer than any leeway of clocks with which it might still pass.
_LEEWAY: Final = timedelta(days=1)


class Sessions:
    """The portal's sessions and the links that began them."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    @whole
    async def begin(self, session: PortalSession) -> None:
        """Keep a new session. Its id is a secret of the caller's making, never used before."""
        row = SessionRow(
            id_hash=_hashed(session.id),
            agency_id=session.agency_id,
            user_id=session.user_id,
            role=session.role,
            created_at=session.created_at,
            expires_at=session.expires_at,
            sealed=self._sealed(session.name, session.csrf, session.pending),
        )
        async with self._database.writing(Part.PORTAL) as database:
            database.add(row)

    @whole
    async def get(self, session_id: str, now: datetime) -> PortalSession | None:
        """The session, unless it has expired, or was sealed with a key that is gone: its user then enters anew."""
        async with self._database.reading() as database:
            row = await database.get(SessionRow, _hashed(session_id))
        if row is None or row.expires_at <= now:
            return None
        opened = self._opened(row)
        if opened is None:
            return None
        name, csrf, pending = opened
        return PortalSession(
            id=session_id,
            agency_id=row.agency_id,
            user_id=row.user_id,
            name=name,
            role=cast("Role", row.role),
            csrf=csrf,
            created_at=row.created_at,
            expires_at=row.expires_at,
            pending=pending,
        )

    @whole
    async def keep(self, session_id: str, pending: Mapping[str, str]) -> None:
        """Put `pending` in the place of what the session held; nothing happens where it has ended meanwhile."""
        async with self._database.writing(Part.PORTAL) as database:
            row = await database.get(SessionRow, _hashed(session_id))
            if row is not None and (opened := self._opened(row)) is not None:
                row.sealed = self._sealed(opened[0], opened[1], pending)

    @whole
    async def take(self, session_id: str, name: str) -> str | None:
        """Take one thing out of `pending`. Of two that ask for it at once one gets it: what it guards happens once."""
        async with self._database.writing(Part.PORTAL) as database:
            row = await database.get(SessionRow, _hashed(session_id))
            if row is None or (opened := self._opened(row)) is None:
                return None
            pending = dict(opened[2])
            taken = pending.pop(name, None)
            if taken is not None:
                row.sealed = self._sealed(opened[0], opened[1], pending)
        return taken

    @whole
    async def end(self, session_id: str) -> None:
        """Forget the session; one that is not there is ended already."""
        async with self._database.writing(Part.PORTAL) as database:
            await database.execute(delete(SessionRow).where(SessionRow.id_hash == _hashed(session_id)))

    @whole
    async def use_link(self, jti: str, expires_at: datetime, now: datetime) -> bool:
        """Whether this link may be used, which it thereby was. False: it was used before, by whichever portal, or is so
        old that nobody remembers.
        """
        if expires_at + _LEEWAY <= now:
            return False
        async with self._database.writing(Part.PORTAL) as database:
            statement = insert_into(database, UsedLinkRow).values(
                jti_hash=_hashed(jti), expires_at=expires_at
            )
            used = await database.execute(
                statement.on_conflict_do_nothing().returning(UsedLinkRow.expires_at)
            )
            return used.first() is not None

    @whole
    async def tidy(self, now: datetime) -> None:
        """Forget sessions that have expired, and links that would be refused anyway."""
        async with self._database.writing(Part.PORTAL) as database:
            await database.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
            await database.execute(delete(UsedLinkRow).where(UsedLinkRow.expires_at <= now - _LEEWAY))

    def _sealed(self, name: str, csrf: str, pending: Mapping[str, str]) -> bytes:
        return self._keys.seal_bytes(json.dumps([name, csrf, dict(pending)]).encode())

    def _opened(self, row: SessionRow) -> tuple[str, str, dict[str, str]] | None:
        plain = self._keys.unseal_bytes(row.sealed)
        return None if plain is None else cast("tuple[str, str, dict[str, str]]", tuple(json.loads(plain)))


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
