"""What would be written now, and that recording it leaves nothing to write."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcal.memory import MemoryGoogle
from planning.answers import Attempt, Unsettled, begin, proceed
from planning.plan import plan, plan_removal
from planning.record import record
from planning.urgency import urgency
from schemas.facts import Standing, Wish
from schemas.mutations import DeleteEvent, EventBody, Insert, InsertEvent, Mutation, Patch, PatchEvent
from schemas.outcomes import Refused, Removed, Stored
from schemas.policy import Policy
from schemas.rows import Burnt, Open, Refusal, UserRow
from tests.planning.build import KEEP, NOW, REMOVE, applied, at, cause, connected, google, in_step, row, wish

OLD: dict[str, Any] = {"start": at(days=-31), "end": at(days=-30)}
EDGE: dict[str, Any] = {"start": at(days=-31), "end": at(days=-30, seconds=1)}


def body_of(mutation: Mutation) -> EventBody:
    """Return the body of the mutation's first call."""
    call = begin(mutation).call
    assert isinstance(call, Insert | Patch)
    return call.body


def test_a_wish_that_stands_nowhere() -> None:
    """It is inserted, under the id of the shift, with its names."""
    (only,) = plan(row({"1": wish()}), REMOVE, NOW)
    assert isinstance(only, InsertEvent)
    body = body_of(only)
    assert (only.event_id, only.generation, body["id"]) == (google(), 0, google())
    names = body["extendedProperties"]["private"]
    assert names == {
        "bgsId": "BGS_1",
        "bgsAgency": "metro",
        "bgsCalendar": "dec",
        "bgsVersion": "1",
        "bgsFingerprint": only.rendered.fingerprint,
    }
    assert not {"attendees", "source", "colorId"} & set(body)


def test_a_wish_that_stands_as_it_should() -> None:
    """Nothing is written, nor for a new version alone."""
    assert plan(in_step({"1": wish()}), REMOVE, NOW) == ()
    assert plan(row({"1": wish(version=9)}, applied={google(): applied(wish())}), REMOVE, NOW) == ()


def test_a_wish_that_stands_otherwise() -> None:
    """It is patched under the etag that is known."""
    (only,) = plan(row({"1": wish(2, title="Night")}, applied={google(): applied(wish())}), REMOVE, NOW)
    assert isinstance(only, PatchEvent)
    assert (only.etag, only.version, body_of(only)["summary"]) == ('"1"', 2, "Night")


def test_an_event_that_nobody_wishes() -> None:
    """It is deleted under the etag that is known."""
    (only,) = plan(row({}, applied={google(): applied(wish())}), REMOVE, NOW)
    assert isinstance(only, DeleteEvent)
    assert (only.event_id, only.etag) == (google(), '"1"')


@pytest.mark.parametrize(("end", "writes"), [(at(days=-30), 0), (at(days=-30, seconds=1), 1)])
def test_a_shift_at_the_edge_of_the_window(end: Any, writes: int) -> None:
    """What ended 30 days ago is neither created nor deleted."""
    wished = wish(start=at(days=-31), end=end)
    assert len(plan(row({"1": wished}), REMOVE, NOW)) == writes
    assert len(plan(row({}, applied={google(): applied(wished)}), REMOVE, NOW)) == writes


def test_an_edit_of_what_is_history() -> None:
    """It is not changed any more."""
    standing = {google(): applied(wish(**OLD))}
    assert plan(row({"1": wish(title="Night", **OLD)}, applied=standing), REMOVE, NOW) == ()


def test_a_wanted_shift_whose_event_stands_in_the_past() -> None:
    """It is patched wherever it stands."""
    moved = applied(wish(), fingerprint="other", start=OLD["start"], end=OLD["end"])
    (only,) = plan(row({"1": wish()}, applied={google(): moved}), REMOVE, NOW)
    assert isinstance(only, PatchEvent)


def test_a_shift_edited_into_the_past() -> None:
    """Its event ends in the future at Google, and is judged by that: it goes."""
    (only,) = plan(row({"1": wish(**OLD)}, applied={google(): applied(wish())}), REMOVE, NOW)
    assert isinstance(only, DeleteEvent)


def test_an_unwanted_event_that_the_user_moved_into_the_past() -> None:
    """It is judged by the end it has at Google: it stays."""
    assert plan(row({}, applied={google(): applied(wish(), end=OLD["end"])}), REMOVE, NOW) == ()


