"""Shifts, changes and times, as the users' page spells them: in the words of a language, in the zone that they happen in.

Comes in: views, results, times. Goes out: texts, still to be escaped. Pure. Not here: which of them a page shows.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.wording import Words
    from schemas.outputs import Action
    from schemas.views import NextShift
    from vault import LastResult

_REPAIRS: Final[tuple[tuple[str, Action], ...]] = (
    ("added", "inserted"),
    ("changed", "patched"),
    ("removed", "deleted"),
    ("refused", "refused"),
)
#: A change that took longer waited: for a connect, or for the next look. That says nothing of how quick we are.
_WAITED_MS: Final = 3_600_000


def moment(words: Words, at: datetime, zone: ZoneInfo) -> str:
    """Spell a day and a time, with the name of the zone."""
    return words.moment(at.astimezone(zone)) + _zone_name(at, zone)


def until(words: Words, at: datetime | None, now: datetime, zone: ZoneInfo) -> str | None:
    """Spell a time to come, with its day where that is not today."""
    if at is None or at <= now:
        return None
    local = at.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return words.time(local) + _zone_name(at, zone)
    return moment(words, at, zone)


def change(words: Words, last: LastResult | None, zone: ZoneInfo) -> str | None:
    """Spell what changed last, when, and how long it took."""
    if last is None:
        return None
    values: Mapping[str, str] = {"what": words(f"last.{last.action}"), "when": moment(words, last.at, zone)}
    if last.latency_ms is None or last.latency_ms > _WAITED_MS:
        return words("last.line", **values)
    return words("last.line_took", took=words.duration(max(last.latency_ms, 100)), **values)


def repairs(words: Words, repaired: Mapping[Action, int]) -> str:
    """Spell what a look at Google has repaired."""
    parts = [
        words.count(f"resync.{word}", number)
        for word, action in _REPAIRS
        if (number := repaired.get(action, 0))
    ]
    return words("resync.found", parts=", ".join(parts)) if parts else words("resync.found_nothing")


def shift(words: Words, one: NextShift) -> dict[str, str]:
    """Spell a shift, in its own zone."""
    calendar, version = one.calendar_id, one.version
    published = one.published
    zone = ZoneInfo(one.time_zone or "UTC")
    why = (
        words("shifts.why_text", calendar=calendar, version=version)
        if published is None
        else words(
            "shifts.why_dates",
            calendar=calendar,
            version=version,
            when=words.moment(published.at.astimezone(zone)),
        )
    )
    return {
        "title": one.title,
        "location": one.location or "",
        "place": one.place,
        "why": why,
    } | _times(words, one, zone)


def _times(words: Words, one: NextShift, zone: ZoneInfo) -> dict[str, str]:
    start, end = one.start, one.end
    if not (isinstance(start, datetime) and isinstance(end, datetime)):
        last = end - timedelta(days=1)
        span = words("date.all_day")
        if last > start:
            span = words("date.all_day") + ", " + words("date.until", moment=words.day(last))
        return {"day": words.day(start), "span": span, "zone": ""}
    begins, ends = start.astimezone(zone), end.astimezone(zone)
    until = words.time(ends) if ends.date() == begins.date() else words.moment(ends)
    return {
        "day": words.day(begins.date()),
        "span": words("date.span", start=words.time(begins), end=until),
        "zone": str(begins.tzname()) if begins.utcoffset() != UTC.utcoffset(None) else "UTC",
    }


def _zone_name(at: datetime, zone: ZoneInfo) -> str:
    return " UTC" if zone.key == "UTC" else f" {at.astimezone(zone).tzname()}"
