"""A calendar of our own: made, and found again."""

from __future__ import annotations

import pytest

from gcal.client import GoogleCalendar
from gcal.port import SCOPE_APP_CREATED
from sandbox.google import StandIn
from sandbox.google.scopes import EVENTS_OWNED
from schemas.errors import GoogleUnavailable, GrantLost
from tests.gcal.world import ACCOUNT, grant_of


async def test_a_calendar(standin: StandIn, client: GoogleCalendar) -> None:
    """It has the name, and is there until somebody deletes it."""
    grant = grant_of(ACCOUNT, standin.connect(ACCOUNT, scopes=(SCOPE_APP_CREATED,)).refresh_token)
    made = await client.make_calendar(grant, "Metro EMS", "America/New_York")
    calendar = standin.state.calendars[made]
    assert (calendar.summary, calendar.owner, calendar.time_zone) == (
        "Metro EMS",
        ACCOUNT,
        "America/New_York",
    )
    assert await client.has_calendar(grant, made)
    standin.state.delete_calendar(ACCOUNT, made)
    assert not await client.has_calendar(grant, made)


async def test_a_calendar_without_the_right(standin: StandIn, client: GoogleCalendar) -> None:
    """Events alone do not let one be made."""
    grant = grant_of(ACCOUNT, standin.connect(ACCOUNT, scopes=(EVENTS_OWNED,)).refresh_token)
    with pytest.raises(GrantLost):
        await client.make_calendar(grant, "Metro EMS")


async def test_google_is_away(standin: StandIn, client: GoogleCalendar) -> None:
    """A calendar that nobody told us of is not taken for gone."""
    grant = grant_of(ACCOUNT, standin.connect(ACCOUNT, scopes=(SCOPE_APP_CREATED,)).refresh_token)
    made = await client.make_calendar(grant, "Metro EMS")
    for fault in ({"kind": "status", "status": 503}, {"kind": "empty"}):
        standin.faults.add(**fault, method="calendars.get", times=1)
        with pytest.raises(GoogleUnavailable):
            await client.has_calendar(grant, made)
    assert await client.has_calendar(grant, made)
