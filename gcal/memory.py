"""Google Calendar in memory: the twin of `client` for tests, with the semantics that Shiftcal leans on.

Comes in: the calls of `schemas.mutations`, and what users do in their own calendar. Goes out: answers, pages, events.
Synchronous and complete; `memory_port` has the `CalendarPort` over it. Not here: HTTP, consents, quota.

==================  ==================================================================================================
ids                 chosen by the caller; taken for good, a deleted event keeps its own (409)
etags               new at every write; a wrong If-Match is `Changed`
deleted events      stay readable as `cancelled`, are never listed, come back by a patch to `confirmed`
burnt ids           `gone`: taken, yet nothing is there; `forbidden`: readable, and never to be revived
times               answered in the calendar's zone, whatever offset was sent
==================  ==================================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Literal, assert_never

import orjson

from gcal.memory_event import Refusal, holds_null, instant, merged, shown
from gcal.port import Page
from schemas.answers import Answer, Changed, Denied, Done, Duplicate, Held, Missing
from schemas.errors import CalendarGone
from schemas.mutations import Call, EventBody, Get, Insert, Patch, Remove

Burnt = Literal["gone", "forbidden"]

_EVENT_ID = re.compile(r"[a-v0-9]{5,1024}", re.ASCII)


@dataclass(slots=True)
class MemoryCalendar:
    """One calendar, with everything that ever stood on it, in the order of creation."""

    time_zone: str = "UTC"
    strips: bool = False
    events: dict[str, EventBody] = field(default_factory=dict)
    burnt: dict[str, Burnt] = field(default_factory=dict)


class MemoryGoogle:
    """All calendars. One that was never heard of exists and is empty, unless it was dropped."""

    def __init__(self, page_size: int = 2_500, time_zone: str = "UTC") -> None:
        self.page_size = page_size
        self.calls: list[tuple[str, Call]] = []
        self._time_zone = time_zone
        self._calendars: dict[str, MemoryCalendar] = {}
        self._dropped: set[str] = set()
        self._numbers = count(1)

    # --- what Shiftcal does ---

    def apply(self, account_calendar: str, call: Call) -> Answer:
        """Carry out one call, whole or not at all."""
        self.calls.append((account_calendar, call))
        if account_calendar in self._dropped:
            if isinstance(call, Insert):
                raise CalendarGone("notFound", "This calendar was dropped; connect the user to another one.")
            return Missing()
        calendar = self.calendar(account_calendar)
        try:
            match call:
                case Insert():
                    return self._insert(calendar, call)
                case Get():
                    event = calendar.events.get(call.event_id)
                    gone = event is None or calendar.burnt.get(call.event_id) == "gone"
                    return Missing() if gone or event is None else Held(event=_copy(event))
                case Patch():
                    return self._patch(calendar, call)
                case Remove():
                    return self._remove(calendar, call)
                case _:
                    assert_never(call)
        except Refusal as refusal:
            return Denied(status=400, reason=refusal.reason)

    def list(
        self, account_calendar: str, agency_id: str, ended_after: datetime, page_token: str | None = None
    ) -> Page:
        """Return one page of the standing events that name this agency and end after that instant."""
        if account_calendar in self._dropped:
            raise CalendarGone("notFound", "This calendar was dropped; connect the user to another one.")
        calendar = self.calendar(account_calendar)
        found = [
            (place, event)
            for place, event in enumerate(calendar.events.values())
            if _names(event).get("bgsAgency") == agency_id
            and event["status"] != "cancelled"
            and instant(event, "end", calendar.time_zone) > ended_after
            and place > int(page_token or -1)
        ]
        page = found[: self.page_size]
        following = str(page[-1][0]) if len(found) > len(page) else None
        return Page(tuple(_copy(event) for _, event in page), following)

    # --- what users do, and Google itself ---

    def add(self, account_calendar: str, body: EventBody) -> EventBody:
        """Put an event of the user's own there, under an id of Google's making unless the body has one."""
        calendar = self.calendar(account_calendar)
        event_id = str(body.get("id") or f"user{next(self._numbers):022d}")
        if event_id in calendar.events:
            raise ValueError(f"{event_id} is taken on this calendar; alter that event instead")
        return self._store(calendar, event_id, body)

    def alter(self, account_calendar: str, event_id: str, changes: EventBody) -> EventBody:
        """Change an event as its user would, ours or not: a patch that asks for no etag."""
        calendar = self.calendar(account_calendar)
        return self._store(calendar, event_id, merged(calendar.events[event_id], changes))

    def delete(self, account_calendar: str, event_id: str) -> None:
        """Delete an event as its user would."""
        self.alter(account_calendar, event_id, {"status": "cancelled"})

    def purge(self, account_calendar: str, event_id: str) -> None:
        """Forget an event and its id, as time does with deleted ones."""
        self.calendar(account_calendar).events.pop(event_id, None)
        self.calendar(account_calendar).burnt.pop(event_id, None)

    def burn(self, account_calendar: str, event_id: str, how: Burnt = "gone") -> None:
        """Make an id unusable for good, as was seen in the wild; whatever stood under it is deleted."""
        calendar = self.calendar(account_calendar)
        day = {"start": {"date": "1970-01-01"}, "end": {"date": "1970-01-02"}}
        self._store(calendar, event_id, calendar.events.get(event_id, day) | {"status": "cancelled"})
        calendar.burnt[event_id] = how

    def strip_properties(self, account_calendar: str) -> None:
        """Lose all extended properties, as some accounts do: those that stand, and those to come."""
        calendar = self.calendar(account_calendar)
        calendar.strips = True
        for event in calendar.events.values():
            event.pop("extendedProperties", None)

    def drop(self, account_calendar: str) -> None:
        """Delete a whole calendar."""
        self._calendars.pop(account_calendar, None)
        self._dropped.add(account_calendar)

    def standing(self, account_calendar: str) -> dict[str, EventBody]:
        """Return the events that the user sees, by id: what a test should look at."""
        events = self.calendar(account_calendar).events
        return {name: _copy(event) for name, event in events.items() if event["status"] != "cancelled"}

    def calendar(self, account_calendar: str) -> MemoryCalendar:
        """Return a calendar itself, deleted events and all."""
        return self._calendars.setdefault(account_calendar, MemoryCalendar(self._time_zone))

    # --- inside ---

    def _insert(self, calendar: MemoryCalendar, call: Insert) -> Answer:
        event_id = call.body.get("id")
        if not isinstance(event_id, str) or not _EVENT_ID.fullmatch(event_id) or holds_null(call.body):
            raise Refusal("invalid")
        if event_id in calendar.events:
            return Duplicate()
        return Held(event=self._store(calendar, event_id, call.body))

    def _patch(self, calendar: MemoryCalendar, call: Patch) -> Answer:
        event = calendar.events.get(call.event_id)
        burnt = calendar.burnt.get(call.event_id)
        if event is None or burnt == "gone":
            return Missing()
        if call.etag != event["etag"]:
            return Changed()
        if burnt == "forbidden":
            return Denied(status=403, reason="forbidden")
        return Held(event=self._store(calendar, call.event_id, merged(event, call.body)))

    def _remove(self, calendar: MemoryCalendar, call: Remove) -> Answer:
        event = calendar.events.get(call.event_id)
        if event is None or event["status"] == "cancelled":
            return Missing()
        if call.etag != event["etag"]:
            return Changed()
        self._store(calendar, call.event_id, event | {"status": "cancelled"})
        return Done()

    def _store(self, calendar: MemoryCalendar, event_id: str, body: EventBody) -> EventBody:
        event = shown(_copy(body), calendar.time_zone, strips=calendar.strips)
        etag = f'"{3_000_000_000_000_000 + next(self._numbers)}"'
        calendar.events[event_id] = event | {"id": event_id, "kind": "calendar#event", "etag": etag}
        return _copy(calendar.events[event_id])


def _names(event: EventBody) -> EventBody:
    names: EventBody = event.get("extendedProperties", {}).get("private", {})
    return names


def _copy(event: EventBody) -> EventBody:
    """Copy by way of JSON: nobody outside holds a piece of what is stored, and nothing else than JSON gets in."""
    copy: EventBody = orjson.loads(orjson.dumps(event))
    return copy