def test_kinds() -> None:
    """Only the synced ones are written; a changed policy takes the others off."""
    training = wish(kind="training")
    assert plan(row({"1": training}), REMOVE, NOW) == ()
    both = Policy(synced_kinds=frozenset({"shift", "training"}))
    assert len(plan(row({"1": training}), both, NOW)) == 1
    (only,) = plan(in_step({"1": training}), REMOVE, NOW)
    assert isinstance(only, DeleteEvent)


@pytest.mark.parametrize(
    ("standing", "policy", "writes"),
    [
        ("unpublished", REMOVE, 1),
        ("unpublished", KEEP, 0),
        ("rolled_back", KEEP, 1),
        ("never", KEEP, 1),
        ("published", KEEP, 1),
    ],
)
def test_a_calendar_that_wants_nothing_any_more(standing: Standing, policy: Policy, writes: int) -> None:
    """`keep` freezes what was un-published, and nothing else."""
    kept = row({}, standing, applied={google(): applied(wish())})
    assert len(plan(kept, policy, NOW)) == writes


def test_a_frozen_calendar_beside_a_live_one() -> None:
    """The live one goes on."""
    before = row({}, "unpublished", applied={google(): applied(wish())})
    live = before.model_copy(update={"calendars": before.calendars | row({"2": wish()}).calendars})
    other = live.model_copy(
        update={"calendars": before.calendars | {"jan": row({"2": wish()}).calendars["dec"]}}
    )
    (only,) = plan(other, KEEP, NOW)
    assert only.calendar_id == "jan"


def test_a_purge() -> None:
    """It takes frozen events too, but no history."""
    standing = {google("1"): applied(wish()), google("2"): applied(wish(**OLD), "2")}
    frozen = row({}, "unpublished", applied=standing)
    assert [m.event_id for m in plan_removal(frozen, "all", NOW)] == [google("1")]
    assert plan_removal(frozen, "none", NOW) == ()


def test_a_leave_that_removes_the_future() -> None:
    """What has begun stays."""
    begun = wish(start=at(hours=-1), end=at(hours=7))
    standing = {google("1"): applied(wish()), google("2"): applied(begun, "2")}
    assert [m.event_id for m in plan_removal(row({}, applied=standing), "future", NOW)] == [google("1")]


def test_events_stand_but_nobody_ever_spoke_of_this_user() -> None:
    """Nothing is removed: the memory is more likely lost than the shifts."""
    assert plan(row(None, applied={google(): applied(wish())}), REMOVE, NOW) == ()
    assert len(plan(row({}, applied={google(): applied(wish())}), REMOVE, NOW)) == 1


def test_two_events_of_one_shift() -> None:
    """The older id stays, the other one goes."""
    both = {google("1", n): applied(wish(), generation=n) for n in (0, 1)}
    (only,) = plan(row({"1": wish()}, applied=both), REMOVE, NOW)
    assert isinstance(only, DeleteEvent)
    assert only.event_id == google("1", 1)


def test_an_id_that_google_has_burnt() -> None:
    """The next one is used at once, since the burnt one is remembered."""
    (only,) = plan(row({"1": wish()}, burnt={"dec/1": Burnt(generation=2, end=at(days=2))}), REMOVE, NOW)
    assert (only.event_id, only.generation) == (google("1", 2), 2)


def test_a_wish_that_google_refused() -> None:
    """It is not tried again, until it is another wish."""
    (first,) = plan(row({"1": wish()}), REMOVE, NOW)
    assert isinstance(first, InsertEvent)
    refused = {"dec/1": Refusal(fingerprint=first.rendered.fingerprint, error="e", end=at(days=2))}
    assert plan(row({"1": wish()}, refused=refused), REMOVE, NOW) == ()
    assert len(plan(row({"1": wish(title="Night")}, refused=refused), REMOVE, NOW)) == 1


def test_a_removal_that_google_refused() -> None:
    """It is not tried again."""
    refused = {google(): Refusal(fingerprint="", error="e", end=at(days=2))}
    assert plan(row({}, applied={google(): applied(wish())}, refused=refused), REMOVE, NOW) == ()


def test_the_soonest_shift_goes_first() -> None:
    """Inserts, patches and deletes are ordered by the start of the shift alone."""
    soon: dict[str, Any] = {"start": at(hours=2), "end": at(hours=3)}
    wishes = {"1": wish(), "2": wish(**soon), "3": wish(start=at(days=9), end=at(days=10))}
    gone = {google("4"): applied(wish(start=at(hours=1), end=at(hours=9)), "4")}
    todo = plan(row(wishes, applied=gone), REMOVE, NOW)
    assert [m.shift_id for m in todo] == ["4", "2", "1", "3"]
    assert sorted(todo, key=urgency) == list(todo)


