"""Un-publishes that take off suspiciously much: held, until an operator releases them or the calendar is published again.

The limits of these agencies: more than half of a user's future, and more than three shifts in all.
"""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Pool, from_pool
from tests.e2e.messages import gone, in_days, properties, shift, timed
from tests.e2e.world import Agency, World


@pytest.fixture
def held(world: World, pool: Pool) -> Agency:
    """An agency whose un-publish of five shifts is held."""
    agency = from_pool(world, pool, "hold")
    u1, u2 = agency.users
    agency.publish(1)
    agency.schedule(shift("a"), shift("b"), shift("c"), shift("d", user="u2"), shift("e", user="u2"))
    u1.shows("a", "b", "c")
    u2.shows("d", "e")
    agency.unpublish(2)
    for user in agency.users:
        told = user.is_told("paused", "held")
        assert f"shiftcal release {agency.id} --user {user.id}" in told["last_error"]["what_to_do"]
    return agency


def held_removals(world: World) -> float:
    return sum(worker.number("shiftcal_held_removals") for worker in world.workers if worker.runs)


def test_a_release_of_the_calendar(held: Agency) -> None:
    """Everybody's events go; a later un-publish is held anew, and a resync changes nothing about it."""
    u1, u2 = held.users
    u1.keeps("a", "b", "c")
    u2.keeps("d", "e")
    assert held_removals(held.world) == 5
    done = held.world.must("release", held.id, "--calendar", "ops")
    assert "ops" in done.out
    u1.shows()
    u2.shows()
    u1.is_told("in_sync")
    causes = {one["caused_by"]["topic"] for one in held.world.results(u1) if one["action"] == "deleted"}
    assert causes == {f"{held.world.prefix}calendar-unpublished"}
    assert held_removals(held.world) == 0
    held.publish(3)
    u1.shows("a", "b", "c")
    u2.shows("d", "e")
    held.unpublish(4)
    u1.is_told("paused", "held")
    u1.command("resync")
    u1.keeps("a", "b", "c")
    u2.keeps("d", "e")
    held.publish(5)
    u1.is_told("in_sync")


def test_a_release_of_a_user(held: Agency) -> None:
    """Only this user's events go."""
    u1, u2 = held.users
    held.world.must("release", held.id, "--user", "u1")
    u1.shows()
    u1.is_told("in_sync")
    u2.keeps("d", "e")
    u2.is_told("paused", "held")
    held.publish(3)
    u2.is_told("in_sync")


def test_published_again(held: Agency) -> None:
    """Nothing has happened, and nothing does, but what changed meanwhile; what upstream deleted was not held."""
    u1, u2 = held.users
    since = u1.google.mark()
    held.schedule(gone("a", 2), shift("b", 2, title="edited"))
    u1.keeps("b", "c")
    held.publish(3)
    u1.shows("edited", "c")
    u1.is_told("in_sync")
    assert u1.calls(since) == ["delete", "patch"]
    assert u2.calls(since) == []


def test_a_roll_back_within_the_limits(world: World, pool: Pool) -> None:
    """It goes on at once, for a user who loses no more than half."""
    agency = from_pool(world, pool, "hold")
    u1, u2 = agency.users
    agency.publish(1)
    near = [shift(f"n{n}", user="u1", start=in_days(3)) for n in (1, 2, 3)]
    far = [
        shift(f"f{n}", user=user, start=in_days(20))
        for n, user in ((1, "u1"), (2, "u1"), (3, "u2"), (4, "u2"))
    ]
    agency.schedule(*near, *far)
    u1.shows("n1", "n2", "n3", "f1", "f2")
    u2.shows("f3", "f4")
    agency.unpublish(2, in_days(12).date(), back=True)
    u1.shows("n1", "n2", "n3")
    u1.is_told("in_sync")
    u2.is_told("paused", "held")
    u2.keeps("f3", "f4")
    u2.command("disconnect", purge=True)
    u2.shows()


def test_a_user_of_whom_nobody_spoke(world: World, pool: Pool) -> None:
    """An operator who knows that there is nothing to come lets the events go."""
    agency = from_pool(world, pool, "plain")
    u1, _ = agency.users
    names = properties(agency.id, "ops", "s1")
    event = {"id": u1.id_of("s1"), "summary": "stood here", "extendedProperties": names}
    u1.google.add(u1.calendar, event | timed(in_days(3)))
    u1.command("connect")
    u1.is_told("paused", "held")
    world.must("release", agency.id, "--user", "u1")
    u1.shows()
    u1.is_told("in_sync")


def test_no_limits(agency: Agency) -> None:
    """An agency that gives none has everything taken off at once."""
    u1, _ = agency.users
    agency.publish(1)
    agency.schedule(*(shift(f"s{n}") for n in range(6)))
    u1.shows(*(f"s{n}" for n in range(6)))
    agency.unpublish(2)
    u1.shows()
    u1.is_told("in_sync")
