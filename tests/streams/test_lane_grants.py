"""How a grant ends at Google, seen over HTTP: the user's state says what to do, nobody else is slowed, and a new
connect costs one look and the net difference.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from pydantic import SecretStr

from planning import problems
from sandbox.google import StandIn
from sandbox.google.scopes import EVENTS, LIST_READONLY
from schemas.facts import Connected
from tests.gcal.world import client_of
from tests.streams.lane_world import AGENCY, World, world_of
from vault import NewConnection

READ_ONLY = "https://www.googleapis.com/auth/calendar.events.readonly"


class Deployment(NamedTuple):
    """A worker whose Google is the stand-in."""

    world: World
    standin: StandIn

    async def connect(
        self, user: str, *granted: str, recorded: tuple[str, ...] = (), calendar: str = "primary"
    ) -> None:
        """Consent to these scopes (to what is needed, if none); `recorded` is what we were told of them."""
        world, granted = self.world, granted or (EVENTS,)
        account = f"{user}@example.com"
        token = SecretStr(self.standin.connect(account, scopes=granted).refresh_token)
        at = world.tick()
        await world.vault.store(
            NewConnection(AGENCY, user, account, token, recorded or granted, calendar), at
        )
        world.tell(Connected(agency_id=AGENCY, user_id=user, cause=world.cause(at)))

    def titles(self, user: str, calendar: str | None = None) -> list[str]:
        found = self.standin.state.calendars[calendar or f"{user}@example.com"].events.values()
        return sorted(str(one.resource["summary"]) for one in found if not one.cancelled)

    def calls(self, user: str, since: int) -> list[str]:
        """Calls of the API in the name of this account; those to the OAuth endpoints are left out."""
        entries = self.standin.journal.entries[since:]
        return [
            one.method.removeprefix("events.")
            for one in entries
            if one.account == f"{user}@example.com" and one.method.startswith("events.")
        ]


@asynccontextmanager
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    async with world_of(tmp_path) as world, StandIn(check=False) as standin, client_of(standin) as client:
        world.desk.port = client
        yield Deployment(world, standin)
        await world.settled()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Deployment]:
    """Ann and Bob are connected, each with one shift."""
    async with deployment(tmp_path) as here:
        for user in ("ann", "bob"):
            here.world.shift(user, user, "Day")
            await here.connect(user)
        await here.world.settled()
        yield here


def _token_fault(word: str, status: int = 400) -> Callable[[Deployment], None]:
    def happens(here: Deployment) -> None:
        account = "ann@example.com"
        here.standin.grants.expire(account)
        here.standin.faults.add("status", method="oauth.token", account=account, status=status, reason=word)

    return happens


def _refusal(reason: str, status: int = 403) -> Callable[[Deployment], None]:
    def happens(here: Deployment) -> None:
        here.standin.faults.add(
            "status", method="events.*", account="ann@example.com", status=status, reason=reason
        )

    return happens


def _taken_back(here: Deployment) -> None:
    here.standin.grants.invalidate("ann@example.com")


def _unknown(here: Deployment) -> None:
    here.standin.faults.add("unauthorized", method="events.*", account="ann@example.com")


#: What happens at Google; the state, the code, and words of what the user is told to do.
LOST = {
    "taken back": (
        _taken_back,
        "needs_reauthorization",
        "invalid_grant",
        "Connect the Google calendar again",
    ),
    "signed out": (_token_fault("invalid_rapt"), "needs_reauthorization", "invalid_rapt", "again"),
    "policy": (
        _token_fault("admin_policy_enforced"),
        "needs_reauthorization",
        "admin_policy_enforced",
        "admin",
    ),
    "barred": (_refusal("domainPolicy"), "needs_reauthorization", "domainPolicy", "administrator"),
    "disabled": (_refusal("accountDisabled"), "needs_reauthorization", "accountDisabled", "restored"),
    "unknown": (_unknown, "needs_reauthorization", "authError", "again"),
    "another client": (
        _token_fault("unauthorized_client", 401),
        "needs_reauthorization",
        "unauthorized_client",
        "SHIFTCAL_GOOGLE_CLIENT_ID",
    ),
    "a narrower scope": (
        _refusal("insufficientPermissions"),
        "needs_reauthorization",
        "insufficient_scope",
        "ticked",
    ),
    "no writer": (_refusal("requiredAccessLevel"), "stopped", "calendar_not_writable", "right to change"),
}


@pytest.mark.parametrize("what", LOST)
async def test_a_grant_that_ends(here: Deployment, what: str) -> None:
    """It is told with what to do; others go on; changes compact, and a new connect makes the net difference."""
    happens, state, code, words = LOST[what]
    world = here.world
    happens(here)
    world.shift("ann", "ann", "Night")
    await world.until(lambda: world.state("ann") == f"{state}: {code}")
    error = world.statuses["ann"].last_error
    assert error is not None
    assert words in error.what_to_do
    world.shift("bob", "bob", "Night")
    await world.until(lambda: here.titles("bob") == ["Night"])
    await world.settled()
    since = len(here.standin.journal.entries)
    for title in ("Late", "Later"):
        world.shift("ann", "ann", title)
    world.shift("ann", "gone again", "Day")
    world.shift("ann", "gone again", None)
    await world.settled()
    assert here.standin.journal.entries[since:] == []
    here.standin.faults.clear()
    await here.connect("ann")
    await world.settled()
    assert here.titles("ann") == ["Later"]
    assert here.calls("ann", since) == ["list", "patch"]
    assert world.state("ann") == "in_sync"


OURS = {
    "a deleted client": (_token_fault("deleted_client", 401), "deleted_client"),
    "a wrong secret": (_token_fault("invalid_client", 401), "invalid_client"),
    "an API that is off": (_refusal("accessNotConfigured"), "accessNotConfigured"),
}


@pytest.mark.parametrize("what", OURS)
async def test_a_client_that_google_does_not_take(
    here: Deployment, what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Users wait and are told that it is the operator's; the log says what; once it is put right all goes on by itself."""
    happens, code = OURS[what]
    monkeypatch.setattr(problems, "ASKED_AGAIN", timedelta(seconds=0.2))
    happens(here)
    here.world.shift("ann", "ann", "Night")
    await here.world.until(lambda: here.world.state("ann") == f"paused: {code}")
    error = here.world.statuses["ann"].last_error
    assert error is not None
    assert "operator" in error.what_to_do
    assert "SHIFTCAL_GOOGLE_CLIENT_ID" in caplog.text
    counted = here.world.desk.metrics.registry.get_sample_value
    assert (counted("shiftcal_hindrances_total", {"error": "NotAdmitted"}) or 0) >= 1
    await here.world.until(lambda: len(here.world.lanes) == 0)
    here.standin.faults.clear()
    await here.world.until(lambda: here.titles("ann") == ["Night"])
    await here.world.settled()
    assert here.world.state("ann") == "in_sync"