def test_what_caused_a_write() -> None:
    """The newest message that changed the wish; else what asked for the look; else nobody."""
    opened = {"dec/1": Open(cause=cause(7), version=3)}
    (only,) = plan(row({"1": wish()}, open=opened), REMOVE, NOW)
    assert only.cause == cause(7)
    (only,) = plan(row({"1": wish()}, connection=connected(default_cause=cause(8))), REMOVE, NOW)
    assert only.cause == cause(8)
    (only,) = plan(row({"1": wish()}), REMOVE, NOW)
    assert only.cause is None
    (only,) = plan(row({}, applied={google(): applied(wish())}, open=opened), REMOVE, NOW)
    assert (only.cause, only.version) == (cause(7), 3)


_wishes = st.dictionaries(
    st.sampled_from("1234"),
    st.sampled_from(
        [wish(), wish(title="Night"), wish(kind="training"), wish(**OLD), wish(**EDGE), wish(time_zone="UTC")]
    ),
)


@given(wishes=_wishes, stands=_wishes, policy=st.sampled_from((REMOVE, KEEP, Policy(title="* {{ title }}"))))
def test_any_plan_once_it_is_recorded(
    wishes: dict[str, Wish], stands: dict[str, Wish], policy: Policy
) -> None:
    """Planning and recording are inverse: nothing is left to plan, and recording again changes nothing."""
    world = MemoryGoogle(time_zone="Asia/Kolkata")
    before = row({}, applied={})
    for wished in (stands, wishes):
        before = row(wished, applied=before.applied)
        before = _carried_out(before, policy, world)
        assert plan(before, policy, NOW) == ()


def _carried_out(before: UserRow, policy: Policy, world: MemoryGoogle) -> UserRow:
    for mutation in plan(before, policy, NOW):
        step: Any = begin(mutation)
        while isinstance(step, Attempt):
            step = proceed(step, world.apply("red", step.call), NOW)
        assert not isinstance(step, Unsettled)
        once = record(before, step)
        assert record(once, step) == once
        before = once
    return before


def stored(generation: int = 0, **fields: Any) -> Stored:
    names: dict[str, Any] = {
        "event_id": google("1", generation),
        "calendar_id": "dec",
        "shift_id": "1",
        "generation": generation,
    }
    body = {"action": "inserted", "etag": '"2"', "fingerprint": "f", "echo": "f", "version": 1, "at": NOW}
    return Stored(**(names | body | {"start": at(days=1), "end": at(days=2)} | fields))


def test_a_stored_event() -> None:
    """It is known with its etag, and what was refused before is forgotten."""
    got = record(row({}, refused={"dec/1": Refusal(fingerprint="f", error="e", end=NOW)}), stored())
    assert got.applied[google()].etag == '"2"'
    assert (got.refused, got.last_synced_at) == ({}, NOW)


def test_a_stored_event_that_a_listing_has_shown() -> None:
    """A write does not make it unseen."""
    assert record(row({}, applied={google(): applied(wish())}), stored()).applied[google()].seen
    assert not record(row({}), stored()).applied[google()].seen


def test_an_event_stored_under_another_id() -> None:
    """The burnt ids before it are forgotten, the new one is remembered beyond the event's own life."""
    got = record(row({}, applied={google(): applied(wish())}), stored(1))
    assert set(got.applied) == {google("1", 1)}
    gone = record(got, Removed(event_id=google("1", 1), calendar_id="dec", shift_id="1", version=1, at=NOW))
    assert (gone.applied, gone.burnt["dec/1"].generation) == ({}, 1)


@pytest.mark.parametrize(("fingerprint", "name"), [("f", "dec/1"), ("", google())])
def test_a_refusal(fingerprint: str, name: str) -> None:
    """A wish is remembered by its shift, a removal by its event."""
    refused = Refused(
        event_id=google(),
        calendar_id="dec",
        shift_id="1",
        version=1,
        fingerprint=fingerprint,
        error="e",
        end=at(days=1),
        at=NOW,
    )
    assert set(record(row({}), refused).refused) == {name}


def test_outcomes_that_come_late() -> None:
    """The time of the last sync never goes back."""
    got = record(row({}, last_synced_at=at(hours=1)), stored(at=NOW - timedelta(hours=1)))
    assert got.last_synced_at == at(hours=1)
