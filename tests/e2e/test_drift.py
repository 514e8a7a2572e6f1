"""What users do to events by hand, and what their agency wants made of it. Restoring stands with resyncs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.e2e.conftest import NewWorld, Pool, from_pool
from tests.e2e.google import Google
from tests.e2e.messages import gone, in_days, shift, timed
from tests.e2e.world import Agency, User, World, policies


def by_hand(user: User) -> None:
    """The user deletes one event, alters another, moves a third far into the past."""
    user.google.delete(user.calendar, user.id_of("deleted"))
    user.google.alter(user.calendar, user.id_of("altered"), {"summary": "mine"})
    user.google.alter(user.calendar, user.id_of("moved"), timed(in_days(-60)))


def begun(agency: Agency) -> User:
    """An agency whose first user has three shifts, and sees them."""
    u1 = agency.users[0]
    agency.publish()
    agency.schedule(shift("deleted"), shift("altered"), shift("moved"))
    u1.shows("deleted", "altered", "moved")
    return u1


def test_deletions_that_are_respected(world: World, pool: Pool) -> None:
    """What the user deleted stays away until the shift has a new version; what he altered is restored."""
    agency = from_pool(world, pool, "respect")
    u1 = begun(agency)
    by_hand(u1)
    at = datetime.now(UTC)
    u1.command("resync", at)
    u1.shows("altered", "moved")
    u1.is_told("in_sync")
    assert datetime.fromisoformat(u1.stands("moved")["start"]["dateTime"]) == in_days(3)
    since = u1.google.mark()
    u1.command("resync", at + timedelta(minutes=2))
    u1.keeps("altered", "moved")
    assert u1.calls(since) == ["list"]
    agency.schedule(shift("deleted", 2))
    u1.shows("deleted", "altered", "moved")
    agency.schedule(gone("deleted", 3))
    u1.shows("altered", "moved")


def test_deletions_that_are_respected_and_a_new_connect(world: World, pool: Pool) -> None:
    """Whoever connects again asks for everything that is missing."""
    agency = from_pool(world, pool, "respect")
    u1 = begun(agency)
    u1.google.delete(u1.calendar, u1.id_of("deleted"))
    u1.command("resync")
    u1.keeps("altered", "moved")
    u1.command("connect")
    u1.shows("deleted", "altered", "moved")


def test_drift_that_is_reported(world: World, pool: Pool) -> None:
    """Nothing is repaired, the status says so, and a new version of each shift puts it right."""
    agency = from_pool(world, pool, "report")
    u1 = begun(agency)
    by_hand(u1)
    u1.command("resync")
    u1.keeps("mine", "moved")
    told = u1.is_told("in_sync", "drift")
    assert "3 of this user's events" in told["last_error"]["message"]
    assert told["last_error"]["what_to_do"]
    agency.schedule(shift("deleted", 2), shift("altered", 2))
    u1.shows("deleted", "altered", "moved")
    u1.is_told("in_sync", "drift")
    agency.schedule(shift("moved", 2))
    u1.is_told("in_sync")
    assert datetime.fromisoformat(u1.stands("moved")["start"]["dateTime"]) == in_days(3)


def test_another_policy(new_world: NewWorld, google: Google) -> None:
    """A changed file takes effect at the next start, on what was found before, too."""
    world = new_world(google)
    chosen = policies(world.home / "policies.toml", [("metro", {"on_drift": "report"})])
    world.settings["SHIFTCAL_POLICIES"] = str(chosen)
    world.must("topics", "create")
    agency = Agency(world, "metro", "u1")
    world.connect(*agency.users)
    worker = world.start().wait_ready()
    u1 = begun(agency)
    by_hand(u1)
    u1.command("resync")
    u1.is_told("in_sync", "drift")
    assert worker.stop() == 0, worker.tail()
    policies(world.home / "policies.toml", [("metro", {"on_drift": "restore"})])
    world.start().wait_ready()
    u1.shows("deleted", "altered", "moved")
    u1.is_told("in_sync")
