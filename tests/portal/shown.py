"""Words for the tests of what is shown: shifts, views, results, and what an open page is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from schemas.facts import Published
from schemas.outputs import CausedBy, SyncResult
from schemas.views import NextShift, View
from tests.portal.world import AGENCY, USER, Browser

NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)


def a_shift(**fields: Any) -> NextShift:
    """The next shift: twelve hours in New York."""
    shape = {
        "calendar_id": "ops-2026-12",
        "shift_id": "48213",
        "version": 7,
        "title": "Medic 12 Day",
        "location": "Station 4",
        "start": datetime(2026, 12, 2, 12, tzinfo=UTC),
        "end": datetime(2026, 12, 3, 0, tzinfo=UTC),
        "time_zone": "America/New_York",
        "place": "in_google",
        "published": Published(version=4, at=datetime(2026, 11, 23, 13, tzinfo=UTC)),
    }
    return NextShift.model_validate(shape | fields)


def a_view(*shifts: NextShift, **fields: Any) -> View:
    """A view with these shifts, all of which stand in Google unless said otherwise."""
    count = len(shifts)
    return View.model_validate(
        {"wanted": count, "in_google": count, "ahead": count, **fields, "shifts": shifts}
    )


def a_result(action: str = "inserted", latency_ms: int | None = 420, event_id: str = "e") -> SyncResult:
    """A change that reached Google just now."""
    cause = CausedBy(topic="p-sync-commands", partition=0, offset=1, event_id=event_id, occurred_at=NOON)
    return SyncResult.model_validate(
        {
            "agency_id": AGENCY,
            "user_id": USER,
            "calendar_id": "ops",
            "shift_id": "s",
            "version": 1,
            "action": action,
            "google_event_id": "bgs1",
            "at": datetime(2026, 12, 1, 17, 20, tzinfo=UTC),
            "caused_by": cause,
            "latency_ms": latency_ms,
        }
    )


@asynccontextmanager
async def live(browser: Browser) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """What an open page is told."""
    async with browser.session.get(f"{browser.world.url}/live") as reply:
        assert reply.status == 200
        assert reply.headers["Content-Type"].startswith("text/event-stream")
        yield events_of(reply)


async def events_of(reply: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream."""
    async for line in reply.content:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))
