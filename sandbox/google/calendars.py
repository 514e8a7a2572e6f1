"""Events in memory, with Google's strict semantics. No HTTP, no tokens.

In: bodies, ids, If-Match texts. Out: event resources, or a `GoogleError`.
Every operation is synchronous: within one process an operation happens entirely or not at all.

The rules and their sources: https://developers.google.com/workspace/calendar/api/v3/reference/events
(identifiers, status, sequence) and https://developers.google.com/workspace/calendar/api/guides/version-resources
(etags). What Google does not document (when an update of a deleted event is forbidden, how long an id stays
burnt) is a switch, so that both answers can be played.
"""

from __future__ import annotations

import secrets
import time
from zoneinfo import ZoneInfo

from sandbox.google import events as rules
from sandbox.google.directory import Directory
from sandbox.google.errors import (
    Json,
    already_deleted,
    condition_not_met,
    duplicate,
    forbidden,
    invalid,
    not_found,
    required,
)
from sandbox.google.models import Burnt, Calendar, Stored
from sandbox.google.times import render_utc

_BASE32HEX = "0123456789abcdefghijklmnopqrstuv"
_ETAG_BASE = 3_000_000_000_000_000


class State(Directory):
    """All calendars with their events."""

    def __init__(self) -> None:
        super().__init__()
        self._ordinals = 0

    def insert(self, calendar: Calendar, body: Json, creator: str | None = None) -> Stored:
        """events.insert."""
        event_id = body.get("id")
        if event_id is None:
            event_id = "".join(secrets.choice(_BASE32HEX) for _ in range(26))
        elif not isinstance(event_id, str) or not rules.EVENT_ID.fullmatch(event_id):
            raise invalid("Invalid resource id value.")
        uid = body.get("iCalUID") or f"{event_id}@google.com"
        if "id" in body and uid != f"{event_id}@google.com":
            raise invalid("Only one of id and iCalUID may be given at creation.")
        if event_id in calendar.events or event_id in calendar.burnt or uid in calendar.uids:
            raise duplicate()
        if body.get("status") == "cancelled":
            raise invalid("Invalid value for: status.")
        fixed = {**_identity(calendar, event_id, creator or calendar.owner), "iCalUID": uid}
        self._ordinals += 1
        stored = self._store(calendar, {**body, "sequence": body.get("sequence", 0)}, fixed, self._ordinals)
        if "iCalUID" in body:
            calendar.uids[uid] = event_id
        return stored

    def get(self, calendar: Calendar, event_id: str) -> Stored:
        """events.get: cancelled events too."""
        stored = calendar.events.get(event_id)
        if stored is None or calendar.burnt.get(event_id) == "gone":
            raise not_found()
        return stored

    def update(self, calendar: Calendar, event_id: str, body: Json, if_match: str | None = None) -> Stored:
        """events.update: full replacement, what is absent is reset."""
        stored = self._writable(calendar, event_id, body, if_match)
        if body.get("start") is None or body.get("end") is None:
            raise required("Missing start or end time.")
        return self._replace(calendar, stored, {**body, "status": body.get("status", "confirmed")})

    def patch(self, calendar: Calendar, event_id: str, body: Json, if_match: str | None = None) -> Stored:
        """events.patch: merge, null deletes."""
        stored = self._writable(calendar, event_id, body, if_match)
        return self._replace(calendar, stored, rules.merge(stored.resource, body))

    def delete(self, calendar: Calendar, event_id: str, if_match: str | None = None) -> None:
        """events.delete: the event stays, cancelled, and keeps its id taken."""
        stored = self.get(calendar, event_id)
        if stored.cancelled:
            raise already_deleted()
        _check_match(stored, if_match)
        self._replace(calendar, stored, {**stored.resource, "status": "cancelled"})

    def burn(self, calendar: Calendar, event_id: str, how: Burnt | None) -> None:
        """Make an id unusable for good: `gone` is 409 and 404, `forbidden` is 409, readable, and 403 on revival."""
        if how is None:
            calendar.burnt.pop(event_id, None)
            return
        calendar.burnt[event_id] = how
        stored = calendar.events.get(event_id)
        if stored is None:
            if how == "forbidden":  # something readable must be left, with nothing in it
                day = {"start": {"date": "1970-01-01"}, "end": {"date": "1970-01-02"}}
                fixed = _identity(calendar, event_id, calendar.owner)
                self._ordinals += 1
                self._store(calendar, {**day, "status": "cancelled", "sequence": 0}, fixed, self._ordinals)
        elif not stored.cancelled:
            self._replace(calendar, stored, {**stored.resource, "status": "cancelled"})

    def purge(self, calendar: Calendar, event_id: str) -> None:
        """Remove every trace, as time does with cancelled events; the id is free again."""
        calendar.events.pop(event_id, None)
        calendar.burnt.pop(event_id, None)
        self.tell(calendar)

    # --- inside ---------------------------------------------------------------------------------------------

    def _writable(self, calendar: Calendar, event_id: str, body: Json, if_match: str | None) -> Stored:
        stored = self.get(calendar, event_id)
        _check_match(stored, if_match)
        if stored.cancelled:
            if calendar.burnt.get(event_id) == "forbidden":
                raise forbidden()
            if self.switches.forbid_blind_revival and if_match is None and "sequence" not in body:
                raise forbidden()
        if body.get("id") not in (None, event_id):
            raise invalid("Invalid resource id value.")
        given = body.get("sequence")
        if given is not None and (type(given) is not int or given < stored.resource["sequence"]):
            raise invalid(
                "Invalid sequence value. The specified sequence number is below the current sequence number of the "
                "resource. Re-fetch the resource and use its sequence number on the following request."
            )
        return stored

    def _replace(self, calendar: Calendar, old: Stored, body: Json) -> Stored:
        fixed = {key: old.resource[key] for key in _FIXED}
        if body.get("eventType", fixed["eventType"]) != fixed["eventType"]:
            raise invalid("The type of an event cannot be changed.")
        sequence = max(body.get("sequence") or 0, old.resource["sequence"])
        new = self._store(calendar, {**body, "sequence": sequence}, fixed, old.ordinal)
        if new.cancelled != old.cancelled or (new.start, new.end) != (old.start, old.end):
            new.resource["sequence"] = max(sequence, old.resource["sequence"] + 1)
        return new

    def _store(self, calendar: Calendar, body: Json, fixed: Json, ordinal: int) -> Stored:
        rules.check_fields(body)
        start, end = rules.times(body, ZoneInfo(calendar.time_zone))
        now = time.time()
        resource: Json = {
            **fixed,
            "etag": f'"{_ETAG_BASE + self.changes + 1}"',
            "status": body.get("status") or "confirmed",
            "updated": render_utc(now),
            "start": start.resource,
            "end": end.resource,
            "sequence": body["sequence"],
            "reminders": rules.reminders(body.get("reminders")),
        }
        for key in rules.KEPT:
            value = body.get(key)
            if value is not None and value not in ("", rules.DEFAULTS.get(key)):
                resource[key] = value
        if "extendedProperties" in resource:
            properties = rules.extended_properties(resource.pop("extendedProperties"))
            if properties and not self.accounts[calendar.owner].strip_properties:
                resource["extendedProperties"] = properties
        self.changes += 1
        stored = Stored(resource, start.instant, end.instant, ordinal, self.changes, now)
        calendar.events[resource["id"]] = stored
        self.tell(calendar)
        return stored


_FIXED = ("kind", "id", "htmlLink", "created", "creator", "organizer", "iCalUID", "eventType")


def _identity(calendar: Calendar, event_id: str, creator: str) -> Json:
    """The fields that never change after the creation."""
    return {
        "kind": "calendar#event",
        "id": event_id,
        "htmlLink": f"https://www.google.com/calendar/event?eid={event_id}",
        "created": render_utc(time.time()),
        "creator": {"email": creator, "self": True},
        "organizer": {"email": calendar.owner, "self": True},
        "iCalUID": f"{event_id}@google.com",
        "eventType": "default",
    }


def _check_match(stored: Stored, if_match: str | None) -> None:
    if if_match is not None and if_match not in ("*", stored.resource["etag"]):
        raise condition_not_met()
