"""What a user should see: versions, assignments, kinds, days and the window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.e2e.messages import Json, gone, in_days, properties, shift, text, timed
from tests.e2e.world import Agency


def test_versions_that_come_out_of_order(agency: Agency) -> None:
    """The highest version stands, and the late lower ones cost nothing."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1", 3, title="third"))
    u1.shows("third")
    since = u1.google.mark()
    agency.schedule(shift("s1", 1, title="first"))
    agency.schedule(shift("s1", 2, title="second"), shift("s1", 3, title="another third"))
    u1.keeps("third")
    assert u1.calls(since) == []


def test_everything_that_lands_in_google(agency: Agency) -> None:
    """Id, fields, reminders and private properties are exactly those agreed on; nobody is invited."""
    u1, _ = agency.users
    agency.publish()
    start = datetime(in_days(5).year, in_days(5).month, in_days(5).day, 12, tzinfo=UTC)
    agency.schedule(shift("48213", 7, title="Medic 12 Day", location="Station 4", notes="Radio", start=start))
    u1.shows("Medic 12 Day")
    event = u1.stands("48213")
    assert event["location"] == "Station 4"
    assert event["description"] == "Radio"
    assert datetime.fromisoformat(event["start"]["dateTime"]) == start
    assert datetime.fromisoformat(event["end"]["dateTime"]) == start + timedelta(hours=12)
    assert event["start"]["timeZone"] == event["end"]["timeZone"] == "America/New_York"
    assert event["reminders"] == {"useDefault": True}
    assert not {"source", "attendees", "colorId"} & event.keys()
    private = event["extendedProperties"]["private"]
    assert private.pop("bgsFingerprint")
    assert private == {
        "bgsId": "BGS_48213",
        "bgsAgency": agency.id,
        "bgsCalendar": "ops",
        "bgsVersion": "7",
    }
    assert "shared" not in event["extendedProperties"]
    [insert] = [one for one in u1.google.journal() if one["event_id"] == event["id"]]
    assert "sendUpdates=none" in insert["query"]


def test_a_tombstone(agency: Agency) -> None:
    """A delete holds against lower versions, whether they come before or after it."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(gone("s1", 5))
    agency.schedule(shift("s1", 4), shift("s2", 1))
    u1.keeps("s2")
    agency.schedule(gone("s2", 2))
    u1.shows()
    agency.schedule(shift("s2", 1))
    u1.keeps()
    agency.schedule(shift("s1", 6))
    u1.shows("s1")


def test_one_version_with_two_contents(agency: Agency) -> None:
    """The first upsert stands, a delete beats it, and both are counted."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1", 2, title="one"), shift("s2", 2))
    u1.shows("one", "s2")
    before = agency.world.workers[-1].number("shiftcal_version_conflicts_total")
    agency.schedule(shift("s1", 2, title="another"))
    u1.keeps("one", "s2")
    agency.schedule(gone("s1", 2))
    u1.shows("s2")
    agency.schedule(shift("s1", 2, title="one"))
    u1.keeps("s2")
    assert agency.world.workers[-1].number("shiftcal_version_conflicts_total") >= before + 2


def test_a_shift_that_is_re_assigned(agency: Agency) -> None:
    """It leaves the one and comes to the other, once each, in either order of the messages."""
    u1, u2 = agency.users
    agency.publish()
    agency.schedule(shift("s1", 1, "u1"))
    u1.shows("s1")
    agency.schedule(shift("s1", 2, "u2"))
    u2.shows("s1")
    u1.shows()
    agency.schedule(shift("s2", 2, "u2"))
    agency.schedule(shift("s2", 1, "u1"))
    u2.shows("s1", "s2")
    u1.keeps()
    agency.schedule(shift("s2", 3, None))
    u2.shows("s1")
    assert u1.calls() == ["list", "insert", "delete"]


