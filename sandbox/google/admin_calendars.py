"""The admin routes that act as the *user* of a calendar: foreign events, the user's edits and deletions.

In: bodies of events. Out: events. The table of routes is in `admin.py`.
Not here: tokens, faults, the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.google.errors import Json, not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from sandbox.google.core import Core
    from sandbox.google.models import Calendar


class CalendarAdmin:
    """Calendars and events, without a token."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def table(self) -> list[tuple[str, str, Callable[[web.Request, Json], Json]]]:
        """Verb, path and operation of each route."""
        return [
            ("POST", "calendars", self._add_calendar),
            ("GET", "calendars/{calendar}/events", self._events),
            ("POST", "calendars/{calendar}/events", self._add_event),
            ("GET", "calendars/{calendar}/events/{event}", self._event),
            ("PUT", "calendars/{calendar}/events/{event}", self._put_event),
            ("PATCH", "calendars/{calendar}/events/{event}", self._alter_event),
            ("DELETE", "calendars/{calendar}/events/{event}", self._delete_event),
            ("PUT", "calendars/{calendar}/burnt/{event}", self._burn),
        ]

    def _calendar(self, request: web.Request) -> Calendar:
        calendar = self._core.state.calendars.get(request.match_info["calendar"])
        if calendar is None:
            raise not_found()
        return calendar

    def _add_calendar(self, _: web.Request, body: Json) -> Json:
        owner = self._core.state.add_account(body["account"]).email
        time_zone = body.get("time_zone", "UTC")
        calendar = self._core.state.add_calendar(owner, body["summary"], time_zone, body.get("id"))
        for other in body.get("shared_with", ()):
            calendar.shared_with.add(self._core.state.add_account(other).email)
        return {"id": calendar.id}

    def _events(self, request: web.Request, _: Json) -> Json:
        stored = sorted(self._calendar(request).events.values(), key=lambda one: one.ordinal)
        return {"items": [one.resource for one in stored if "deleted" in request.query or not one.cancelled]}

    def _add_event(self, request: web.Request, body: Json) -> Json:
        return self._core.state.insert(self._calendar(request), body).resource

    def _event(self, request: web.Request, _: Json) -> Json:
        return self._core.state.get(self._calendar(request), request.match_info["event"]).resource

    def _put_event(self, request: web.Request, body: Json) -> Json:
        calendar, event_id = self._calendar(request), request.match_info["event"]
        if event_id not in calendar.events:
            return self._core.state.insert(calendar, {**body, "id": event_id}).resource
        return self._core.state.update(calendar, event_id, body, if_match="*").resource

    def _alter_event(self, request: web.Request, body: Json) -> Json:
        return self._core.state.patch(
            self._calendar(request), request.match_info["event"], body, if_match="*"
        ).resource

    def _delete_event(self, request: web.Request, _: Json) -> Json:
        calendar, event_id = self._calendar(request), request.match_info["event"]
        if "purge" in request.query:
            self._core.state.purge(calendar, event_id)
        else:
            self._core.state.delete(calendar, event_id)
        return {}

    def _burn(self, request: web.Request, body: Json) -> Json:
        self._core.state.burn(self._calendar(request), request.match_info["event"], body["how"])
        return {}
