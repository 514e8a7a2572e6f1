"""A second opinion: Google's own Python client understands what the stand-in says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httplib2
import pytest
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from sandbox.google import StandIn
from sandbox.google.discovery import load
from tests.sandbox.google.client import ID, all_day, timed
from tests.sandbox.google.conftest import ANNA


class BearerHttp(httplib2.Http):
    """httplib2 with a token."""

    def __init__(self, token: str) -> None:
        super().__init__(timeout=5)
        self._token = token

    def request(self, uri: str, *args: Any, headers: dict[str, str] | None = None, **options: Any) -> Any:
        """Send with the token."""
        return super().request(
            uri, *args, headers={**(headers or {}), "authorization": f"Bearer {self._token}"}, **options
        )


async def _with_client(standin: StandIn, work: Callable[[Any], Any]) -> Any:
    """Run blocking work with Google's client in a thread."""
    token = standin.connect(ANNA).access_token

    def run() -> Any:
        http = BearerHttp(token)
        document = {**(load() or {}), "rootUrl": f"{standin.url}/", "baseUrl": f"{standin.url}/calendar/v3/"}
        try:
            return work(build_from_document(json.dumps(document), http=http))
        finally:
            http.close()

    return await asyncio.to_thread(run)


async def test_life_of_an_event(standin: StandIn) -> None:
    """Insert, get, patch, update, delete, and the deleted event in a listing."""

    def work(service: Any) -> list[Any]:
        events = service.events()
        inserted = events.insert(calendarId="primary", body=timed(), sendUpdates="none").execute()
        patched = events.patch(calendarId="primary", eventId=ID, body={"colorId": "5"}).execute()
        updated = events.update(calendarId="primary", eventId=ID, body=all_day()).execute()
        events.delete(calendarId="primary", eventId=ID).execute()
        read = events.get(calendarId="primary", eventId=ID).execute()
        return [inserted["summary"], patched["colorId"], updated["start"], read["status"]]

    assert await _with_client(standin, work) == ["Medic 12 Day", "5", {"date": "2026-12-02"}, "cancelled"]
    assert standin.journal.violations == []


async def test_refusals(standin: StandIn) -> None:
    """The client finds status and reason where it looks for them."""

    def work(service: Any) -> list[tuple[int, str]]:
        found = []
        events = service.events()
        events.insert(calendarId="primary", body=timed()).execute()
        stale = events.patch(calendarId="primary", eventId=ID, body={})
        stale.headers["If-Match"] = '"old"'
        attempts = [
            events.insert(calendarId="primary", body=timed()),
            events.get(calendarId="primary", eventId="another0"),
            stale,
            events.insert(calendarId="primary", body=timed(id="UPPER")),
        ]
        for attempt in attempts:
            with pytest.raises(HttpError) as caught:
                attempt.execute()
            found.append((caught.value.status_code, caught.value.error_details[0]["reason"]))
        return found

    refusals = await _with_client(standin, work)
    assert refusals == [(409, "duplicate"), (404, "notFound"), (412, "conditionNotMet"), (400, "invalid")]


async def test_pages(standin: StandIn) -> None:
    """Its own paging finds every event once."""
    calendar = standin.state.calendars[standin.connect(ANNA).account]
    for number in range(300):
        standin.state.insert(calendar, timed(id=f"ev{number:05d}"))

    def work(service: Any) -> list[str]:
        found: list[str] = []
        request = service.events().list(
            calendarId="primary", showDeleted=True, timeMin="2026-12-01T00:00:00Z"
        )
        while request is not None:
            page = request.execute()
            found += [item["id"] for item in page["items"]]
            request = service.events().list_next(request, page)
        return found

    assert await _with_client(standin, work) == [f"ev{number:05d}" for number in range(300)]
