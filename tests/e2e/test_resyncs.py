"""Looking at Google: what the user deleted or altered, what is not ours, and accounts that forget our properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.e2e.messages import gone, in_days, properties, shift, timed
from tests.e2e.world import Agency


def now() -> datetime:
    return datetime.now(UTC)


def test_resync_repairs_what_is_ours(agency: Agency) -> None:
    """What the user deleted comes back, what he altered in our fields is restored; the rest stays his."""
    u1, u2 = agency.users
    agency.publish()
    agency.schedule(
        shift("deleted"), shift("altered", location="Station 4"), shift("moved"), shift("dressed")
    )
    agency.schedule(shift("other", user="u2"))
    u1.shows("deleted", "altered", "moved", "dressed")
    u2.shows("other")
    own = {
        "colorId": "11",
        "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]},
    }
    u1.google.delete(u1.calendar, u1.id_of("deleted"))
    u1.google.alter(u1.calendar, u1.id_of("altered"), {"summary": "mine", "location": "home", **own})
    u1.google.alter(u1.calendar, u1.id_of("moved"), timed(in_days(7)))
    u1.google.alter(u1.calendar, u1.id_of("dressed"), {"transparency": "transparent", **own})
    u2.google.delete(u2.calendar, u2.id_of("other"))
    untouched = u1.stands("dressed")
    agency.world.must("resync", agency.id, "u1", "u2")
    u1.shows("deleted", "altered", "moved", "dressed")
    u2.shows("other")
    u1.is_told("in_sync")
    altered = u1.stands("altered")
    assert altered["location"] == "Station 4"
    assert altered["colorId"] == "11"
    assert altered["reminders"] == own["reminders"]
    moved = u1.stands("moved")
    assert datetime.fromisoformat(moved["start"]["dateTime"]) == in_days(3)
    assert u1.stands("dressed") == untouched


def test_resyncs_one_after_the_other(agency: Agency) -> None:
    """Each counts once; one inside the cool-down of the one before is refused, and the status says so."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1"))
    u1.shows("s1")
    u1.calls()
    since, at = u1.google.mark(), now()
    u1.command("resync", at)
    u1.command("resync", at)
    assert u1.calls(since) == ["list"]
    u1.is_told("in_sync")
    u1.google.delete(u1.calendar, u1.id_of("s1"))
    u1.command("resync", at + timedelta(seconds=20))
    u1.keeps()
    u1.is_told("in_sync", "resync_cooldown")
    u1.command("resync", at + timedelta(seconds=90))
    u1.shows("s1")
    u1.is_told("in_sync")


def test_events_that_are_not_ours(agency: Agency) -> None:
    """The user's own, his copy of ours, another agency's, one with a forged name: never written, whatever happens."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1"), shift("s2"))
    u1.shows("s1", "s2")
    names = properties(agency.id, "ops", "s1")
    others = [
        {"summary": "dentist", **timed(in_days(3))},
        {"summary": "copy", "extendedProperties": names, **timed(in_days(3))},
        {
            "summary": "forged",
            "id": "bgs0123456789abcdefghijklmnopqrstuv",
            "extendedProperties": names,
            **timed(in_days(4)),
        },
        {"summary": "theirs", "extendedProperties": properties("others", "ops", "s1"), **timed(in_days(3))},
        {"summary": "odd", "extendedProperties": {"private": {"bgsAgency": agency.id}}, **timed(in_days(3))},
    ]
    kept = [u1.google.add(u1.calendar, one) for one in others]
    titles = [str(one["summary"]) for one in others]
    u1.command("resync")
    u1.keeps("s1", "s2", *titles)
    agency.schedule(gone("s1", 2), shift("s2", 2, title="edited"))
    u1.shows("edited", *titles)
    agency.unpublish(2)
    u1.shows(*titles)
    u1.command("connect")
    u1.keeps(*titles)
    u1.command("disconnect", purge=True)
    u1.is_told("stopped")
    u1.keeps(*titles)
    assert [u1.google.event(u1.calendar, one["id"]) for one in kept] == kept


def test_a_shift_that_comes_back(agency: Agency) -> None:
    """Its event is revived: one 409 and one read more, and no second event."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1"))
    u1.shows("s1")
    agency.schedule(gone("s1", 2))
    u1.shows()
    since = u1.google.mark()
    agency.schedule(shift("s1", 3, title="again"))
    u1.shows("again")
    assert u1.calls(since) == ["insert", "get", "patch"]
    assert u1.stands("s1")["extendedProperties"]["private"]["bgsVersion"] == "3"
    assert len(u1.google.events(u1.calendar, deleted=True)) == 1


