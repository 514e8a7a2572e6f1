"""Short words for the values that these tests speak of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from planning.body import render
from planning.identity import event_id
from planning.shifts import wish_of
from planning.users import Terms, fold
from planning.window import instant
from schemas.cause import Cause
from schemas.facts import (
    Connected,
    Contribution,
    Deactivated,
    Disconnected,
    ResyncAsked,
    Standing,
    UserFact,
    Wish,
)
from schemas.messages import Delete, Shift, Upsert
from schemas.policy import Policy
from schemas.rows import Applied, CalendarWish, Connection, UserRow

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AGENCY, USER, CALENDAR = "metro", "ann", "dec"
REMOVE = Policy()
KEEP = Policy(on_unpublish="keep")
LEAVE = Policy(on_leave="remove_future")


def at(**since: float) -> datetime:
    """Return a time relative to now: `at(hours=-1)`."""
    return NOW + timedelta(**since)


def cause(offset: int = 0, occurred_at: datetime = NOW) -> Cause:
    return Cause(
        topic="p.schedule-changed",
        partition=0,
        offset=offset,
        event_id=f"e{offset}",
        occurred_at=occurred_at,
        at=NOW,
    )


def shift(shift_id: str = "1", version: int = 1, **fields: Any) -> Shift:
    """Return a shift of Ann's tomorrow, unless the fields say otherwise."""
    body: dict[str, Any] = {
        "user_id": USER,
        "title": "Day",
        "start": at(days=1),
        "end": at(days=1, hours=8),
        "time_zone": "America/New_York",
    }
    return Shift(shift_id=shift_id, version=version, **(body | fields))


def upsert(shift_id: str = "1", version: int = 1, **fields: Any) -> Upsert:
    return Upsert(op="upsert", shift=shift(shift_id, version, **fields))


def delete(shift_id: str = "1", version: int = 1) -> Delete:
    return Delete(op="delete", shift_id=shift_id, version=version)


def wish(version: int = 1, **fields: Any) -> Wish:
    return wish_of(shift(version=version, **fields))


def applied(of: Wish, shift_id: str = "1", policy: Policy = REMOVE, **fields: Any) -> Applied:
    """Return what Google holds once this wish was written."""
    fingerprint = render(CALENDAR, shift_id, of, policy).fingerprint
    body: dict[str, Any] = {
        "calendar_id": CALENDAR,
        "shift_id": shift_id,
        "etag": '"1"',
        "fingerprint": fingerprint,
        "echo": fingerprint,
        "version": of.version,
        "start": instant(of.start),
        "end": instant(of.end),
        "seen": True,
    }
    return Applied(**(body | fields))


def google(shift_id: str = "1", generation: int = 0) -> str:
    """Return the id of the shift's event."""
    return event_id(AGENCY, CALENDAR, shift_id, generation)


def connected(**fields: Any) -> Connection:
    body: dict[str, Any] = {
        "state": "connected",
        "occurred_at": at(days=-1),
        "connected_at": at(days=-1),
        "released": False,
    }
    return Connection(**(body | {"target": "red", "verified_at": at(hours=-1)} | fields))


def row(
    wishes: dict[str, Wish] | None = None,
    standing: Standing = "published",
    connection: Connection | None = None,
    **fields: Any,
) -> UserRow:
    """Return Ann's row: one calendar with these wishes."""
    calendars = (
        {} if wishes is None else {CALENDAR: CalendarWish(revision=0, standing=standing, wishes=wishes)}
    )
    return UserRow(
        agency_id=AGENCY, user_id=USER, calendars=calendars, connection=connection or connected(), **fields
    )


def in_step(wishes: dict[str, Wish], **fields: Any) -> UserRow:
    """Return Ann's row when Google holds just what she should see."""
    return row(wishes, applied={google(s): applied(w, s) for s, w in wishes.items()}, **fields)


def contribution(revision: int, wishes: dict[str, Wish], **fields: Any) -> Contribution:
    body: dict[str, Any] = {
        "agency_id": AGENCY,
        "user_id": USER,
        "calendar_id": CALENDAR,
        "standing": "published",
    }
    return Contribution(
        **(body | {"revision": revision, "wishes": wishes, "cause": cause(revision)} | fields)
    )


def connect(when: datetime = NOW) -> Connected:
    return Connected(agency_id=AGENCY, user_id=USER, cause=cause(occurred_at=when))


def disconnect(when: datetime = NOW, **fields: Any) -> Disconnected:
    return Disconnected(agency_id=AGENCY, user_id=USER, cause=cause(occurred_at=when), **fields)


def deactivate(when: datetime = NOW) -> Deactivated:
    return Deactivated(agency_id=AGENCY, user_id=USER, cause=cause(occurred_at=when))


def resync(when: datetime = NOW) -> ResyncAsked:
    return ResyncAsked(agency_id=AGENCY, user_id=USER, cause=cause(occurred_at=when))


def folded(facts: Sequence[UserFact], before: UserRow | None = None, policy: Policy = REMOVE) -> UserRow:
    """Return the row after these facts."""
    after = before
    for fact in facts:
        after = fold(after, fact, Terms(policy, NOW)).row
    assert after is not None
    return after
