"""What an event may look like: validation, normalisation and merging, as pure functions.

In: request bodies and the stored resource. Out: the resource to store, with the instants of its start and end.
Not here: identity, versions, deletion (`calendars.py`), HTTP.

Field rules: https://developers.google.com/workspace/calendar/api/v3/reference/events
Extended properties: https://developers.google.com/workspace/calendar/api/guides/extended-properties
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.google.errors import GoogleError, Json, invalid, required
from sandbox.google.times import midnight, parse_date, parse_date_time, render, zone

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

EVENT_ID = re.compile(r"[a-v0-9]{5,1024}", re.ASCII)

KEY_LIMIT = 44
VALUE_LIMIT = 1024
PROPERTIES_LIMIT = 300
PROPERTIES_BYTES = 32 * 1024
OVERRIDES_LIMIT = 5
REMINDER_MINUTES = 40320

_TEXTS = ("summary", "description", "location", "colorId", "transparency", "visibility", "eventType")
_BOOLEANS = ("guestsCanModify", "guestsCanInviteOthers", "guestsCanSeeOtherGuests", "anyoneCanAddSelf")
_OTHERS = (
    "attendees",
    "attachments",
    "conferenceData",
    "eventLabelId",
    "gadget",
    "source",
    "extendedProperties",
)
KEPT = (*_TEXTS, *_BOOLEANS, *_OTHERS)
"""Writable fields that are stored as given; times, reminders, status and sequence have rules of their own."""

#: What is left out of answers where it stands so: https://developers.google.com/workspace/calendar/api/v3/reference/events
DEFAULTS = {"transparency": "opaque", "visibility": "default"}

_CHOICES = {
    "status": {"confirmed", "tentative", "cancelled"},
    "transparency": {"opaque", "transparent"},
    "visibility": {"default", "public", "private", "confidential"},
    "eventType": {"default", "focusTime", "outOfOffice", "workingLocation", "birthday", "fromGmail"},
    "colorId": {str(number) for number in range(1, 12)},
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One end of an event: the text to store and the instant it means."""

    instant: float
    all_day: bool
    resource: Json


def merge(stored: Json, patch: Json) -> Json:
    """PATCH semantics: nested objects merge, null deletes, everything else (lists too) replaces."""
    merged = dict(stored)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            inner = merged.get(key)
            merged[key] = merge(inner if isinstance(inner, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def times(body: Json, tz: ZoneInfo) -> tuple[Moment, Moment]:
    """Start and end of an event in a calendar of zone `tz`, or the refusal."""
    start, end = _moment(body, "start", tz), _moment(body, "end", tz)
    if start.all_day != end.all_day:
        raise invalid("Start and end times must either both be date or both be dateTime.")
    if end.instant <= start.instant:
        raise GoogleError(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")
    return start, end


def _moment(body: Json, side: str, tz: ZoneInfo) -> Moment:
    given = body.get(side)
    if not isinstance(given, dict):
        raise required(f"Missing {side} time.")
    day, time, name = given.get("date"), given.get("dateTime"), given.get("timeZone")
    if (day is None) == (time is None):
        raise invalid(f"Exactly one of date and dateTime is expected in the {side} time.")
    if name is not None and (not isinstance(name, str) or zone(name) is None):
        raise invalid(f"Invalid time zone definition for {side} time.")
    if day is not None:
        parsed_day = parse_date(day) if isinstance(day, str) else None
        if parsed_day is None:
            raise invalid(f"Invalid value for: {side}.date.")
        return Moment(midnight(parsed_day, tz), True, {"date": day})
    return _timed(time, name, side, tz)


def _timed(text: object, name: str | None, side: str, tz: ZoneInfo) -> Moment:
    parsed = parse_date_time(text) if isinstance(text, str) else None
    if parsed is None:
        raise invalid(f"Invalid value for: {side}.dateTime.")
    if parsed.tzinfo is None:
        if name is None:
            raise required(f"Missing time zone definition for {side} time.")
        parsed = parsed.replace(tzinfo=zone(name))
    # The offset fixes the instant and timeZone only names the zone; Google answers in the calendar's zone
    # ("timeZone ... The default is the time zone of the calendar", events.get), whatever text was sent.
    instant = float(int(parsed.timestamp()))
    return Moment(instant, False, {"dateTime": render(instant, tz), "timeZone": name or tz.key})


def check_fields(body: Json) -> None:
    """Refuse values that Google refuses, other than times."""
    for field in _TEXTS:
        if not isinstance(body.get(field, ""), str):
            raise invalid(f"Invalid value for: {field}.")
    for field in _BOOLEANS:
        if not isinstance(body.get(field, False), bool):
            raise invalid(f"Invalid value for: {field}.")
    for field, choices in _CHOICES.items():
        if field in body and body[field] not in choices:
            raise invalid(f"Invalid value for: {field}.")
    if "recurrence" in body or "recurringEventId" in body:
        raise invalid("This stand-in has no recurring events.")
    source = body.get("source")
    if source is not None and not _is_http(source):
        raise invalid("Invalid value for: source.url. Only http and https are allowed.")


def _is_http(source: object) -> bool:
    return isinstance(source, dict) and str(source.get("url", "")).startswith(("http://", "https://"))


def reminders(given: Any) -> Json:
    """The reminders to store; absent means the calendar's defaults."""
    if given is None:
        return {"useDefault": True}
    if not isinstance(given, dict) or not isinstance(given.get("useDefault", False), bool):
        raise invalid("Invalid value for: reminders.")
    overrides = given.get("overrides") or []
    if given.get("useDefault") and overrides:
        message = "Cannot specify both default reminders and overrides at the same time."
        raise GoogleError(400, "cannotUseDefaultRemindersAndSpecifyOverride", message, domain="calendar")
    if not isinstance(overrides, list) or len(overrides) > OVERRIDES_LIMIT:
        raise invalid("Invalid value for: reminders.overrides.")
    for item in overrides:
        _check_override(item)
    kept: Json = {"useDefault": bool(given.get("useDefault", False))}
    return {**kept, "overrides": overrides} if overrides else kept


def _check_override(item: object) -> None:
    if not isinstance(item, dict) or item.get("method") not in {"email", "popup"}:
        raise invalid("Invalid value for: reminders.overrides.method.")
    minutes = item.get("minutes")
    if type(minutes) is not int or not 0 <= minutes <= REMINDER_MINUTES:
        raise invalid("Invalid value for: reminders.overrides.minutes.")


def extended_properties(given: Any) -> Json:
    """The extended properties that Google would keep: long keys vanish, long values are cut, both silently."""
    if not isinstance(given, dict) or not given.keys() <= {"private", "shared"}:
        raise invalid("Invalid value for: extendedProperties.")
    kept: Json = {}
    count = size = 0
    for scope, properties in given.items():
        if not isinstance(properties, dict) or not all(
            isinstance(value, str) for value in properties.values()
        ):
            raise invalid(f"Invalid value for: extendedProperties.{scope}.")
        short = {key: value[:VALUE_LIMIT] for key, value in properties.items() if len(key) <= KEY_LIMIT}
        count += len(short)
        size += sum(len(key.encode()) + len(value.encode()) for key, value in short.items())
        if short:
            kept[scope] = short
    if count > PROPERTIES_LIMIT or size > PROPERTIES_BYTES:
        raise invalid("The extended properties of an event are limited to 300 entries and 32 kB.")
    return kept
