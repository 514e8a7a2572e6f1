"""Which Google calendar is written to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gcal.consent import SCOPE_EVENTS_OWNED
from gcal.port import SCOPE_APP_CREATED
from sandbox.google import StandIn
from sandbox.google.core import Choice
from schemas.policy import Policies, Policy
from tests.portal.consents import agreed, asked, held
from tests.portal.world import ACCOUNT, Browser, world_of

OWN = Policies(default=Policy(target_calendar="own"))
CHOOSING = Policies(default=Policy(user_may_choose=frozenset({"target_calendar"})))


async def test_a_calendar_of_its_own(google: StandIn, tmp_path: Path) -> None:
    """It is made once, named after the agency, under the narrower scope; a reconnect finds it again."""
    async with world_of(google, tmp_path, policies=OWN) as world, world.browser() as ann:
        await ann.enter()
        assert SCOPE_APP_CREATED in (await asked(ann))["scope"].split()
        page = await ann.connect()
        assert "Its own calendar, Metro EMS" in page.said
        first = await held(world)
        assert first is not None
        calendar = google.state.calendars[first.google_calendar_id]
        assert (calendar.summary, calendar.owner, calendar.app_created) == ("Metro EMS", ACCOUNT, True)
        await world.state("needs_reauthorization")
        await ann.connect()
        second = await held(world)
        assert second is not None
        assert second.google_calendar_id == first.google_calendar_id
        assert google.journal.calls["calendars.insert", "200"] == 1


@pytest.mark.parametrize("failing", [0, 1])
async def test_a_calendar_of_its_own_and_two_tabs(google: StandIn, tmp_path: Path, failing: int) -> None:
    """Both come back at the same time, and the second one finds what the first one made, connected or not."""
    async with world_of(google, tmp_path, policies=OWN) as world, world.browser() as ann:
        await ann.enter()
        google.faults.add("status", method="events.insert", status=400, reason="invalid", times=failing)
        tabs = [await agreed(ann), await agreed(ann)]
        await asyncio.gather(*(ann.get(back) for back in tabs))
        if failing:  # it gave its consent back, and with it Google takes the other one's
            await ann.connect()
        connection = await held(world)
        assert connection is not None
        assert google.journal.calls["calendars.insert", "200"] == 1
        assert google.state.calendars[connection.google_calendar_id].app_created


async def test_a_calendar_of_its_own_that_is_gone(google: StandIn, tmp_path: Path) -> None:
    """Another one is made; so it is for another account."""
    async with world_of(google, tmp_path, policies=OWN) as world, world.browser() as ann:
        await ann.enter()
        await ann.connect()
        first = await held(world)
        assert first is not None
        google.state.delete_calendar(ACCOUNT, first.google_calendar_id)
        await world.state("stopped", last_error={"code": "calendar_gone", "message": "", "what_to_do": ""})
        assert "does not exist any more" in (await ann.get("/")).said
        await ann.connect()
        second = await held(world)
        assert second is not None
        assert second.google_calendar_id in google.state.calendars
        await world.state("needs_reauthorization")
        await ann.connect(account="ann.lee@example.com")
        third = await held(world)
        assert third is not None
        assert google.state.calendars[third.google_calendar_id].owner == "ann.lee@example.com"


async def test_a_calendar_that_the_user_chooses(google: StandIn, tmp_path: Path) -> None:
    """Where the agency leaves it to users the page asks; the scope and the calendar follow, and the next time it is offered first."""
    async with world_of(google, tmp_path, policies=CHOOSING) as world, world.browser() as ann:
        page = await ann.enter()
        assert 'value="primary" checked' in page.text
        google.core.choices.append(Choice(account=ACCOUNT))
        page = await ann.press("/connect", target="own")
        assert "Its own calendar, Metro EMS" in page.said
        first = await held(world)
        assert first is not None
        assert SCOPE_APP_CREATED in first.scopes
        assert SCOPE_EVENTS_OWNED not in first.scopes
        await world.state("needs_reauthorization")
        assert 'value="own" checked' in (await ann.get("/")).text
        google.core.choices.append(Choice(account=ACCOUNT))
        await ann.press("/connect", target="nonsense")
        second = await held(world)
        assert second is not None
        assert second.google_calendar_id == "primary"


async def test_a_calendar_that_is_not_the_users_to_choose(ann: Browser) -> None:
    """The agency's word counts, whatever a form says."""
    page = await ann.enter()
    assert 'name="target"' not in page.text
    ann.world.google.core.choices.append(Choice(account=ACCOUNT))
    await ann.press("/connect", target="own")
    connection = await held(ann.world)
    assert connection is not None
    assert connection.google_calendar_id == "primary"


async def test_a_calendar_of_its_own_whose_test_fails(google: StandIn, tmp_path: Path) -> None:
    """It is found again by the next try, not made twice."""
    async with world_of(google, tmp_path, policies=OWN) as world, world.browser() as ann:
        await ann.enter()
        google.faults.add("status", method="events.insert", status=400, reason="invalid", times=1)
        assert "Nothing was connected" in (await ann.connect()).said
        assert "You are connected" in (await ann.connect()).said
        assert google.journal.calls["calendars.insert", "200"] == 1
