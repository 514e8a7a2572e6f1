"""Messages as upstream services write them, and the ids that must land in Google.

Everything here is worked out from the contract alone: no code of the product may vouch for itself.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

Json = dict[str, Any]

#: Far enough from every border of the window, and never on a day that changes the clock in these zones.
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
LONG = (NOON + timedelta(days=400)).date()


def in_days(days: float) -> datetime:
    """A moment so many days from today's noon."""
    return NOON + timedelta(days=days)


def text(moment: datetime | date | str) -> str:
    """A time as JSON has it."""
    return moment if isinstance(moment, str) else moment.isoformat()


def envelope(agency: str, *, at: datetime | None = None, **fields: Any) -> Json:
    """Any message; a field that is None is left out."""
    head = {
        "event_id": uuid4().hex,
        "occurred_at": text(at or datetime.now(UTC)),
        "agency_id": agency,
    }
    return head | {name: value for name, value in fields.items() if value is not None}


def shift(shift_id: str, version: int = 1, user: str | None = "u1", **fields: Any) -> Json:
    """An upsert: the shift of three days from now, 12 hours in New York, titled by its id."""
    start = fields.pop("start", None) or in_days(3)
    end = fields.pop("end", None) or start + timedelta(hours=12)
    body = {
        "shift_id": shift_id,
        "version": version,
        "user_id": user,
        "title": shift_id,
        "start": text(start),
        "end": text(end),
        "time_zone": "America/New_York",
    }
    return {"op": "upsert", "shift": body | fields}


def gone(shift_id: str, version: int) -> Json:
    """A delete."""
    return {"op": "delete", "shift_id": shift_id, "version": version}


def event_id(agency: str, calendar: str, shift_id: str, n: int | None = None) -> str:
    """The id of a shift's event at Google."""
    hashed = "\x1f".join([agency, calendar, shift_id, *([] if n is None else [str(n)])])
    digest = hashlib.sha256(hashed.encode()).digest()
    return "bgs" + base64.b32hexencode(digest).decode().lower().rstrip("=")


def properties(agency: str, calendar: str, shift_id: str, version: int = 1) -> Json:
    """What an event of ours carries, its fingerprint of some other time."""
    names = {
        "bgsId": f"BGS_{shift_id}",
        "bgsAgency": agency,
        "bgsCalendar": calendar,
        "bgsVersion": str(version),
        "bgsFingerprint": "0",
    }
    return {"private": names}


def timed(start: datetime, hours: float = 12, zone: str = "America/New_York") -> Json:
    """Start and end of an event at Google."""
    end = start + timedelta(hours=hours)
    return {
        "start": {"dateTime": start.isoformat(), "timeZone": zone},
        "end": {"dateTime": end.isoformat(), "timeZone": zone},
    }
