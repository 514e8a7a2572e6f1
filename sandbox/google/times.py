"""Times as Google reads and writes them.

In: RFC 3339 texts, dates, IANA names. Out: instants (seconds since 1970) and texts in a calendar's zone.
Not here: which times an event may have (`events.py`).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name, or None. `ZoneInfo` alone would open any file below the database."""
    return ZoneInfo(name) if name in _names() else None


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def parse_date_time(text: str) -> datetime | None:
    """An RFC 3339 time, aware or not, or None."""
    if not _DATE_TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def parse_date(text: str) -> date | None:
    """A calendar date, or None."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_instant(text: str) -> float | None:
    """An aware RFC 3339 time as seconds since 1970, or None: query parameters must carry an offset."""
    parsed = parse_date_time(text)
    if parsed is None or parsed.tzinfo is None:
        return None
    return parsed.timestamp()


def midnight(day: date, tz: ZoneInfo) -> float:
    """The instant at which an all-day event begins or ends, in its calendar's zone."""
    return datetime(day.year, day.month, day.day, tzinfo=tz).timestamp()


def render(instant: float, tz: ZoneInfo) -> str:
    """A time the way Google answers: in the calendar's zone, whole seconds, `Z` for UTC."""
    text = datetime.fromtimestamp(instant, tz).isoformat(timespec="seconds")
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def render_utc(instant: float) -> str:
    """`created` and `updated`: UTC with milliseconds."""
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