async def test_a_token_with_fewer_scopes_than_we_were_told(here: Deployment) -> None:
    """Google's refusal tells it; nothing is written."""
    await here.connect("ann", READ_ONLY, recorded=(EVENTS,))
    here.world.shift("ann", "ann", "Night")
    await here.world.settled()
    assert here.world.state("ann") == "needs_reauthorization: insufficient_scope"
    assert here.titles("ann") == ["Day"]


@pytest.mark.parametrize("granted", [(READ_ONLY,), (LIST_READONLY, "openid", "email")])
async def test_a_consent_that_left_out_the_writing(here: Deployment, granted: tuple[str, ...]) -> None:
    """It is known from what was granted: Google is not even asked."""
    since = len(here.standin.journal.entries)
    await here.connect("ann", *granted)
    here.world.shift("ann", "ann", "Night")
    await here.world.settled()
    assert here.world.state("ann") == "needs_reauthorization: insufficient_scope"
    assert here.standin.journal.entries[since:] == []
    await here.connect("ann")
    await here.world.settled()
    assert here.titles("ann") == ["Night"]


async def test_a_calendar_that_is_deleted_and_restored(here: Deployment) -> None:
    """The user is stopped with the reason; a re-sync looks whether it is back, and repairs it."""
    world, directory = here.world, here.standin.state
    team = directory.add_calendar("ann@example.com", "Team").id
    await here.connect("ann", calendar=team)
    await world.settled()
    kept = directory.calendars[team]
    directory.delete_calendar("ann@example.com", team)
    world.shift("ann", "ann", "Night")
    await world.settled()
    assert world.state("ann") == "stopped: calendar_gone"
    world.resync("ann")
    await world.settled()
    assert world.state("ann") == "stopped: calendar_gone"
    directory.calendars[team] = kept
    world.resync("ann")
    await world.settled()
    assert here.titles("ann", team) == ["Night"]
    assert world.state("ann") == "in_sync"
