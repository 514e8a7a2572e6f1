"""Questions to the projection. In: a session. Out: values for the portal's pages. Nothing is written and no text opened here."""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from schemas.outputs import Action, LastError, SyncResult, SyncState, SyncStatus
from vault.models import ConnectionRow, storable
from vault.portal_models import LatencyRow, ResultRow, StatusRow
from vault.portal_values import LATENCY_BOUNDS_MS, LastResult, LatencyMinute, News, Person, ProjectedStatus

#: Longer than any id or address; SQLite refuses patterns of 50,000 bytes.
_LONGEST: Final = 1_000

_Question = tuple[str | None, SyncState | None, str | None, str | None]


def status_columns(one: News[SyncStatus]) -> dict[str, object]:
    """A status as a row."""
    status = one.value
    return {
        "state": status.state,
        "pending": status.pending,
        "oldest_pending_at": status.oldest_pending_at,
        "last_synced_at": status.last_synced_at,
        "last_error": None if status.last_error is None else status.last_error.model_dump(),
    }


def result_columns(one: News[SyncResult]) -> dict[str, object]:
    """What is kept of a result."""
    return {"action": one.value.action, "at": one.value.at, "latency_ms": one.value.latency_ms}


def result_of(row: ResultRow) -> LastResult:
    """And back."""
    return LastResult(cast("Action", row.action), row.at, row.latency_ms)


async def status(session: AsyncSession, agency_id: str, user_id: str) -> ProjectedStatus | None:
    """The status of one user."""
    found = await _statuses(
        session, _people().where(StatusRow.agency_id == agency_id, StatusRow.user_id == user_id)
    )
    return found[0] if found else None


async def search(
    session: AsyncSession, question: _Question, after: Person | None, limit: int
) -> list[ProjectedStatus]:
    """The statuses of those whom the question (agency, state, code, text) fits."""
    agency, state, code, text = question
    fits: list[ColumnElement[bool]] = []
    if agency is not None:
        fits.append(StatusRow.agency_id == agency)
    if state is not None:
        fits.append(StatusRow.state == state)
    if code is not None:
        fits.append(StatusRow.last_error["code"].as_string() == code)
    if text:
        part = storable(text)[:_LONGEST]
        fits.append(
            or_(
                StatusRow.user_id.icontains(part, autoescape=True),
                ConnectionRow.google_account.icontains(part, autoescape=True),
            )
        )
    if after is not None:
        fits.append(tuple_(StatusRow.agency_id, StatusRow.user_id) > after)
    query = _people().where(*fits).order_by(StatusRow.agency_id, StatusRow.user_id).limit(limit)
    return await _statuses(session, query)


async def counts(session: AsyncSession) -> dict[tuple[str, SyncState], int]:
    """Users by agency and state."""
    query = select(StatusRow.agency_id, StatusRow.state, func.count()).group_by(
        StatusRow.agency_id, StatusRow.state
    )
    return {
        (agency, cast("SyncState", state)): count
        for agency, state, count in (await session.execute(query)).all()
    }


async def oldest(session: AsyncSession, agency: str | None) -> ProjectedStatus | None:
    """Whose change waits longest."""
    query = _people().where(StatusRow.oldest_pending_at.is_not(None)).order_by(StatusRow.oldest_pending_at)
    if agency is not None:
        query = query.where(StatusRow.agency_id == agency)
    found = await _statuses(session, query.limit(1))
    return found[0] if found else None


async def latency(session: AsyncSession, since: datetime) -> list[LatencyMinute]:
    """Minutes with their buckets."""
    rows = await session.scalars(
        select(LatencyRow).where(LatencyRow.minute >= since).order_by(LatencyRow.minute)
    )
    minutes: dict[datetime, list[int]] = {}
    for row in rows:
        minutes.setdefault(row.minute, [0] * (len(LATENCY_BOUNDS_MS) + 1))[row.bucket] += row.count
    return [LatencyMinute(minute, tuple(found)) for minute, found in minutes.items()]


def _people() -> Select[StatusRow, str]:
    known = and_(ConnectionRow.agency_id == StatusRow.agency_id, ConnectionRow.user_id == StatusRow.user_id)
    return select(StatusRow, ConnectionRow.google_account).outerjoin(ConnectionRow, known)


async def _statuses(session: AsyncSession, query: Select[StatusRow, str]) -> list[ProjectedStatus]:
    return [_status(row, account) for row, account in (await session.execute(query)).all()]


def _status(row: StatusRow, account: str | None) -> ProjectedStatus:
    shown = SyncStatus(
        agency_id=row.agency_id,
        user_id=row.user_id,
        state=cast("SyncState", row.state),
        pending=row.pending,
        oldest_pending_at=row.oldest_pending_at,
        last_synced_at=row.last_synced_at,
        last_error=None if row.last_error is None else LastError(**row.last_error),
    )
    return ProjectedStatus(shown, row.source_at, account)
