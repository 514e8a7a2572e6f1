"""Words for the projection's tests: what was read from topics."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from schemas.outputs import CausedBy, LastError, SyncResult, SyncState, SyncStatus
from tests.vault.facts import AGENCY, NOON
from vault import Applied, Batch, News, Source, Span
from vault.projection import Projection

STATUS, VIEWS, RESULTS = "sync-status", "app-users-changelog", "sync-results"


def source(topic: str, offset: int, partition: int = 0, at: datetime | None = None) -> Source:
    """A record; later ones are a second younger each."""
    return Source(topic, partition, offset, at or NOON + timedelta(seconds=offset))


def status(
    user: str, offset: int, state: SyncState | None = "in_sync", agency: str = AGENCY, **fields: Any
) -> News[SyncStatus | None]:
    """A status; None takes it away."""
    where = {name: fields.pop(name) for name in ("topic", "partition", "at") if name in fields}
    value = None if state is None else SyncStatus(agency_id=agency, user_id=user, state=state, **fields)
    return News(agency, user, source(where.pop("topic", STATUS), offset, **where), value)


def lost(user: str, offset: int, agency: str = AGENCY) -> News[SyncStatus | None]:
    """The status of somebody whose grant is gone."""
    error = LastError(code="invalid_grant", message="Google says no.", what_to_do="Connect again.")
    return status(user, offset, "needs_reauthorization", agency, last_error=error)


def view(user: str, offset: int, value: bytes | None, **where: Any) -> News[bytes | None]:
    """What a user's page shows."""
    return News(AGENCY, user, source(where.pop("topic", VIEWS), offset, **where), value)


def result(user: str, offset: int, latency_ms: int | None = 300, **fields: Any) -> News[SyncResult]:
    """A change that reached Google a second before it was told."""
    record = source(RESULTS, offset)
    told = SyncResult(
        agency_id=AGENCY,
        user_id=user,
        calendar_id="ops",
        shift_id=f"s{offset}",
        version=1,
        action="inserted",
        google_event_id=f"bgs{offset}",
        at=record.at - timedelta(seconds=1),
        latency_ms=latency_ms,
    )
    return News(AGENCY, user, record, told.model_copy(update=fields))


def repair(user: str, offset: int, event_id: str = "e-1", **fields: Any) -> News[SyncResult]:
    """A result that a command of the user caused."""
    cause = CausedBy(topic="t-sync-commands", partition=0, offset=offset, event_id=event_id, occurred_at=NOON)
    return result(user, offset, caused_by=fields.pop("caused_by", cause), **fields)


async def read(
    projection: Projection,
    *news: News[Any],
    first: int | None = None,
    until: int | None = None,
) -> Applied:
    """Apply a batch of these; it was read without gaps from their first to their last offset, unless said otherwise."""
    positions: dict[tuple[str, int], Span] = {}
    for one in news:
        place, offset = (one.source.topic, one.source.partition), one.source.offset
        span = positions.get(place, Span(offset if first is None else first, until or 0))
        positions[place] = Span(min(span.first, offset), max(span.next, offset + 1))
    return await projection.apply(
        Batch(
            positions,
            statuses=[one for one in news if one.source.topic == STATUS],
            views=[one for one in news if one.source.topic not in {STATUS, RESULTS}],
            results=[one for one in news if one.source.topic == RESULTS],
        )
    )
