"""What a look at Google shows: what is ours, and what we believe afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from planning.body import insert_body, render
from planning.observation import Known, names_of, observe
from planning.plan import plan
from planning.verify import fold_seen, ids_to_read, known_ids
from schemas.facts import CalendarSeen
from schemas.mutations import EventBody, InsertEvent, PatchEvent
from schemas.outcomes import Observed
from schemas.policy import Policy
from schemas.rows import Burnt, Refusal, UserRow, Verify
from tests.planning.build import (
    AGENCY,
    CALENDAR,
    NOW,
    REMOVE,
    USER,
    applied,
    at,
    cause,
    connected,
    google,
    in_step,
    row,
    wish,
)

START = at(days=-30)


def event(shift_id: str = "1", generation: int = 0, **fields: Any) -> EventBody:
    """Return Ann's shift as Google shows it."""
    rendered = render(CALENDAR, shift_id, wish(), REMOVE)
    names = names_of(AGENCY, CALENDAR, shift_id, 1, rendered.fingerprint)
    body = insert_body(google(shift_id, generation), rendered, names)
    return body | {"etag": '"5"', "status": "confirmed"} | fields


def seen(*events: EventBody, known: UserRow | None = None, **fields: Any) -> CalendarSeen:
    observed = tuple(o for e in events if (o := observe(e, AGENCY, known_ids(known or row()))) is not None)
    body: dict[str, Any] = {"agency_id": AGENCY, "user_id": USER, "verify": "t", "target": "red", "at": NOW}
    return CalendarSeen(**(body | {"window_start": START, "observed": observed} | fields))


def test_an_event_of_ours() -> None:
    """Its id is derived from the shift that its own properties name."""
    got = observe(event(), AGENCY, {})
    assert isinstance(got, Observed)
    assert (got.calendar_id, got.shift_id, got.generation, got.tagged) == (CALENDAR, "1", 0, True)


def test_an_event_of_ours_under_a_later_id() -> None:
    """Any generation is ours."""
    got = observe(event(generation=7), AGENCY, {})
    assert got is not None
    assert got.generation == 7


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "user00001"},
        {"id": google("2")},
        {"extendedProperties": {}},
        {"extendedProperties": {"private": {"bgsAgency": AGENCY}}},
        {"status": "cancelled"},
    ],
)
def test_an_event_that_is_not_ours(fields: EventBody) -> None:
    """A copy, an event under a strange id, one without names, one that is deleted: none of them is ours."""
    assert observe(event() | fields, AGENCY, {}) is None


def test_an_event_of_another_agency() -> None:
    """It is theirs, in the same calendar."""
    assert observe(event(), "rural", {}) is None


def test_an_event_without_names_that_we_know() -> None:
    """It is ours by the shift that we know, and says that its names are gone."""
    got = observe(event(extendedProperties={}), AGENCY, {google(): Known(CALENDAR, "1", 0)})
    assert got is not None
    assert (got.shift_id, got.tagged) == ("1", False)


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 900, "\u0661"])
def test_a_version_that_the_user_wrote(version: str) -> None:
    """It is read as no version at all."""
    body = event()
    body["extendedProperties"]["private"]["bgsVersion"] = version
    got = observe(body, AGENCY, {})
    assert got is not None
    assert got.version == 0


def test_what_has_to_be_read_one_by_one() -> None:
    """What no listing ever showed; all of it where names are stripped; never history."""
    known = {
        google("1"): applied(wish(), "1"),
        google("2"): applied(wish(), "2", seen=False),
        google("3"): applied(wish(), "3", seen=False, end=at(days=-30)),
        google("4"): applied(wish(), "4", seen=False),
    }
    assert ids_to_read(row({}, applied=known), [google("4")], NOW, REMOVE) == (google("2"),)
    stripping = row({}, applied=known, connection=connected(strips_properties=True))
    assert set(ids_to_read(stripping, [], NOW, REMOVE)) == {google("1"), google("2"), google("4")}


def test_what_has_to_be_read_where_deletions_are_respected() -> None:
    """What is wished for and not listed may stand where no listing shows it."""
    before = in_step({"1": wish(), "2": wish()})
    before = before.model_copy(update={"applied": before.applied | {google("3"): applied(wish(), "3")}})
    assert ids_to_read(before, [google("2")], NOW, Policy(on_drift="respect_deletion")) == (google("1"),)
    assert ids_to_read(before, [google("2")], NOW, Policy(on_drift="report")) == ()


