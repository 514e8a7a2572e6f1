"""The methods of the Calendar API: what each does with a decoded call, and where it is found.

In: an authenticated, checked `Call`. Out: an answer, or a `GoogleError`.
Not here: authentication, quota, faults, the journal (`api.py`), and the rules (`calendars.py`, `listing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.google import fields, wire
from sandbox.google.errors import Json, invalid, required
from sandbox.google.filters import flag
from sandbox.google.listing import list_events, visible

if TYPE_CHECKING:
    from sandbox.google.core import Core
    from sandbox.google.grants import Access
    from sandbox.google.journal import Entry
    from sandbox.google.models import Calendar, Stored


@dataclass(slots=True)
class Call:
    """One authenticated request, decoded."""

    core: Core
    access: Access
    entry: Entry
    calendar: Calendar | None
    query: Mapping[str, Sequence[str]]
    body: Any
    if_none_match: str | None

    @property
    def on(self) -> Calendar:
        """The calendar of the path."""
        if self.calendar is None:
            raise LookupError(f"{self.entry.method} has no calendarId in its path")
        return self.calendar

    @property
    def event_id(self) -> str:
        """The event of the path."""
        if self.entry.event_id is None:
            raise LookupError(f"{self.entry.method} has no eventId in its path")
        return self.entry.event_id

    @property
    def time_zone(self) -> str | None:
        """The zone that the answer is wanted in."""
        values = self.query.get("timeZone")
        return values[-1] if values else None

    def event(self, stored: Stored) -> wire.Answer:
        """Answer with an event."""
        return self.resource(visible(self.core.state, stored, self.time_zone))

    def resource(self, resource: Json) -> wire.Answer:
        """Answer with a resource, or the part of it that `fields` selects."""
        mask = self.query.get("fields")
        answer = wire.ok(resource)
        if mask is None:
            return answer
        return wire.Answer(
            200, orjson.dumps(fields.select(resource, fields.parse(mask[-1]))), headers=answer.headers
        )


def _events_insert(call: Call) -> wire.Answer:
    stored = call.core.state.insert(call.on, call.body, call.access.account)
    call.entry.event_id = stored.resource["id"]
    return call.event(stored)


def _events_get(call: Call) -> wire.Answer:
    stored = call.core.state.get(call.on, call.event_id)
    if call.if_none_match == stored.resource["etag"]:
        return wire.Answer(304, headers={"ETag": stored.resource["etag"]})
    return call.event(stored)


def _events_list(call: Call) -> wire.Answer:
    flag(call.query, "singleEvents")  # nothing recurs here, but the value must be a boolean
    return call.resource(list_events(call.core.state, call.on, call.query))


def _events_update(call: Call) -> wire.Answer:
    return call.event(call.core.state.update(call.on, call.event_id, call.body, call.entry.if_match))


def _events_patch(call: Call) -> wire.Answer:
    return call.event(call.core.state.patch(call.on, call.event_id, call.body, call.entry.if_match))


def _events_delete(call: Call) -> wire.Answer:
    call.core.state.delete(call.on, call.event_id, call.entry.if_match)
    return wire.Answer(204)


def _calendars_insert(call: Call) -> wire.Answer:
    summary, time_zone = call.body.get("summary"), call.body.get("timeZone", "UTC")
    if not isinstance(summary, str) or not summary:
        raise required("Missing title.")
    if not isinstance(time_zone, str):
        raise invalid("Invalid value for: timeZone.")
    calendar = call.core.state.add_calendar(call.access.account, summary, time_zone)
    calendar.app_created = True
    call.entry.calendar = calendar.id
    return call.resource(_calendar(calendar))


def _calendars_get(call: Call) -> wire.Answer:
    return call.resource(_calendar(call.on))


def _calendars_delete(call: Call) -> wire.Answer:
    call.core.state.delete_calendar(call.access.account, call.on.id)
    return wire.Answer(204)


def _calendar_list_get(call: Call) -> wire.Answer:
    return call.resource(_list_entry(call.on, call.access.account))


def _calendar_list_list(call: Call) -> wire.Answer:
    reached = call.core.state.calendars_of(call.access.account)
    if call.query.get("minAccessRole", [""])[-1] == "owner":
        reached = [calendar for calendar in reached if calendar.owner == call.access.account]
    start = call.query.get("pageToken", ["0"])[-1]
    size = call.query.get("maxResults", ["100"])[-1]
    if not start.isdecimal() or not size.isdecimal() or int(size) < 1:
        raise invalid("Invalid value for: pageToken or maxResults.")
    end = int(start) + min(int(size), call.core.state.switches.page_cap or 250)
    items = [_list_entry(calendar, call.access.account) for calendar in reached[int(start) : end]]
    answer: Json = {"kind": "calendar#calendarList", "etag": f'"p{call.core.state.changes}"', "items": items}
    if end < len(reached):
        answer["nextPageToken"] = str(end)
    return call.resource(answer)


def _calendar(calendar: Calendar) -> Json:
    return {
        "kind": "calendar#calendar",
        "etag": f'"c{abs(hash((calendar.id, calendar.summary)))}"',
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
    }


def _list_entry(calendar: Calendar, account: str) -> Json:
    entry = {
        **_calendar(calendar),
        "kind": "calendar#calendarListEntry",
        "accessRole": "owner" if calendar.owner == account else "writer",
        "selected": True,
        "defaultReminders": [{"method": "popup", "minutes": 30}],
    }
    return {**entry, "primary": True} if calendar.id == account else entry


Operation = Callable[[Call], wire.Answer]

ROUTES: tuple[tuple[str, str, str, Operation], ...] = (
    ("events.insert", "POST", "calendars/{calendarId}/events", _events_insert),
    ("events.list", "GET", "calendars/{calendarId}/events", _events_list),
    ("events.get", "GET", "calendars/{calendarId}/events/{eventId}", _events_get),
    ("events.update", "PUT", "calendars/{calendarId}/events/{eventId}", _events_update),
    ("events.patch", "PATCH", "calendars/{calendarId}/events/{eventId}", _events_patch),
    ("events.delete", "DELETE", "calendars/{calendarId}/events/{eventId}", _events_delete),
    ("calendars.insert", "POST", "calendars", _calendars_insert),
    ("calendars.get", "GET", "calendars/{calendarId}", _calendars_get),
    ("calendars.delete", "DELETE", "calendars/{calendarId}", _calendars_delete),
    ("calendarList.list", "GET", "users/me/calendarList", _calendar_list_list),
    ("calendarList.get", "GET", "users/me/calendarList/{calendarId}", _calendar_list_get),
)
