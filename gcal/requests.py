"""Requests to Google Calendar, built by aiogoogle from our discovery document.

Comes in: a calendar and a call, or what to list. Goes out: `aiogoogle.models.Request`, unsigned and unsent. Not here:
tokens, connections, answers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, assert_never

from aiogoogle import GoogleAPI
from aiogoogle.models import Request

from gcal.discovery import document
from schemas.mutations import Call, Get, Insert, Patch, Remove

#: The longest page that Google gives, https://developers.google.com/workspace/calendar/api/v3/reference/events/list
PAGE = 2_500
#: aiogoogle leaves a `/` in an id alone, which makes another path of it.
_SAFE = {"calendarId": "", "eventId": ""}


class Requests:
    """Requests to one API root."""

    def __init__(self, api_url: str) -> None:
        # aiogoogle's validation refuses null, which is how a patch removes a field.
        api = GoogleAPI(document(api_url), validate=False)
        events, calendars = api.events, api.calendars
        # Each attribute access would build its method anew.
        self._insert, self._get, self._list = events.insert, events.get, events.list
        self._patch, self._delete = events.patch, events.delete
        self._make_calendar, self._get_calendar = calendars.insert, calendars.get

    def of(self, google_calendar: str, call: Call) -> Request:
        """Return the request of one call about one event."""
        place: dict[str, Any] = {"calendarId": google_calendar, "path_params_safe_chars": _SAFE}
        match call:
            case Insert():
                return self._insert(**place, json=call.body, sendUpdates="none")
            case Get():
                return self._get(**place, eventId=call.event_id)
            case Patch():
                request = self._patch(**place, eventId=call.event_id, json=call.body, sendUpdates="none")
            case Remove():
                request = self._delete(**place, eventId=call.event_id, sendUpdates="none")
            case _:
                assert_never(call)
        request.headers["If-Match"] = call.etag
        return request

    def listing(
        self, google_calendar: str, agency_id: str, ended_after: datetime, page_token: str | None
    ) -> Request:
        """Return the request of one page: standing events of this agency that end after that instant."""
        return self._list(
            calendarId=google_calendar,
            path_params_safe_chars=_SAFE,
            # One constraint only: Google's documents disagree on whether several are joined by AND or by OR.
            privateExtendedProperty=f"bgsAgency={agency_id}",
            timeMin=ended_after.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            maxResults=PAGE,
            showDeleted="false",  # as a word: urlencode would spell the boolean in Python's way
            pageToken=page_token,
        )

    def new_calendar(self, summary: str, time_zone: str | None) -> Request:
        """Return the request of a secondary calendar of that name."""
        return self._make_calendar(
            json={"summary": summary} | ({"timeZone": time_zone} if time_zone else {}),
        )

    def calendar(self, google_calendar: str) -> Request:
        """Return the request of what Google says of a calendar."""
        return self._get_calendar(calendarId=google_calendar, path_params_safe_chars=_SAFE)