def test_a_listing_shows_what_is_known() -> None:
    """Nothing is left to write, and the event counts as seen from now on."""
    before = in_step({"1": wish()})
    got = fold_seen(before, seen(event()))
    assert plan(got, REMOVE, NOW) == ()
    assert got.applied[google()].etag == '"5"'
    assert got.applied[google()].seen


def test_a_listing_shows_what_the_state_had_lost() -> None:
    """It is adopted: no duplicate, no write."""
    assert plan(fold_seen(row({"1": wish()}), seen(event())), REMOVE, NOW) == ()


def test_a_listing_does_not_show_what_it_showed_before() -> None:
    """The user has deleted it: it comes back."""
    (only,) = plan(fold_seen(in_step({"1": wish()}), seen()), REMOVE, NOW)
    assert isinstance(only, InsertEvent)


def test_a_listing_does_not_show_what_it_never_showed() -> None:
    """That proves nothing; reading it does."""
    before = row({"1": wish()}, applied={google(): applied(wish(), seen=False)})
    assert google() in fold_seen(before, seen()).applied
    assert fold_seen(before, seen(absent=(google(),))).applied == {}


def test_an_account_that_strips_names() -> None:
    """Absence from the listing proves nothing there, not even for what was seen before."""
    before = in_step({"1": wish()})
    got = fold_seen(before, seen(strips_properties=True))
    assert google() in got.applied
    assert got.connection.strips_properties


def test_a_listing_that_does_not_reach_that_far() -> None:
    """What ended before it is still believed."""
    before = row({}, applied={google(): applied(wish(), end=START)})
    assert google() in fold_seen(before, seen()).applied
    after = row({}, applied={google(): applied(wish(), end=START + timedelta(seconds=1))})
    assert fold_seen(after, seen()).applied == {}


def test_the_user_altered_an_event() -> None:
    """It is restored, under the etag that was seen."""
    (only,) = plan(fold_seen(in_step({"1": wish()}), seen(event(summary="Mine"))), REMOVE, NOW)
    assert isinstance(only, PatchEvent)
    assert only.etag == '"5"'


def test_the_user_chose_a_colour() -> None:
    """That is theirs: nothing is written."""
    before = in_step({"1": wish()})
    assert (
        plan(fold_seen(before, seen(event(colorId="7", reminders={"useDefault": False}))), REMOVE, NOW) == ()
    )


def test_google_spells_what_we_wrote_in_its_own_way() -> None:
    """What equals Google's own answer was altered by nobody."""
    spelled = observe(event(summary="Day "), AGENCY, {})
    assert spelled is not None
    known = replace(applied(wish()), echo=spelled.fingerprint)
    before = row({"1": wish()}, applied={google(): known})
    assert plan(fold_seen(before, seen(event(summary="Day "))), REMOVE, NOW) == ()


def test_another_google_calendar() -> None:
    """Nothing that was known of the old one is believed of the new one."""
    before = in_step({"1": wish()}, burnt={"dec/1": Burnt(generation=1, end=at(days=2))})
    got = fold_seen(before, seen(target="blue"))
    assert (got.applied, got.burnt, got.connection.target) == ({}, {}, "blue")


def test_the_look_that_was_asked_for() -> None:
    """It is done with, and what Google refused is tried again; an older look answers nothing."""
    refused = {"dec/1": Refusal(fingerprint="f", error="e", end=at(days=2))}
    before = row({}, refused=refused, connection=connected(verify=Verify(ticket="t", cause=cause())))
    got = fold_seen(before, seen())
    assert (got.connection.verify, got.refused, got.connection.verified_at) == (None, {}, NOW)
    other = fold_seen(before, seen(verify="older"))
    assert (other.connection.verify, other.refused) == (before.connection.verify, refused)


def test_the_daily_look() -> None:
    """It does not try again what Google refused."""
    refused = {"dec/1": Refusal(fingerprint="f", error="e", end=at(days=2))}
    before = row({}, refused=refused, connection=connected(verify=Verify(ticket="t")))
    assert fold_seen(before, seen()).refused == refused


def test_a_look_that_comes_twice() -> None:
    """The second changes nothing."""
    once = fold_seen(in_step({"1": wish()}), seen(event(summary="Mine")))
    assert fold_seen(once, seen(event(summary="Mine"))) == once
