"""Google's description of its Calendar API, cut down to the methods that Shiftcal calls.

Comes in: the API's root URL. Goes out: a discovery document for `aiogoogle.GoogleAPI`. Not here: anything that Google's
own document does not say; a test holds every line of this one against it.
"""

from __future__ import annotations

from typing import Any

from schemas.mutations import EventBody

SERVICE_PATH = "calendar/v3/"

_CALENDARS = "calendars"
_CALENDAR = _CALENDARS + "/{calendarId}"
_EVENTS = _CALENDAR + "/events"
_EVENT = _EVENTS + "/{eventId}"


def document(api_url: str) -> EventBody:
    """Return a new document each time: aiogoogle writes into the one that it is given."""
    return {
        "kind": "discovery#restDescription",
        "id": "calendar:v3",
        "name": "calendar",
        "version": "v3",
        "protocol": "rest",
        "rootUrl": api_url.rstrip("/") + "/",
        "servicePath": SERVICE_PATH,
        "batchPath": "batch/calendar/v3",
        "parameters": {},
        "schemas": {},
        "resources": {
            "calendars": {
                "methods": {
                    "insert": _calendars("insert", "POST", _CALENDARS),
                    "get": _calendars("get", "GET", _CALENDAR),
                }
            },
            "events": {
                "methods": {
                    "insert": _method("insert", "POST", _EVENTS, sendUpdates=_word()),
                    "get": _method("get", "GET", _EVENT),
                    "list": _method(
                        "list",
                        "GET",
                        _EVENTS,
                        maxResults={
                            "type": "integer",
                            "format": "int32",
                            "minimum": "1",
                            "location": "query",
                        },
                        pageToken=_word(),
                        privateExtendedProperty=_word() | {"repeated": True},
                        showDeleted={"type": "boolean", "location": "query"},
                        timeMin=_word() | {"format": "date-time"},
                    ),
                    "patch": _method("patch", "PATCH", _EVENT, sendUpdates=_word()),
                    "delete": _method("delete", "DELETE", _EVENT, sendUpdates=_word()),
                }
            },
        },
    }


def _calendars(name: str, verb: str, path: str) -> EventBody:
    """Return a method about a whole calendar: one that the person's consent let us make."""
    order = ["calendarId"] if path == _CALENDAR else []
    return {
        "id": f"calendar.calendars.{name}",
        "httpMethod": verb,
        "path": path,
        "parameterOrder": order,
        "parameters": {word: _word("path") | {"required": True} for word in order},
        "scopes": [
            "https://www.googleapis.com/auth/calendar",
            "https://www.googleapis.com/auth/calendar.app.created",
            "https://www.googleapis.com/auth/calendar.calendars",
        ],
    }


def _method(name: str, verb: str, path: str, **query: EventBody) -> EventBody:
    order = ["calendarId", "eventId"] if path == _EVENT else ["calendarId"]
    method: dict[str, Any] = {
        "id": f"calendar.events.{name}",
        "httpMethod": verb,
        "path": path,
        "parameterOrder": order,
        "parameters": {word: _word("path") | {"required": True} for word in order} | query,
        "scopes": [
            "https://www.googleapis.com/auth/calendar",
            "https://www.googleapis.com/auth/calendar.app.created",
            "https://www.googleapis.com/auth/calendar.events",
            "https://www.googleapis.com/auth/calendar.events.owned",
        ],
    }
    return method


def _word(location: str = "query") -> EventBody:
    return {"type": "string", "location": location}
