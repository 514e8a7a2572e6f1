"""Published, un-published, rolled back: by version alone, and as the agency's policy says."""

from __future__ import annotations

from tests.e2e.messages import gone, in_days, shift
from tests.e2e.world import Agency


def three(*, version: int = 1, **fields: str) -> list[dict[str, object]]:
    """Shifts 3, 10 and 20 days from now."""
    return [shift(f"s{days}", version, start=in_days(days), **fields) for days in (3, 10, 20)]


def test_publications_that_come_out_of_order(agency: Agency) -> None:
    """The highest version over both topics alone says from when to when the calendar is published."""
    u1, _ = agency.users
    agency.schedule(*three())
    u1.keeps()
    agency.publish(5, in_days(12).date())
    u1.shows("s3", "s10")
    since = u1.google.mark()
    agency.unpublish(4)
    agency.publish(3)
    agency.publish(5)
    u1.keeps("s3", "s10")
    assert u1.calls(since) == []
    agency.publish(7, in_days(30).date(), in_days(8).date())
    agency.unpublish(6)
    u1.shows("s10", "s20")
    agency.publish(8, in_days(30).date())
    u1.shows("s3", "s10", "s20")


def test_an_un_published_calendar(agency: Agency) -> None:
    """Its events go, and come back with the next publication; in one version it beats a publish."""
    u1, u2 = agency.users
    agency.publish(1)
    agency.schedule(*three(), shift("other", user="u2"))
    u1.shows("s3", "s10", "s20")
    u2.shows("other")
    agency.unpublish(2)
    u1.shows()
    u2.shows()
    agency.publish(2)
    u1.keeps()
    agency.schedule(*three(version=2, title="edited"), gone("other", 2))
    u1.keeps()
    agency.publish(3)
    u1.shows("edited", "edited", "edited")
    u2.keeps()


def test_other_calendars_of_the_agency(agency: Agency) -> None:
    """They are published, and un-published, each for itself."""
    u1, _ = agency.users
    agency.publish(9, calendar="field")
    agency.schedule(shift("s1", title="field"), calendar="field")
    agency.schedule(shift("s1", title="ops"))
    u1.shows("field")
    agency.publish(1)
    u1.shows("field", "ops")
    agency.unpublish(10, calendar="field")
    u1.shows("ops")


def test_a_calendar_that_is_rolled_back(agency: Agency) -> None:
    """What lies after the day goes, the rest stays live; without a day everything goes."""
    u1, _ = agency.users
    agency.publish(1)
    agency.schedule(*three())
    u1.shows("s3", "s10", "s20")
    agency.unpublish(2, in_days(12).date(), back=True)
    u1.shows("s3", "s10")
    agency.schedule(*three(version=2, title="live"))
    u1.shows("live", "live")
    agency.unpublish(3, in_days(12).date(), in_days(8).date(), back=True)
    u1.shows("live")
    agency.unpublish(4, back=True)
    u1.shows()


def test_keep_freezes_what_stands(keeping: Agency) -> None:
    """Edits, deletes, re-assignments, connect and resync leave it alone until the calendar is published again."""
    u1, u2 = keeping.users
    keeping.publish(1)
    keeping.schedule(*three())
    u1.shows("s3", "s10", "s20")
    keeping.unpublish(2)
    keeping.schedule(
        shift("s3", 2, start=in_days(3), title="edited"),
        gone("s10", 2),
        shift("s20", 2, "u2", start=in_days(20)),
        shift("new"),
    )
    since = u1.google.mark()
    u1.google.delete(u1.calendar, u1.id_of("s20"))
    u1.command("resync")
    u1.keeps("s3", "s10")
    u1.command("connect")
    u1.keeps("s3", "s10")
    u2.keeps()
    assert set(u1.calls(since)) <= {"list", "get"}
    keeping.publish(3)
    u1.shows("edited", "new")
    u2.shows("s20")


def test_a_roll_back_takes_off_under_keep_as_well(keeping: Agency) -> None:
    """Keeping is for what is un-published."""
    u1, _ = keeping.users
    keeping.publish(1)
    keeping.schedule(*three())
    u1.shows("s3", "s10", "s20")
    keeping.unpublish(2, in_days(12).date(), back=True)
    u1.shows("s3", "s10")
    keeping.schedule(shift("s3", 2, start=in_days(3), title="live"))
    u1.shows("live", "s10")
    keeping.unpublish(3, back=True)
    u1.shows()


def test_a_purge_takes_what_keep_has_frozen(keeping: Agency) -> None:
    """Whoever leaves for good takes everything along, but for history."""
    u1, _ = keeping.users
    keeping.publish(1)
    keeping.schedule(*three())
    u1.shows("s3", "s10", "s20")
    keeping.unpublish(2)
    u1.keeps("s3", "s10", "s20")
    u1.command("disconnect", purge=True)
    u1.shows()
    u1.is_told("stopped")


def test_a_shift_that_outgrows_the_days_of_keep(keeping: Agency) -> None:
    """Un-published after a roll back keeps what the roll back has left."""
    u1, _ = keeping.users
    keeping.publish(1)
    keeping.schedule(*three())
    u1.shows("s3", "s10", "s20")
    keeping.unpublish(2, in_days(12).date(), back=True)
    u1.shows("s3", "s10")
    keeping.unpublish(3)
    keeping.schedule(gone("s3", 2))
    u1.keeps("s3", "s10")
    keeping.publish(4)
    u1.shows("s10", "s20")
