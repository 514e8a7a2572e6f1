"""Who is connected: the rules. In: a session that holds the write lock, and sealed tokens. Out: changed rows.
No encryption and no transactions here.

The newest time wins: connects, disconnects and deactivations may reach us late or twice. Google revokes a user's
whole grant, whichever of its tokens is shown, so a token is revoked only where no live connection uses its account.
https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import and_, delete, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from vault import outbox
from vault.models import ConnectionRow, RevocationRow
from vault.values import NewConnection, Stored

CALENDAR_MOVED = "calendar_moved"
_TICK = timedelta(microseconds=1)


async def store(
    session: AsyncSession, new: NewConnection, sealed: bytes, at: datetime, event_id: str | None
) -> Stored:
    """Make this the user's connection, unless something newer is known of the user or of the calendar."""
    row = await session.get(ConnectionRow, (new.agency_id, new.user_id))
    if row is not None and at < _newest(row):
        return Stored(applied=False)
    holder = await _other_holder(session, new)
    if holder is not None and holder.connected_at > at:
        return Stored(applied=False)
    if holder is not None:
        # In the same instant the disconnect would lose against the holder's own connect: one tick later it wins.
        moved_at = max(at, holder.connected_at + _TICK)
        await end(session, holder, moved_at, CALENDAR_MOVED)
        await outbox.announce_moved(session, holder, moved_at)
    if row is not None:
        await _retire_token(session, row, at)
    row = await session.merge(_live_row(new, sealed, at))
    # This grant is wanted again, whoever left it: also the user's own token of the line before, if of this account.
    await session.execute(delete(RevocationRow).where(RevocationRow.account_key == row.account_key))
    await outbox.announce_connect(session, row, event_id)
    return Stored(displaced=() if holder is None else (holder.user_id,))


async def end(session: AsyncSession, row: ConnectionRow, ended_at: datetime, reason: str) -> None:
    """No longer live. The token goes: to the revocations, or for good where its account is still in use."""
    if row.live:
        await _retire_token(session, row, ended_at)
        row.live, row.token = False, None
    if row.ended_at is None or row.ended_at < ended_at:
        row.ended_at, row.ended_reason = ended_at, reason
    await session.flush()


async def revocation_of(session: AsyncSession, row: ConnectionRow) -> RevocationRow | None:
    """The token that this ended connection left behind, if Google has still to be told."""
    found = await session.scalars(
        select(RevocationRow).where(
            RevocationRow.agency_id == row.agency_id,
            RevocationRow.user_id == row.user_id,
            RevocationRow.account_key == row.account_key,
        )
    )
    return found.first()


def account_key(google_account: str) -> str:
    """Google accounts are e-mail addresses: their case says nothing."""
    return google_account.strip().lower()


def calendar_key(google_account: str, google_calendar_id: str) -> str:
    """Which calendar that is, whoever names it. `primary` is a name for the one with the account's own address."""
    if google_calendar_id == "primary":
        return account_key(google_account)
    # Calendar ids are shaped as addresses, too; anything else is taken as it stands.
    return google_calendar_id.lower() if "@" in google_calendar_id else google_calendar_id


def _newest(row: ConnectionRow) -> datetime:
    return row.connected_at if row.ended_at is None else max(row.connected_at, row.ended_at)


def _live_row(new: NewConnection, sealed: bytes, at: datetime) -> ConnectionRow:
    return ConnectionRow(
        agency_id=new.agency_id,
        user_id=new.user_id,
        google_account=new.google_account,
        account_key=account_key(new.google_account),
        google_calendar_id=new.google_calendar_id,
        calendar_key=calendar_key(new.google_account, new.google_calendar_id),
        scopes=" ".join(new.scopes),
        connected_at=at,
        live=True,
        token=sealed,
        ended_at=None,
        ended_reason=None,
    )


async def _other_holder(session: AsyncSession, new: NewConnection) -> ConnectionRow | None:
    found = await session.scalars(
        select(ConnectionRow).where(
            ConnectionRow.agency_id == new.agency_id,
            ConnectionRow.calendar_key == calendar_key(new.google_account, new.google_calendar_id),
            ConnectionRow.user_id != new.user_id,
            ConnectionRow.live,
        )
    )
    return found.one_or_none()


async def _retire_token(session: AsyncSession, row: ConnectionRow, since: datetime) -> None:
    if row.token is None or await _account_in_use_elsewhere(session, row):
        return
    session.add(
        RevocationRow(
            token_id=uuid4().hex,
            agency_id=row.agency_id,
            user_id=row.user_id,
            google_account=row.google_account,
            account_key=row.account_key,
            token=row.token,
            since=since,
        )
    )


async def _account_in_use_elsewhere(session: AsyncSession, row: ConnectionRow) -> bool:
    another = and_(
        ConnectionRow.account_key == row.account_key,
        ConnectionRow.live,
        or_(ConnectionRow.agency_id != row.agency_id, ConnectionRow.user_id != row.user_id),
    )
    return bool(await session.scalar(select(exists().where(another))))
