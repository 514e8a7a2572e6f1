"""What an event becomes at Google: merged, checked, cut and rendered; pure functions for `memory`.

Comes in: bodies of calls, and what stood before. Goes out: the event as Google shows it, or `Refusal`. Not here: ids,
etags, who may do what.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from schemas.mutations import EventBody

#: https://developers.google.com/workspace/calendar/api/guides/extended-properties#limits: longer keys are dropped and
#: longer values cut, both in silence.
KEY_LIMIT, VALUE_LIMIT = 44, 1_024

#: Left out of answers.
_DEFAULTS = {"transparency": "opaque", "visibility": "default"}


class Refusal(Exception):
    """Google answers 400 with this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def merged(stored: EventBody, patch: EventBody) -> EventBody:
    """Return `stored` after a patch: objects merge, null deletes, anything else replaces."""
    result = dict(stored)
    for field, value in patch.items():
        if value is None:
            result.pop(field, None)
        elif isinstance(value, dict):
            inner = result.get(field)
            result[field] = merged(inner if isinstance(inner, dict) else {}, value)
        else:
            result[field] = value
    return result


def shown(body: EventBody, time_zone: str, *, strips: bool) -> EventBody:
    """Return the body as Google will show it; `strips` for an account that loses extended properties."""
    zone = ZoneInfo(time_zone)
    sides = {side: _point(body.get(side), zone) for side in ("start", "end")}
    if ("date" in sides["start"]) != ("date" in sides["end"]):
        raise Refusal("invalid")
    result = {
        field: value for field, value in body.items() if value not in (None, "", _DEFAULTS.get(field))
    } | sides
    if instant(result, "end", time_zone) <= instant(result, "start", time_zone):
        raise Refusal("timeRangeEmpty")
    properties = _properties(result.pop("extendedProperties", {}))
    if properties and not strips:
        result["extendedProperties"] = properties
    return {"status": "confirmed", "reminders": {"useDefault": True}} | result


def instant(event: EventBody, side: str, time_zone: str) -> datetime:
    """Return when the event starts or ends; a day begins at midnight in its calendar's zone."""
    point = event[side]
    if "dateTime" in point:
        return datetime.fromisoformat(point["dateTime"]).astimezone(UTC)
    day = date.fromisoformat(point["date"])
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def holds_null(value: Any) -> bool:
    """Tell whether a null stands anywhere in a body: it means something only in a patch."""
    return value is None or (isinstance(value, dict) and any(holds_null(inner) for inner in value.values()))


def _point(given: Any, zone: ZoneInfo) -> EventBody:
    if not isinstance(given, dict):
        raise Refusal("required")
    day, time, name = given.get("date"), given.get("dateTime"), given.get("timeZone")
    if (day is None) == (time is None):
        raise Refusal("invalid")  # both kinds at once: the patch did not null the other one
    try:
        if day is not None:
            return {"date": date.fromisoformat(str(day)).isoformat()}
        moment = datetime.fromisoformat(str(time))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(str(name)))
    except (ValueError, KeyError, OSError) as error:
        raise Refusal("invalid") from error
    # The offset fixes the instant; Google answers in the calendar's own zone, whatever text was sent.
    text = moment.astimezone(zone).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"dateTime": text, "timeZone": name or zone.key}


def _properties(given: EventBody) -> EventBody:
    kept = {
        scope: {key: str(value)[:VALUE_LIMIT] for key, value in names.items() if len(key) <= KEY_LIMIT}
        for scope, names in given.items()
    }
    return {scope: names for scope, names in kept.items() if names}