def test_an_event_that_the_user_has_altered(agency: Agency) -> None:
    """The next change costs one 412 and one read, and keeps what is the user's."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("edited"), shift("removed"), shift("binned"))
    u1.shows("edited", "removed", "binned")
    u1.google.alter(u1.calendar, u1.id_of("edited"), {"summary": "mine", "colorId": "7"})
    u1.google.alter(u1.calendar, u1.id_of("removed"), {"colorId": "7"})
    u1.google.delete(u1.calendar, u1.id_of("binned"))
    u1.calls()
    since = u1.google.mark()
    agency.schedule(shift("edited", 2, title="new"))
    u1.shows("new", "removed")
    assert u1.calls(since) == ["patch", "get", "patch"]
    assert u1.stands("edited")["colorId"] == "7"
    since = u1.google.mark()
    agency.schedule(gone("removed", 2))
    u1.shows("new")
    assert u1.calls(since) == ["delete", "get", "delete"]
    since = u1.google.mark()
    agency.schedule(shift("binned", 2, title="back"))
    u1.shows("new", "back")
    assert u1.calls(since) == ["patch", "get", "patch"]


def test_an_id_that_google_has_burnt(agency: Agency) -> None:
    """The next derived id is taken, once, and kept from then on."""
    u1, _ = agency.users
    agency.publish()
    u1.google.burn(u1.calendar, u1.id_of("s1"), "gone")
    u1.google.burn(u1.calendar, u1.id_of("s2"), "forbidden")
    agency.schedule(shift("s1"), shift("s2"))
    u1.shows("s1", "s2")
    for name in ("s1", "s2"):
        event = u1.event(name, 1)
        assert event is not None
        assert event["summary"] == name
    since = u1.google.mark()
    agency.schedule(shift("s1", 2, title="edited"))
    u1.shows("edited", "s2")
    u1.command("resync")
    u1.keeps("edited", "s2")
    assert u1.calls(since) == ["patch", "list"]
    agency.schedule(gone("s1", 3))
    u1.shows("s2")


def test_an_account_that_strips_our_properties(agency: Agency) -> None:
    """Nothing is doubled, deletions are found by reading the known ids, and nothing else is taken for ours."""
    u1, _ = agency.users
    u1.google.alter_account(u1.account, strip_extended_properties=True)
    agency.publish()
    agency.schedule(shift("s1"), shift("s2"), shift("s3"))
    u1.shows("s1", "s2", "s3")
    u1.google.delete(u1.calendar, u1.id_of("s1"))
    u1.google.alter(u1.calendar, u1.id_of("s2"), {"summary": "mine"})
    at = now()
    u1.command("resync", at)
    u1.shows("s1", "s2", "s3")
    u1.keeps("s1", "s2", "s3")
    since = u1.google.mark()
    u1.command("resync", at + timedelta(minutes=2))
    u1.keeps("s1", "s2", "s3")
    assert sorted(u1.calls(since)) == ["get", "get", "get"]
    agency.schedule(gone("s3", 2), shift("s2", 2, title="edited"))
    u1.shows("s1", "edited")
    u1.command("connect", at + timedelta(minutes=3))
    u1.keeps("s1", "edited")
    u1.command("disconnect", at + timedelta(minutes=4), purge=True)
    u1.shows()
