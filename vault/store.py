"""The vault itself. In: a database address and keys. Out: everything that the other rooms may ask or change.

It puts together transactions (`database`), rules (`connections`, `outbox`) and encryption (`keys`), and holds none of
them itself.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Self

from sqlalchemy import delete, exists, select

from vault import connections, forgetting, outbox, rotation
from vault.audit import Audit
from vault.database import Database, Part
from vault.errors import TokenUnreadable
from vault.keys import Keys
from vault.migrate import migrate
from vault.models import ConnectionRow, RevocationRow
from vault.notices import Notices
from vault.preferences import Preferences
from vault.projection import Projection
from vault.sessions import Sessions
from vault.values import (
    Announcement,
    Connection,
    ConnectionInfo,
    Erased,
    Left,
    NewConnection,
    Rotated,
    Stored,
    TokenToRevoke,
)
from vault.whole import whole

_log = logging.getLogger(__name__)


class Vault:
    """Who is connected to which Google calendar. Open it with `await Vault.open(...)`, close it at the end."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        self.sessions = Sessions(database, keys)
        self.projection = Projection(database, keys)
        self.audit = Audit(database)
        self.notices = Notices(database)
        self.preferences = Preferences(database)

    @classmethod
    async def open(cls, url: str, keys: Sequence[str], *, wait_s: float = 10.0) -> Self:
        """Check the keys, reach the database, bring its tables up to date. `keys`: newest first; without any, only
        what needs no token works. `wait_s`: how long to wait for a database that somebody else holds.
        """
        checked = Keys(keys)
        vault = cls(Database(url, wait_s), checked)
        try:
            await vault._database.connect()
            await vault.migrate()
        except BaseException:
            await vault.close()
            raise
        return vault

    def __repr__(self) -> str:
        return f"Vault({self._database!r}, {self._keys!r})"

    async def close(self) -> None:
        """Give the database back."""
        await self._database.close()

    async def migrate(self) -> None:
        """Bring the tables up to date; `open` has done it already."""
        await migrate(self._database)

    @whole
    async def store(self, new: NewConnection, at: datetime, event_id: str | None = None) -> Stored:
        """Connect a user, and end whoever held the same calendar. The newest `at` wins: where something newer is known
        of the user or of the calendar, nothing changes and the answer says so.
        """
        _aware("at", at)
        sealed = self._keys.seal(new.refresh_token)
        async with self._database.writing() as session:
            return await connections.store(session, new, sealed, at, event_id)

    @whole
    async def connection(self, agency_id: str, user_id: str) -> Connection | None:
        """The user's live connection with its token."""
        async with self._database.reading() as session:
            row = await session.get(ConnectionRow, (agency_id, user_id))
        if row is None or row.token is None:
            return None
        token = self._keys.unseal(row.token)
        if token is None:
            raise TokenUnreadable(agency_id, user_id)
        return Connection(
            agency_id=row.agency_id,
            user_id=row.user_id,
            google_account=row.google_account,
            google_calendar_id=row.google_calendar_id,
            scopes=tuple(row.scopes.split()),
            connected_at=row.connected_at,
            refresh_token=token,
        )

    @whole
    async def release(
        self, agency_id: str, user_id: str, ended_at: datetime, reason: str
    ) -> TokenToRevoke | None:
        """End the connection, unless it is as new as `ended_at` or newer. Gives the token that has to be revoked at
        Google, again and again until `revoked`; None where there is none, or where its account is still in use.
        """
        _aware("ended_at", ended_at)
        async with self._database.writing() as session:
            row = await session.get(ConnectionRow, (agency_id, user_id))
            if row is None or row.connected_at >= ended_at:
                return None
            if row.live:
                self._keys.required()
            await connections.end(session, row, ended_at, reason)
            left = await connections.revocation_of(session, row)
        return None if left is None else self._to_revoke(left)

    @whole
    async def revoked(self, token_id: str) -> None:
        """Google has forgotten the token, or never knew it: so do we."""
        async with self._database.writing() as session:
            await session.execute(delete(RevocationRow).where(RevocationRow.token_id == token_id))

    @whole
    async def to_revoke(self, limit: int) -> list[TokenToRevoke]:
        """What has still to be revoked, oldest first."""
        async with self._database.reading() as session:
            rows = await session.scalars(
                select(RevocationRow).order_by(RevocationRow.since, RevocationRow.token_id)
            )
            waiting = list(rows)
        found: list[TokenToRevoke] = []
        for row in waiting:
            if len(found) >= limit:
                break
            if (token := self._to_revoke(row)) is not None:
                found.append(token)
        return found

    @whole
    async def waits_for_revocation(self, token_id: str) -> bool:
        """Whether Google has still to be told; not any more once its account is in use again."""
        async with self._database.reading() as session:
            return await session.get(RevocationRow, token_id) is not None

    @whole
    async def connections(self, agency_id: str | None = None) -> list[ConnectionInfo]:
        """Everybody who is or was connected. Works without keys."""
        revoking = exists().where(
            RevocationRow.agency_id == ConnectionRow.agency_id,
            RevocationRow.user_id == ConnectionRow.user_id,
        )
        query = select(ConnectionRow, revoking).order_by(ConnectionRow.agency_id, ConnectionRow.user_id)
        if agency_id is not None:
            query = query.where(ConnectionRow.agency_id == agency_id)
        async with self._database.reading() as session:
            rows = (await session.execute(query)).all()
        return [_info(row, revoking=bool(waits)) for row, waits in rows]

    @whole
    async def connection_info(self, agency_id: str, user_id: str) -> ConnectionInfo | None:
        """What may be shown of one user's connection. Works without keys."""
        revoking = exists().where(
            RevocationRow.agency_id == ConnectionRow.agency_id,
            RevocationRow.user_id == ConnectionRow.user_id,
        )
        query = select(ConnectionRow, revoking).where(
            ConnectionRow.agency_id == agency_id, ConnectionRow.user_id == user_id
        )
        async with self._database.reading() as session:
            found = (await session.execute(query)).one_or_none()
        return None if found is None else _info(found[0], revoking=bool(found[1]))

    @whole
    async def uses_account(self, google_account: str) -> bool:
        """Whether anybody's live connection is to this Google account: its grant must not be revoked then."""
        key = connections.account_key(google_account)
        query = select(exists().where(ConnectionRow.account_key == key, ConnectionRow.live))
        async with self._database.reading() as session:
            return bool(await session.scalar(query))

    @whole
    async def announcements(self, limit: int = 100) -> list[Announcement]:
        """The commands that have still to be sent, in order."""
        async with self._database.reading() as session:
            return await outbox.unsent(session, limit)

    @whole
    async def announced(self, ids: Sequence[int]) -> None:
        """These commands were delivered."""
        async with self._database.writing() as session:
            await outbox.cross_out(session, ids)

    @whole
    async def left_of(self, agency_id: str, user_id: str) -> Left:
        """What has to be done before this person can be forgotten. Refuses while the person is connected."""
        async with self._database.reading() as session:
            newest = await forgetting.newest_of(session, agency_id, user_id)
            rows = await forgetting.tokens_of(session, agency_id, user_id)
            unsent = await forgetting.unsent_of(session, agency_id, user_id)
        tokens = tuple(token for row in rows if (token := self._opened(row)) is not None)
        return Left(tokens, len(rows) - len(tokens), unsent, newest)

    @whole
    async def forget(self, agency_id: str, user_id: str) -> Erased:
        """Remove everything about this person, tokens too, revoked or not. Refuses while the person is connected."""
        async with self._database.writing(*Part) as session:
            erased = await forgetting.erase(session, agency_id, user_id)
        await self._database.tidy()
        return erased

    async def rotate(self) -> Rotated:
        """Encrypt everything sealed anew with the newest key, in batches; others may read and write in between, and a
        crash leaves nothing half done. Tokens that no key fits stay as they are, and are named.
        """
        return await rotation.rotate(self._database, self._keys)

    async def tidy(self, now: datetime) -> None:
        """Drop what has had its time: sessions and links, minutes of the histogram, old entries of the audit log."""
        await self.sessions.tidy(now)
        await self.projection.tidy(now)
        await self.audit.tidy(now)

    def _to_revoke(self, row: RevocationRow) -> TokenToRevoke | None:
        token = self._opened(row)
        if token is None:
            # It stays: the key may come back. The user's disconnect must not fail for it.
            fields = {"decision": "token_unreadable", "agency": row.agency_id}
            _log.warning(
                "cannot revoke at Google: %s", TokenUnreadable(row.agency_id, row.user_id), extra=fields
            )
        return token

    def _opened(self, row: RevocationRow) -> TokenToRevoke | None:
        token = self._keys.unseal(row.token)
        if token is None:
            return None
        return TokenToRevoke(
            token_id=row.token_id,
            agency_id=row.agency_id,
            user_id=row.user_id,
            google_account=row.google_account,
            refresh_token=token,
        )


def _info(row: ConnectionRow, *, revoking: bool) -> ConnectionInfo:
    return ConnectionInfo(
        agency_id=row.agency_id,
        user_id=row.user_id,
        google_account=row.google_account,
        google_calendar_id=row.google_calendar_id,
        scopes=tuple(row.scopes.split()),
        connected_at=row.connected_at,
        state="live" if row.live else "revoking" if revoking else "ended",
        ended_at=row.ended_at,
        ended_reason=row.ended_reason,
    )


def _aware(name: str, at: datetime) -> None:
    if at.utcoffset() is None:
        raise ValueError(f"{name} has no time zone: give an aware time")
