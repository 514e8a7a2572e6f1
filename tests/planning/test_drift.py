"""What people did to our events, and what an agency makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from planning.observation import observe
from planning.plan import plan
from planning.users import Terms, fold
from planning.verify import known_ids
from schemas.facts import CalendarSeen, UserFact, Wish
from schemas.mutations import EventBody, InsertEvent, PatchEvent
from schemas.outcomes import Stored
from schemas.policy import Policy
from schemas.rows import Drift, Open, UserRow, Verify
from tests.planning.build import (
    AGENCY,
    NOW,
    REMOVE,
    USER,
    applied,
    at,
    cause,
    connect,
    connected,
    contribution,
    google,
    in_step,
    row,
    wish,
)
from tests.planning.test_users import answered, outcome
from tests.planning.test_verify import event

RESPECT, REPORT = Policy(on_drift="respect_deletion"), Policy(on_drift="report")
EVERY = (REMOVE, RESPECT, REPORT)


def after(before: UserRow, *facts: UserFact, policy: Policy = RESPECT) -> UserRow:
    for fact in facts:
        before = fold(before, fact, Terms(policy, NOW)).row
    return before


def look(before: UserRow, *events: EventBody, policy: Policy = RESPECT, **fields: Any) -> UserRow:
    """Return the row after a look that shows these events."""
    observed = tuple(o for e in events if (o := observe(e, AGENCY, known_ids(before))) is not None)
    body: dict[str, Any] = {"agency_id": AGENCY, "user_id": USER, "verify": "t", "target": "red", "at": NOW}
    seen = CalendarSeen(**(body | {"window_start": at(days=-30), "observed": observed} | fields))
    return after(before, seen, policy=policy)


def deleted(policy: Policy = RESPECT) -> UserRow:
    """Return Ann's row once a look has found that her event is gone."""
    return look(in_step({"1": wish()}), policy=policy)


def altered(policy: Policy = REPORT) -> UserRow:
    """Return Ann's row once a look has found that her event has another title."""
    return look(in_step({"1": wish()}), event(summary="Mine"), policy=policy)


def todo(of: UserRow, policy: Policy) -> list[type]:
    return [type(mutation) for mutation in plan(of, policy, NOW)]


def told(of: UserRow) -> tuple[str, str | None]:
    assert of.status is not None
    return of.status.state, of.status.last_error.code if of.status.last_error else None


@pytest.mark.parametrize("noted_under", EVERY)
def test_a_deletion(noted_under: Policy) -> None:
    """It is undone, or let stand, as the policy of now says, whatever the policy was when it was found."""
    got = deleted(noted_under)
    assert got.drift == {"dec/1": Drift(kind="deleted", version=1, end=at(days=1, hours=8))}
    assert [todo(got, policy) for policy in EVERY] == [[InsertEvent], [], []]


@pytest.mark.parametrize("noted_under", EVERY)
def test_an_alteration(noted_under: Policy) -> None:
    """Only an agency that wants a report and no more lets it stand."""
    got = altered(noted_under)
    assert got.drift == {"dec/1": Drift(kind="altered", version=1, end=at(days=1, hours=8))}
    assert [todo(got, policy) for policy in EVERY] == [[PatchEvent], [PatchEvent], []]


def test_what_the_status_says() -> None:
    """A report names the trouble, and how many there are; the user is in step all the same."""
    assert told(deleted(REPORT)) == ("in_sync", "drift")
    assert told(altered(REPORT)) == ("in_sync", "drift")
    assert told(deleted(RESPECT)) == ("in_sync", None)
    assert told(altered(RESPECT)) == ("syncing", None)


@pytest.mark.parametrize("policy", EVERY)
def test_a_new_version(policy: Policy) -> None:
    """It ends the respect, even with the same content; the note is gone."""
    gone = after(deleted(policy), contribution(1, {"1": wish(2)}), policy=policy)
    assert (todo(gone, policy), gone.drift) == ([InsertEvent], {})
    assert policy == REMOVE or gone.open["dec/1"].cause == cause(1)
    other = after(altered(policy), contribution(1, {"1": wish(2)}), policy=policy)
    assert (todo(other, policy), other.drift) == ([PatchEvent], {})