def test_a_shift_that_moves_to_another_calendar(agency: Agency) -> None:
    """A delete there and an upsert here are another event at Google."""
    u1, _ = agency.users
    agency.publish()
    agency.publish(calendar="field")
    agency.schedule(shift("s1", 1, title="there"))
    u1.shows("there")
    agency.schedule(gone("s1", 2))
    agency.schedule(shift("s1", 3, title="here"), calendar="field")
    u1.shows("here")
    assert u1.stands("s1", calendar="field")["summary"] == "here"


def test_the_local_day_of_a_shift_decides(agency: Agency) -> None:
    """Published is what starts on a published day in the shift's own zone, whatever the day in UTC."""
    u1, _ = agency.users
    first, last = in_days(10).date(), in_days(12).date()

    def at(days: int, hour: int, offset: int, zone: str) -> Json:
        day = in_days(days)
        start = datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC) - timedelta(hours=offset)
        return {"start": start, "time_zone": zone}

    agency.schedule(
        shift("late-on-the-last", **at(12, 23, -7, "America/Phoenix")),
        shift("early-after-the-last", **at(13, 0, 9, "Asia/Tokyo")),
        shift("early-on-the-first", **at(10, 0, 9, "Asia/Tokyo")),
        shift("late-before-the-first", **at(9, 23, -7, "America/Phoenix")),
        shift("whole-last", start=last, end=last + timedelta(days=2), time_zone=None),
        shift("whole-after", start=last + timedelta(days=1), end=last + timedelta(days=2), time_zone=None),
    )
    u1.keeps()
    agency.publish(1, last, first)
    u1.shows("late-on-the-last", "early-on-the-first", "whole-last")


def test_kinds(agency: Agency) -> None:
    """Classes and training are never shown, and a shift that becomes one goes."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(
        shift("s1", kind="class"), shift("s2", kind="training"), shift("s3"), shift("s4", kind="shift")
    )
    u1.shows("s3", "s4")
    agency.schedule(shift("s3", 2, kind="class"), shift("s1", 2, kind="shift"))
    u1.shows("s1", "s4")


def test_from_hours_to_days_and_back(agency: Agency) -> None:
    """A patch takes the other kind of time away, since Google merges."""
    u1, _ = agency.users
    agency.publish()
    day = in_days(4).date()
    agency.schedule(shift("s1", 1))
    u1.shows("s1")
    agency.schedule(shift("s1", 2, title="days", start=day, end=day + timedelta(days=2), time_zone=None))
    u1.shows("days")
    event = u1.stands("s1")
    assert event["start"] == {"date": day.isoformat()}
    assert event["end"] == {"date": (day + timedelta(days=2)).isoformat()}
    agency.schedule(shift("s1", 3, title="hours", time_zone="Europe/Berlin"))
    u1.shows("hours")
    assert u1.stands("s1")["start"].keys() == {"dateTime", "timeZone"}
    assert u1.calls() == ["list", "insert", "patch", "patch"]


def test_an_offset_that_disagrees_with_the_zone(agency: Agency) -> None:
    """The instant wins, and is shown in the zone; the same instant in another spelling is no change."""
    u1, _ = agency.users
    agency.publish()
    day = in_days(6).date()
    agency.schedule(
        shift("s1", 1, start=f"{day}T07:00:00-05:00", end=f"{day}T19:00:00-05:00", time_zone="Asia/Tokyo")
    )
    u1.shows("s1")
    start = u1.stands("s1")["start"]
    assert start["timeZone"] == "Asia/Tokyo"
    assert datetime.fromisoformat(start["dateTime"]) == datetime.fromisoformat(f"{day}T12:00:00+00:00")
    since = u1.google.mark()
    agency.schedule(
        shift(
            "s1",
            2,
            start=f"{day}T12:00:00Z",
            end=f"{day + timedelta(days=1)}T00:00:00Z",
            time_zone="Asia/Tokyo",
        )
    )
    assert u1.calls(since) == []
    u1.command("resync")
    assert u1.calls(since) == ["list"]


def test_texts_that_are_too_long_for_google(agency: Agency) -> None:
    """They are cut, and an emptied one is taken away."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1", 1, title="t" * 4_096, location="l" * 4_096, notes="n" * 32_768))
    u1.shows("t" * 1_024)
    event = u1.stands("s1")
    assert event["location"] == "l" * 1_024
    assert event["description"] == "n" * 8_000
    agency.schedule(shift("s1", 2, title="short", location=None))
    u1.shows("short")
    assert not {"location", "description"} & u1.stands("s1").keys()


