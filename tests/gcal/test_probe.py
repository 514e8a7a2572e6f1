"""The self-test: what it finds, and that it leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gcal.client import GoogleCalendar
from gcal.port import Grant
from gcal.probe import FATAL, Place, probe
from sandbox.google import StandIn
from sandbox.google.scopes import LIST_READONLY
from tests.gcal.world import ACCOUNT, grant_of


def now() -> datetime:
    return datetime.now(UTC)


def place(grant: Grant, calendar: str = "primary", account: str = ACCOUNT) -> Place:
    return Place(grant, calendar, account)


@pytest.fixture
def grant(standin: StandIn) -> Grant:
    """Ann's consent."""
    return grant_of(ACCOUNT, standin.connect(ACCOUNT, time_zone="America/New_York").refresh_token)


def left(standin: StandIn) -> list[dict[str, Any]]:
    """What stands in any calendar."""
    return [
        event.resource
        for calendar in standin.state.calendars.values()
        for event in calendar.events.values()
        if not event.cancelled
    ]


async def test_all_is_well(standin: StandIn, client: GoogleCalendar, grant: Grant) -> None:
    """Nothing is found; written, read, removed: three calls."""
    assert await probe(client, place(grant), now) == ()
    assert left(standin) == []
    counts = {method: n for (method, _), n in standin.journal.calls.items() if method.startswith("events.")}
    assert counts == {"events.insert": 1, "events.get": 1, "events.delete": 1}


async def test_what_the_probe_is(standin: StandIn, client: GoogleCalendar, grant: Grant) -> None:
    """Nobody is reminded of it, nobody takes it for a shift, and it is never the same."""
    standin.journal.keep_bodies = True
    await probe(client, place(grant), now)
    await probe(client, place(grant), now)
    ids = set(standin.state.calendars[ACCOUNT].events)
    assert len(ids) == 2
    for event_id in ids:
        assert event_id.startswith("bgt")
    for event in standin.state.calendars[ACCOUNT].events.values():
        assert event.resource["reminders"] == {"useDefault": False}
        assert event.end < datetime(1991, 1, 1, tzinfo=UTC).timestamp()
        assert "bgsAgency" not in str(event.resource)
        assert "attendees" not in event.resource
    inserts = [entry for entry in standin.journal.entries if entry.method == "events.insert"]
    assert all("sendUpdates=none" in entry.query for entry in inserts)


async def test_an_account_that_strips_properties(
    standin: StandIn, client: GoogleCalendar, grant: Grant
) -> None:
    """It is told apart from all that would keep a calendar from being synced."""
    standin.state.strip_properties(ACCOUNT, strip=True)
    found = await probe(client, place(grant), now)
    assert found == ("stripped",)
    assert not FATAL.intersection(found)
    assert left(standin) == []


async def test_too_narrow_a_consent(standin: StandIn, client: GoogleCalendar) -> None:
    """The scope is named."""
    tokens = standin.connect(ACCOUNT, scopes=(LIST_READONLY,))
    assert await probe(client, place(grant_of(ACCOUNT, tokens.refresh_token)), now) == ("scope",)


async def test_a_consent_that_is_gone(standin: StandIn, client: GoogleCalendar, grant: Grant) -> None:
    """The grant is named."""
    standin.grants.invalidate(ACCOUNT)
    assert await probe(client, place(grant), now) == ("grant",)


async def test_no_such_calendar(client: GoogleCalendar, grant: Grant) -> None:
    """The calendar is named."""
    assert await probe(client, place(grant, "nobody@group.calendar.google.com"), now) == ("calendar",)


async def test_a_calendar_of_another_address(standin: StandIn, client: GoogleCalendar, grant: Grant) -> None:
    """The primary calendar belongs to somebody else than the account that consented; letters' case is no matter."""
    assert await probe(client, place(grant, account="ann.lee@example.com"), now) == ("account",)
    assert await probe(client, place(grant, account=ACCOUNT.upper()), now) == ()
    assert left(standin) == []


@pytest.mark.parametrize(("ahead_s", "found"), [(-90, ("clock",)), (90, ("clock",)), (30, ()), (-30, ())])
async def test_clocks(client: GoogleCalendar, grant: Grant, ahead_s: float, found: tuple[str, ...]) -> None:
    """A minute is forgiven, more is told."""
    clock: Callable[[], datetime] = lambda: now() + timedelta(seconds=ahead_s)  # noqa: E731  it is handed over
    assert await probe(client, place(grant), clock) == found


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ({"kind": "status", "method": "events.insert", "status": 503}, ("unfinished",)),
        ({"kind": "drop", "method": "events.insert", "commit": True, "times": 1}, ("unfinished",)),
        ({"kind": "empty", "method": "events.insert", "commit": True, "times": 1}, ("unfinished",)),
        ({"kind": "status", "method": "events.get", "status": 503}, ("unfinished",)),
        ({"kind": "status", "method": "events.get", "status": 404, "reason": "notFound"}, ("lost",)),
        ({"kind": "status", "method": "events.insert", "status": 400, "reason": "invalid"}, ("refused",)),
        ({"kind": "status", "method": "events.delete", "status": 503, "times": 2}, ()),
        ({"kind": "drop", "method": "events.delete", "commit": True, "times": 1}, ()),
        (
            {
                "kind": "status",
                "method": "events.delete",
                "status": 412,
                "reason": "conditionNotMet",
                "times": 1,
            },
            (),
        ),
    ],
)
async def test_google_on_a_bad_day(
    standin: StandIn, client: GoogleCalendar, grant: Grant, fault: dict[str, Any], found: tuple[str, ...]
) -> None:
    """Whatever fails in between, the probe is gone afterwards."""
    standin.faults.add(**fault)
    assert await probe(client, place(grant), now) == found
    assert left(standin) == []


async def test_a_probe_that_cannot_be_removed(standin: StandIn, client: GoogleCalendar, grant: Grant) -> None:
    """It is said that it was left."""
    standin.faults.add("status", method="events.delete", status=503)
    assert await probe(client, place(grant), now) == ("left",)
    assert [event["summary"] for event in left(standin)] == ["Calendar sync test"]