def test_the_same_contribution_again() -> None:
    """It changes nothing."""
    got = after(deleted(), contribution(1, {"1": wish()}))
    assert todo(got, RESPECT) == []


def test_a_shift_that_goes_and_comes_back() -> None:
    """The note goes with it."""
    got = after(deleted(), contribution(1, {}), contribution(2, {"1": wish()}))
    assert todo(got, RESPECT) == [InsertEvent]


def test_another_connect() -> None:
    """Whoever connects again asks for everything; what its look misses is put right, and noted by nobody."""
    again = after(deleted(), connect(at(hours=1)))
    assert todo(again, RESPECT) == [InsertEvent]
    first = after(in_step({"1": wish()}), connect(at(hours=1)))
    assert todo(look(first), RESPECT) == [InsertEvent]


def test_a_first_look() -> None:
    """After a lost state nothing is known of what stood there: what is missing is inserted."""
    assert todo(look(row({"1": wish()})), RESPECT) == [InsertEvent]


def test_another_google_calendar() -> None:
    """What is not in the new one was not deleted from it."""
    got = look(in_step({"1": wish()}), target="blue")
    assert (got.drift, todo(got, RESPECT)) == ({}, [InsertEvent])


@pytest.mark.parametrize(
    "fields",
    [
        {"open": {"dec/1": Open(cause=cause(), version=1)}},
        {"doubts": ("dec/1",)},
    ],
)
def test_a_shift_that_was_just_changed(fields: dict[str, Any]) -> None:
    """We may have taken its event off ourselves: it is put back."""
    before = in_step({"1": wish()}, connection=connected(verify=Verify(ticket="t")), **fields)
    assert todo(look(before), RESPECT) == [InsertEvent]


def test_a_write_that_was_under_way() -> None:
    """What stands there may be what we wrote; the newest wish is written, and nothing reported."""
    before = row({"1": wish(2, title="New")}, applied={google(): applied(wish())})
    got = look(before, event(summary="Between"), policy=REPORT)
    assert (todo(got, REPORT), got.drift) == ([PatchEvent], {})


def test_a_look_that_is_folded_again() -> None:
    """It may be older than what was written after it: it notes nothing, and forgets nothing."""
    once = in_step({"1": wish()}, connection=connected(verified_at=NOW))
    assert todo(look(once), RESPECT) == [InsertEvent]
    assert look(deleted()).drift == deleted().drift


def test_a_later_look() -> None:
    """What is still gone is still noted; what somebody took out of the bin is not, and what was altered then is that."""
    later: dict[str, Any] = {"at": at(hours=1)}
    assert look(deleted(), **later).drift == deleted().drift
    assert look(deleted(), event(), **later).drift == {}
    assert look(deleted(), event(summary="Mine"), **later).drift == altered().drift
    assert look(altered(), event(), **later).drift == {}
    assert look(altered(), **later).drift == deleted().drift


def test_what_was_put_right() -> None:
    """The note is gone once it is."""
    stored = answered(outcome(Stored))
    assert after(deleted(), stored, policy=REMOVE).drift == {}


def test_a_note_alone() -> None:
    """It makes another plan of the same shifts."""
    got = deleted()
    assert todo(got, RESPECT) == []
    assert todo(got.model_copy(update={"drift": {}}), RESPECT) == [InsertEvent]


def test_a_note_of_history() -> None:
    """It is dropped with all else that is forgotten."""
    old = Drift(kind="deleted", version=1, end=at(days=-31))
    assert after(row({}, drift={"dec/1": old}), connect(at(days=-9))).drift == {}


def test_a_deleted_shift_whose_older_event_stands() -> None:
    """Of two generations of one shift the one that counts stands: nothing was deleted."""
    wishes: dict[str, Wish] = {"1": wish()}
    both = {google(): applied(wish()), google(generation=1): applied(wish(), generation=1)}
    got = look(row(wishes, applied=both), event())
    assert (got.drift, todo(got, RESPECT)) == ({}, [])
