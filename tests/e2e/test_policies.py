"""What agencies choose, and what they leave to their users: kinds, templates, dress. Keeping and leaving stand with publications and connections."""

from __future__ import annotations

from tests.e2e.conftest import Pool, from_pool
from tests.e2e.messages import in_days, shift
from tests.e2e.waiting import eventually
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


def test_a_dress(world: World, pool: Pool) -> None:
    """Colour by kind, titles only, free: with the insert, and restored by a resync; what is nobody's is never touched."""
    agency = from_pool(world, pool, "coloured")
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1", location="Station 4", notes="Radio"), shift("s2", kind="class"))
    u1.shows("s1", "s2")
    assert not {"location", "description"} & u1.stands("s1").keys()
    assert [(e.get("colorId"), e["transparency"]) for e in (u1.stands("s1"), u1.stands("s2"))] == [
        ("6", "transparent"),
        (None, "transparent"),
    ]
    assert u1.calls().count("insert") == 2
    for one in ("s1", "s2"):
        u1.google.alter(u1.calendar, u1.id_of(one), {"colorId": "8", "visibility": "private"})
    since = u1.google.mark()
    u1.command("resync")
    assert eventually(lambda: u1.stands("s1")["colorId"], lambda colour: colour == "6") == "6"
    assert u1.calls(since) == ["list", "patch"]
    assert u1.stands("s2")["colorId"] == "8"
    assert u1.stands("s1")["visibility"] == "private"


def test_a_preference(world: World, pool: Pool) -> None:
    """It costs one patch, for its user alone, is put back by one, and counts only where the agency leaves it to users."""
    agency = from_pool(world, pool, "choosing")
    u1, u2 = agency.users
    agency.publish()
    agency.schedule(shift("s1", location="Station 4"), shift("s2", user="u2"))
    u1.shows("s1")
    u2.shows("s2")
    since = u1.google.mark()
    u1.chooses(colour="basil", show_as="free", details="title_only")
    event = eventually(lambda: u1.stands("s1"), lambda seen: "colorId" in seen)
    assert (event["colorId"], event["transparency"], event["location"]) == ("10", "transparent", "Station 4")
    assert u1.calls(since) == ["patch"]
    assert world.results(u1)[-1]["caused_by"] is None
    u1.chooses(in_days(-3), colour="tomato")
    u1.chooses()
    event = eventually(lambda: u1.stands("s1"), lambda seen: "colorId" not in seen)
    assert event.get("transparency") != "transparent"
    u1.google.alter(u1.calendar, u1.id_of("s1"), {"colorId": "8"})
    u1.command("resync")
    assert u1.calls(since) == ["patch", "patch", "list"]
    assert u1.stands("s1")["colorId"] == "8"
    assert u2.calls(since) == []
