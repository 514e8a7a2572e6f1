"""The Calendar API v3 over HTTP: the routes and the way of a request through them.

In: HTTP requests. Out: Google's answers; every request is in the journal, whatever becomes of it.
A request is authenticated, charged to the quota, held against the discovery document, possibly struck by a fault,
and only then carried out - in one piece, without an await in between.
Not here: what the methods do (`methods.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from sandbox.google import scopes, wire
from sandbox.google.errors import (
    GoogleError,
    bad_credentials,
    insufficient_scopes,
    login_required,
)
from sandbox.google.methods import ROUTES, Call, Operation

if TYPE_CHECKING:
    from sandbox.google.core import Core
    from sandbox.google.grants import Access
    from sandbox.google.journal import Entry

ROOT = "/calendar/v3/"
_NOTHING: Mapping[str, Sequence[str]] = {}
_SECRET_PARAMETERS = ("oauth_token", "access_token")


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