def test_what_ended_a_month_ago(agency: Agency) -> None:
    """It is history: not created and not deleted; a day less and it is live."""
    u1, _ = agency.users
    old, young = in_days(-32), in_days(-28)
    event = {
        "id": u1.id_of("left"),
        "summary": "left",
        "extendedProperties": properties(agency.id, "ops", "left"),
    }
    u1.google.add(u1.calendar, event | timed(old))
    agency.publish()
    agency.schedule(
        shift("old", start=old), shift("young", start=young), shift("left", 1, start=old, title="edited")
    )
    u1.shows("left", "young")
    agency.schedule(gone("left", 2), shift("old", 2, start=old, title="edited"))
    u1.command("connect")
    u1.keeps("left", "young")


def test_a_wanted_shift_whose_event_stands_in_the_past(agency: Agency) -> None:
    """It is patched back to where it belongs, although history is left alone otherwise."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1"), shift("s2"))
    u1.shows("s1", "s2")
    u1.google.alter(u1.calendar, u1.id_of("s1"), timed(in_days(-60)))
    u1.google.alter(u1.calendar, u1.id_of("s2"), timed(in_days(-60)))
    agency.schedule(shift("s1", 2, title="edited"))
    u1.shows("edited", "s2")
    u1.command("resync")
    u1.keeps("edited", "s2")
    for name in ("s1", "s2"):
        assert text(datetime.fromisoformat(u1.stands(name)["start"]["dateTime"]).astimezone(UTC)) == text(
            in_days(3)
        )


def test_a_mass_modify(agency: Agency) -> None:
    """One message with many changes reaches everybody it concerns, a call a shift."""
    u1, u2 = agency.users
    agency.publish()
    agency.schedule(
        *(shift(f"s{n:03}", user="u1" if n % 2 else "u2", start=in_days(2 + n / 4)) for n in range(80))
    )
    u1.shows(*(f"s{n:03}" for n in range(80) if n % 2))
    u2.shows(*(f"s{n:03}" for n in range(80) if not n % 2))
    assert u1.calls() == ["list"] + ["insert"] * 40


def test_changes_while_a_shift_waits(agency: Agency) -> None:
    """Several cost one write, the last one; one that is undone costs none."""
    u1, _ = agency.users
    agency.publish()
    u1.world.settle()
    since = u1.google.mark()
    first = [shift(f"s{n}", start=in_days(2 + n)) for n in range(4)]
    with u1.slow(4_000):
        agency.schedule(*first, shift("many", start=in_days(20)), shift("undone", start=in_days(21)))
        for version in range(2, 6):
            agency.schedule(shift("many", version, start=in_days(20), title=f"many {version}"))
        agency.schedule(gone("undone", 2))
        u1.shows("s0", "s1", "s2", "s3", "many 5")
        assert u1.calls(since) == ["insert"] * 5
        since = u1.google.mark()
        agency.schedule(*(shift(f"s{n}", 2, start=in_days(2 + n), title=f"s{n} late") for n in range(4)))
        agency.schedule(shift("many", 6, start=in_days(20), title="for a moment"))
        agency.schedule(shift("many", 7, start=in_days(20), title="many 5"))
        u1.shows("s0 late", "s1 late", "s2 late", "s3 late", "many 5")
        assert u1.calls(since) == ["patch"] * 4
