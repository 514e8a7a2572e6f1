"""Time: what is history, what is forgotten, and on which local day a shift starts.

Comes in: times of shifts and `now`. Goes out: instants (UTC) and yes or no. All comparisons are of instants; a day
stands for 00:00 UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from schemas.facts import Wish

#: What ended this long ago is history: never created, changed or deleted any more.
HISTORY = timedelta(days=30)

#: What ended this long ago is dropped from rows: a day later, so that nothing live is ever dropped.
FORGOTTEN = timedelta(days=31)


def instant(moment: date) -> datetime:
    """Return the UTC instant of a time, or 00:00 UTC of a day."""
    if isinstance(moment, datetime):
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return datetime.combine(moment, time(), UTC)


def local_day(wish: Wish) -> date:
    """Return the day on which the shift starts, in its own time zone."""
    if isinstance(wish.start, datetime):
        return wish.start.astimezone(ZoneInfo(wish.time_zone or "UTC")).date()
    return wish.start


def is_history(end: date, now: datetime) -> bool:
    """Say whether what ends then is history: it did not end less than 30 days ago."""
    # As it came: a comparison needs no conversion to UTC, and rows hold many.
    return (end if isinstance(end, datetime) else instant(end)) <= now - HISTORY


class Ending(Protocol):
    """Whatever has an end."""

    @property
    def end(self) -> date:
        """When it ends."""
        ...


E = TypeVar("E", bound=Ending)


def is_forgotten(end: date, now: datetime) -> bool:
    """Say whether what ended then need not be kept in a row any more."""
    return (end if isinstance(end, datetime) else instant(end)) <= now - FORGOTTEN


def without_forgotten(known: dict[str, E], now: datetime) -> dict[str, E]:
    """Return what did not end more than 31 days ago; the same mapping where there is nothing to drop."""
    limit = now - FORGOTTEN
    # In one piece and not by `is_forgotten`: this is done to every shift of a row at every touch.
    ends = [one.end if isinstance(one.end, datetime) else instant(one.end) for one in known.values()]
    if not ends or min(ends) > limit:
        return known
    return {name: one for name, one in known.items() if not is_forgotten(one.end, now)}


def listed_from(now: datetime) -> datetime:
    """Return the earliest end that a look at Google asks for.

    A day before history begins: Google ends an all-day event at midnight of the calendar's own zone, up to 14 hours
    before the midnight UTC by which we judge it.
    """
    return now - FORGOTTEN
