"""What an event looks like, and when two of them are the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gcal.memory import MemoryGoogle
from planning.body import as_patch, event_fingerprint, event_instant, insert_body, render
from schemas.facts import Wish
from schemas.mutations import Insert, Patch, Rendered
from schemas.policy import Policy
from tests.planning.build import CALENDAR, REMOVE, google, wish

DAY: dict[str, Any] = {"start": date(2026, 12, 2), "end": date(2026, 12, 3), "time_zone": None}


def rendered(of: Wish, policy: Policy = REMOVE) -> Rendered:
    return render(CALENDAR, "1", of, policy)


def body(of: Wish) -> dict[str, Any]:
    return insert_body(google(), rendered(of), {"bgsId": "BGS_1"})


def timed(hour: int, offset: int = 0, zone: str = "America/New_York", **fields: Any) -> Wish:
    start = datetime(2026, 12, 2, hour, tzinfo=UTC) - timedelta(hours=offset)
    return wish(start=start, end=start + timedelta(hours=8), time_zone=zone, **fields)


def test_a_timed_shift() -> None:
    """It is shown in its own zone, with that zone's offset."""
    assert body(timed(12, location="Station 4", notes="Radio")) == {
        "id": google(),
        "summary": "Day",
        "location": "Station 4",
        "description": "Radio",
        "start": {"dateTime": "2026-12-02T07:00:00-05:00", "timeZone": "America/New_York"},
        "end": {"dateTime": "2026-12-02T15:00:00-05:00", "timeZone": "America/New_York"},
        "reminders": {"useDefault": True},
        "extendedProperties": {"private": {"bgsId": "BGS_1"}},
    }


def test_an_all_day_shift() -> None:
    """It has days, the last one not included, and no zone."""
    assert body(wish(**DAY))["start"] == {"date": "2026-12-02"}
    assert body(wish(**DAY))["end"] == {"date": "2026-12-03"}


def test_a_shift_through_the_night_of_the_clocks() -> None:
    """Each side has the offset that its own moment has."""
    start = datetime(2026, 10, 31, 23, tzinfo=UTC)
    got = body(wish(start=start, end=start + timedelta(hours=12)))
    assert got["start"]["dateTime"] == "2026-10-31T19:00:00-04:00"
    assert got["end"]["dateTime"] == "2026-11-01T06:00:00-05:00"


def test_an_offset_that_disagrees_with_the_zone() -> None:
    """The instant wins, rendered in the zone."""
    text = datetime.fromisoformat("2026-12-02T17:30:00+05:30")
    assert body(wish(start=text, end=text + timedelta(hours=8))) == body(timed(12))


def test_a_patch() -> None:
    """It takes away what the insert lacks, and touches neither the id nor the reminders."""
    patch = as_patch(body(timed(12)))
    assert patch["location"] is patch["description"] is None
    assert patch["start"]["date"] is None
    assert "id" not in patch
    assert "reminders" not in patch


@pytest.mark.parametrize("before", [wish(**DAY), timed(12, location="Station 4", notes="x")])
@pytest.mark.parametrize(
    "after", [wish(**DAY), timed(13), timed(12, zone="Asia/Kolkata"), wish(title="", **DAY)]
)
def test_any_shift_becomes_any_other(before: Wish, after: Wish) -> None:
    """One patch is enough, between timed and all-day too, and the user's colour stays."""
    google_ = MemoryGoogle(time_zone="Pacific/Auckland")
    google_.apply("red", Insert(event_id=google(), generation=0, body=body(before)))
    event = google_.alter("red", google(), {"colorId": "7", "reminders": {"useDefault": False}})
    google_.apply(
        "red", Patch(event_id=google(), generation=0, etag=event["etag"], body=as_patch(body(after)))
    )
    event = google_.standing("red")[google()]
    assert event_fingerprint(event) == rendered(after).fingerprint
    assert (event["colorId"], event["reminders"]) == ("7", {"useDefault": False})


def test_times_are_compared_as_instants_plus_zone() -> None:
    """Spelling does not matter, the zone does."""

    def fingerprint(text: str, zone: str) -> str:
        event = body(timed(12)) | {"start": {"dateTime": text, "timeZone": zone}}
        return event_fingerprint(event)

    assert fingerprint("2026-12-02T12:00:00Z", "America/New_York") == rendered(timed(12)).fingerprint
    assert fingerprint("2026-12-02T12:00:00Z", "UTC") != rendered(timed(12)).fingerprint
    assert fingerprint("2026-12-02T12:01:00Z", "America/New_York") != rendered(timed(12)).fingerprint


@pytest.mark.parametrize("field", ["summary", "location", "description", "start", "end"])
def test_a_field_of_ours_is_altered(field: str) -> None:
    """The fingerprint notices each of them."""
    event = body(timed(12, location="Station 4", notes="Radio"))
    other = {"dateTime": "2026-12-02T13:00:00Z", "timeZone": "UTC"} if field in {"start", "end"} else "mine"
    assert event_fingerprint(event | {field: other}) != event_fingerprint(event)


def test_a_field_of_the_users() -> None:
    """Colour, reminders and everything else are nothing to us."""
    event = body(timed(12))
    theirs = {"colorId": "7", "reminders": {"useDefault": False}, "transparency": "transparent"}
    assert event_fingerprint(event | theirs) == event_fingerprint(event)


def test_long_texts() -> None:
    """They are cut where Google would refuse them, after the templates were filled."""
    policy = Policy(title="{{ title }}{{ title }}", description="{{ notes }}{{ notes }}")
    got = rendered(wish(title="t" * 1_000, location="l" * 2_000, notes="n" * 5_000), policy)
    assert [len(got.summary), len(got.location), len(got.description)] == [1_024, 1_024, 8_000]


def test_an_agencys_templates() -> None:
    """Every documented word can be used."""
    source = "{{ shift_id }} {{ title }} {{ location }} {{ notes }} {{ kind }} {{ calendar_id }}"
    got = rendered(wish(location="Station 4"), Policy(title=source, description="{{ title }}!"))
    assert (got.summary, got.description) == ("1 Day Station 4  shift dec", "Day!")


@pytest.mark.parametrize(
    "source", ["{{ nobody }}", "{{ title / 0 }}", "{{ title.x.y }}", "{{ ''.__class__.__mro__ }}"]
)
def test_a_template_that_fails(source: str) -> None:
    """The plain title is shown: the shift matters more than its dress."""
    assert rendered(wish(), Policy(title=source)).summary == "Day"


def test_a_template_changes() -> None:
    """The same shift has another fingerprint, so the new dress reaches the calendar."""
    assert rendered(wish(), Policy(title="* {{ title }}")).fingerprint != rendered(wish()).fingerprint


def test_a_new_version_alone() -> None:
    """It changes nothing that is written."""
    assert rendered(wish(version=1)) == rendered(wish(version=2))


def test_the_moments_of_an_event() -> None:
    """They are instants; a day stands for its midnight UTC."""
    assert event_instant({"start": {"dateTime": "2026-12-02T07:00:00-05:00"}}, "start").hour == 12
    assert event_instant({"end": {"date": "2026-12-03"}}, "end") == datetime(2026, 12, 3, tzinfo=UTC)
