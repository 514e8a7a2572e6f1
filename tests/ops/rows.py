"""Rows as workers leave them in their tables' changelogs, written where workers write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from planning.body import render
from planning.identity import event_id
from planning.shifts import fold_change, wish_of
from schemas.cause import Cause
from schemas.facts import Wish
from schemas.messages import Shift, Upsert
from schemas.outputs import SyncStatus
from schemas.policy import Policy
from schemas.rows import Applied, CalendarWish, Connection, PublicationRow, RosterRow, UserRow
from streams import codec
from streams.sender import partition_of
from tests.ops.conftest import PARTITIONS, World
from tests.ops.messages import AGENCY

CALENDAR = "ops-2026-12"
NOW = datetime.now(UTC).replace(microsecond=0)


def shift(shift_id: str = "48213", version: int = 1, user: str | None = "u-17", **fields: Any) -> Shift:
    """A shift of three days from now."""
    start = NOW + timedelta(days=3)
    body: dict[str, Any] = {"title": "Medic 12 Day", "notes": "Bring the new radio", "start": start}
    body |= {"end": start + timedelta(hours=12), "time_zone": "America/New_York"} | fields
    return Shift(shift_id=shift_id, version=version, user_id=user, **body)


def cause(topic: str = "schedule-changed", offset: int = 0, at: datetime = NOW) -> Cause:
    return Cause(topic=topic, partition=0, offset=offset, event_id=f"e{offset}", occurred_at=at, at=at)


def connected(**fields: Any) -> Connection:
    body: dict[str, Any] = {"state": "connected", "occurred_at": NOW, "connected_at": NOW, "released": False}
    return Connection(**(body | {"verified_at": NOW} | fields))


def user_row(user: str, wishes: dict[str, Wish], applied: dict[str, Wish], **fields: Any) -> UserRow:
    """A connected user of one published calendar, with what is wanted and what stands in Google."""
    body: dict[str, Any] = {
        "agency_id": AGENCY,
        "user_id": user,
        "calendars": {CALENDAR: CalendarWish(revision=0, standing="published", wishes=wishes)},
        "applied": {event_id(AGENCY, CALENDAR, s): _applied(s, w) for s, w in applied.items()},
        "connection": connected(),
    }
    return UserRow(**(body | fields))


def _applied(shift_id: str, wish: Wish) -> Applied:
    rendered = render(CALENDAR, shift_id, wish, Policy())
    assert isinstance(wish.start, datetime)
    assert isinstance(wish.end, datetime)
    return Applied(
        calendar_id=CALENDAR,
        shift_id=shift_id,
        etag='"1"',
        fingerprint=rendered.fingerprint,
        echo=rendered.fingerprint,
        version=wish.version,
        start=wish.start,
        end=wish.end,
    )


class Tables:
    """The changelogs of a deployment."""

    def __init__(self, world: World) -> None:
        self._world = world

    def put(self, table: str, *ids: str, row: BaseModel | None, home: tuple[str, ...] | None = None) -> None:
        """Write one row, or drop it; `home`: the ids whose key says in which partition."""
        partition = partition_of(codec.key(*(home or ids)), PARTITIONS)
        value = None if row is None else codec.encode_row(row)
        self._world.write(f"shiftcal-{table}-changelog", (partition, codec.key(*ids), value, {}))

    def calendar(self, *shifts: Shift, published: bool = True, calendar: str = CALENDAR) -> None:
        """A calendar with these shifts, published for a long time, or never."""
        home = (AGENCY, calendar)
        rosters: dict[str, dict[str, Wish]] = {}
        for one in shifts:
            row = fold_change(None, Upsert(op="upsert", shift=one)).row
            self.put("assignments", *home, one.shift_id, row=row, home=home)
            if one.user_id is not None:
                rosters.setdefault(one.user_id, {})[one.shift_id] = wish_of(one)
        for user, wishes in rosters.items():
            self.put("rosters", *home, user, row=RosterRow(shifts=wishes), home=home)
        if published:
            through = date(NOW.year + 1, 12, 31)
            of = cause("calendar-published", 3)
            until = PublicationRow(version=4, standing="published", published_through=through, cause=of)
            self.put("publications", *home, row=until, home=home)

    def user(self, user: str, row: UserRow | None) -> None:
        """A user's row."""
        self.put("users", AGENCY, user, row=row)

    def status(self, *told: SyncStatus) -> None:
        """What the world was told of users."""
        for one in told:
            key = codec.key(one.agency_id, one.user_id)
            self._world.write("sync-status", (partition_of(key, PARTITIONS), key, codec.plain(one), {}))
