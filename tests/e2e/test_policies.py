"""What agencies choose: kinds and templates. Keeping and leaving stand with publications and connections."""

from __future__ import annotations

from tests.e2e.conftest import Pool, from_pool
from tests.e2e.messages import shift
from tests.e2e.world import World


def test_kinds_that_an_agency_wants(world: World, pool: Pool) -> None:
    """Those of its list are shown, and no others."""
    agency = from_pool(world, pool, "kinds")
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1"), shift("s2", kind="training"), shift("s3", kind="class"))
    u1.shows("s1", "s2")
    u1.keeps("s1", "s2")


def test_templates(world: World, pool: Pool) -> None:
    """They dress title and description; a change of a word in them is one patch."""
    agency = from_pool(world, pool, "dressed")
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1", title="Day", location="Station 4", notes="{{ title }}"))
    u1.shows("Day @ Station 4")
    event = u1.stands("s1")
    assert event["location"] == "Station 4"
    assert event["description"] == "shift: {{ title }}"
    since = u1.google.mark()
    agency.schedule(shift("s1", 2, title="Day", location="Station 5", notes="{{ title }}"))
    u1.shows("Day @ Station 5")
    assert u1.calls(since) == ["patch"]
