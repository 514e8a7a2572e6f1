"""The Calendar API v3 over HTTP: the routes and the way of a request through them.

In: HTTP requests. Out: Google's answers; every request is in the journal, whatever becomes of it.
A request is authenticated, charged to the quota, held against the discovery document, possibly struck by a fault,
and only then carried out - in one piece, without an await in between.
Not here: the rules of calendars (`calendars.py`, `listing.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from sandbox.google import fields, scopes, wire
from sandbox.google.errors import (
    GoogleError,
    Json,
    bad_credentials,
    insufficient_scopes,
    invalid,
    login_required,
    required,
)
from sandbox.google.filters import flag
from sandbox.google.listing import list_events, visible

if TYPE_CHECKING:
    from sandbox.google.core import Core
    from sandbox.google.grants import Access
    from sandbox.google.journal import Entry
    from sandbox.google.models import Calendar, Stored

ROOT = "/calendar/v3/"
_NOTHING: Mapping[str, Sequence[str]] = {}
_SECRET_PARAMETERS = ("oauth_token", "access_token")


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

_TAKES_BODY = frozenset({"events.insert", "events.update", "events.patch", "calendars.insert"})
_CHANGES = frozenset(name for name, verb, _, _ in ROUTES if verb != "GET")


class Api:
    """The routes below `/calendar/v3/`."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def routes(self) -> list[web.RouteDef]:
        """Every method of the stand-in, and a 404 page for everything else."""
        routes = [
            web.route(verb, ROOT + path, partial(self._handle, name, operation), name=None)
            for name, verb, path, operation in ROUTES
        ]
        return [
            *routes,
            web.route("*", ROOT + "{tail:.*}", self._unknown),
            web.route("*", "/batch/{tail:.*}", self._unknown),
        ]

    async def _handle(self, method: str, operation: Operation, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        query = (
            "(withheld)"
            if any(s in request.query_string for s in _SECRET_PARAMETERS)
            else request.query_string
        )
        entry = self._core.journal.begin(method, query, request.headers.get("If-Match"))
        try:
            call = self._admit(entry, request, raw)
        except GoogleError as error:
            answer = wire.refusal(error)
        else:
            answer = await self._answer(call, operation, request)
        self._core.journal.end(entry, answer.status, answer.reason)
        return wire.send(answer, request)

    def _admit(self, entry: Entry, request: web.Request, raw: bytes) -> Call:
        """Everything before the operation: who, how much, which calendar, what."""
        core, method, path = self._core, entry.method, request.match_info
        access = self._authenticate(request)
        entry.account = access.account
        entry.event_id = path.get("eventId")
        named = path.get("calendarId")
        entry.calendar = access.account if named == "primary" else named
        if core.journal.keep_bodies:
            entry.body = raw.decode(errors="replace")
        if not scopes.allowed(method, access.scopes):
            raise insufficient_scopes()
        if error := core.quota.spend(access.account):
            raise error
        query = (
            {key: request.query.getall(key) for key in request.query} if request.query_string else _NOTHING
        )
        body = _decode(method, request, raw)
        self._check(entry, query, body)
        if method == "events.insert" and entry.event_id is None and isinstance(body.get("id"), str):
            entry.event_id = body["id"]
        calendar = None if named is None else core.state.calendar(access.account, named)
        if calendar is not None and not scopes.reaches(method, access.scopes, access.account, calendar):
            raise insufficient_scopes()
        return Call(core, access, entry, calendar, query, body, request.headers.get("If-None-Match"))

    def _authenticate(self, request: web.Request) -> Access:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise login_required()
        access = self._core.grants.access(token)
        if access is None or access.account not in self._core.state.accounts:
            raise bad_credentials()
        return access

    def _check(self, entry: Entry, query: Mapping[str, Sequence[str]], body: Any) -> None:
        if self._core.discovery is None:
            return
        problems = self._core.discovery.check(entry.method, query, body)
        for problem in problems:
            self._core.journal.violation(entry, problem)
        if problems:
            raise GoogleError(400, "badRequest", f"Not in the discovery document: {'; '.join(problems)}")

    async def _answer(self, call: Call, operation: Operation, request: web.Request) -> wire.Answer:
        core, entry = self._core, call.entry
        core.journal.writing(entry)
        delay, fault = core.faults.pick(entry.method, entry.account)
        delay += core.latency_s
        if delay > 0:
            await asyncio.sleep(delay)
        if fault is None:
            return _perform(call, operation)
        entry.fault = f"{fault.kind} after commit" if fault.commit else fault.kind
        if fault.commit:
            _perform(call, operation)
        core.journal.let_go(entry)
        return await wire.play(fault, entry.method, request, core.closing)

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        entry = self._core.journal.begin("unknown", "", None)
        self._core.journal.violation(entry, f"{request.method} {request.path} is no method of the stand-in")
        self._core.journal.end(entry, 404, "html")
        return wire.send(wire.Answer(404, wire.HTML_404, content_type="text/html; charset=UTF-8"), request)


def _perform(call: Call, operation: Operation) -> wire.Answer:
    try:
        answer = operation(call)
    except GoogleError as error:
        return wire.refusal(error)
    call.entry.committed = call.entry.method in _CHANGES
    return answer


def _decode(method: str, request: web.Request, raw: bytes) -> Any:
    if method not in _TAKES_BODY:
        return raw or None
    if raw and request.content_type != "application/json":
        raise GoogleError(400, "badContent", "Unsupported content with type: application/json is expected.")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise GoogleError(400, "parseError", "Parse Error") from error
    if not isinstance(body, dict):
        raise GoogleError(400, "parseError", "Parse Error: a JSON object is expected.")
    return body
