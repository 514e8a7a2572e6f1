"""A group that begins beside another one: what it takes over, and what it finds out for itself."""

from __future__ import annotations

from datetime import datetime

from planning.agenda import Look, Rest, Write, agenda
from planning.believed import believed
from planning.users import Terms, fold
from planning.verify import fold_seen
from schemas.facts import Inherited, Wish, Withdrawal
from schemas.mutations import InsertEvent, PatchEvent
from schemas.policy import Policy
from schemas.preferences import Preferences
from schemas.rows import Burnt, CalendarWish, Connection, Drift, Refusal, UserRow
from tests.planning.build import (
    AGENCY,
    CALENDAR,
    NOW,
    REMOVE,
    USER,
    applied,
    at,
    connect,
    connected,
    contribution,
    disconnect,
    folded,
    google,
    in_step,
    row,
    wish,
)


def inherited(other: UserRow) -> Inherited:
    return Inherited(agency_id=AGENCY, user_id=USER, row=other.model_dump_json(exclude_defaults=True))


def begun(wishes: dict[str, Wish], *, since: datetime | None = None) -> UserRow:
    """A row as the inputs alone make it: connected, wanting something, and never looked."""
    return folded([connect(since or at(days=-1)), contribution(5, wishes)])


def test_one_and_the_same() -> None:
    """There is nothing to look at, and nothing to write."""
    before = begun({"1": wish()})
    assert isinstance(agenda(before, REMOVE, NOW), Look)
    after = folded([inherited(in_step({"1": wish()}))], before)
    assert agenda(after, REMOVE, NOW) == Rest()
    assert after.calendars == before.calendars


def test_another_policy() -> None:
    """The first plan is what the change of policies makes of the calendar as it stands."""
    after = folded([inherited(in_step({"1": wish()}))], begun({"1": wish(), "2": wish()}))
    todo = agenda(after, Policy(title="{{ title }}!"), NOW)
    assert isinstance(todo, Write)
    assert {type(one) for one in todo.mutations} == {PatchEvent, InsertEvent}


def test_what_only_google_could_tell() -> None:
    """Refusals, burnt ids, edits by hand and a grant that is lost are taken over with the connection that they belong to."""
    key = f"{CALENDAR}/1"
    other = row(
        {"1": wish()},
        refused={key: Refusal(fingerprint="f", error="no", end=at(days=2))},
        burnt={key: Burnt(generation=1, end=at(days=2))},
        drift={key: Drift(kind="deleted", version=1, end=at(days=2))},
        preferences=Preferences(show_as="free"),
        preferred_at=NOW,
    )
    after = folded([inherited(other)], begun({"1": wish()}))
    assert (after.refused, after.burnt, after.drift) == (other.refused, other.burnt, other.drift)
    assert (after.preferences, after.preferred_at) == (other.preferences, NOW)
    reconnected = folded([inherited(other)], begun({"1": wish()}, since=NOW))
    assert (reconnected.refused, reconnected.drift) == ({}, {})
    assert reconnected.connection.target == "red"
    assert isinstance(agenda(reconnected, REMOVE, NOW), Look)


def test_once() -> None:
    """Told again, perhaps by another worker, it changes nothing any more."""
    after = folded([inherited(in_step({"1": wish()}))], begun({"1": wish()}))
    assert folded([inherited(in_step({"1": wish(), "2": wish()}))], after) == after


def test_somebody_of_whom_the_inputs_say_nothing() -> None:
    """The events stand there and are nobody's: they are held, as with any group."""
    after = fold(None, inherited(row(applied={google(): applied(wish())})), Terms(REMOVE, NOW)).row
    assert list(after.applied) == [google()]
    assert agenda(after, REMOVE, NOW) == Rest()


def test_a_release_of_long_ago() -> None:
    """How much a withdrawal takes off, and that it was let go, is as it was when it came."""
    withdrawal = Withdrawal(version=2, in_all=9, shifts=("1",))
    mine = begun({}).model_copy(
        update={
            "calendars": {CALENDAR: CalendarWish(revision=1, standing="unpublished", withdrawal=withdrawal)}
        }
    )
    theirs = CalendarWish(
        revision=8,
        standing="unpublished",
        withdrawal=withdrawal.model_copy(update={"released": True}),
        share=0.9,
        let_go=True,
    )
    other = row(connection=connected()).model_copy(update={"calendars": {CALENDAR: theirs}})
    after = folded([inherited(other)], mine).calendars[CALENDAR]
    assert after == theirs.model_copy(update={"revision": 1})
    newer = theirs.model_copy(update={"withdrawal": withdrawal.model_copy(update={"version": 3})})
    other = other.model_copy(update={"calendars": {CALENDAR: newer}})
    assert folded([inherited(other)], mine).calendars == mine.calendars


def test_somebody_who_left() -> None:
    """An ending that the other group has carried out is not carried out again."""
    ended = folded([disconnect(at(days=-1), purge=True)], folded([connect(at(days=-2))]))
    assert agenda(ended, REMOVE, NOW) != Rest()
    done = Connection(
        state="disconnected", occurred_at=at(days=-1), connected_at=at(days=-2), purge=True, target="red"
    )
    assert agenda(folded([inherited(row(connection=done))], ended), REMOVE, NOW) == Rest()


def test_a_look_at_the_row() -> None:
    """It finds what is believed, whatever was altered by hand; in another calendar it finds nothing."""
    before = row(
        {"1": wish()},
        applied={google(): applied(wish(), echo="spelled otherwise", seen=False)},
        connection=connected(strips_properties=True),
    )
    after = fold_seen(before, believed(before, "red", "t", NOW))
    assert after.applied == before.applied
    assert after.connection.strips_properties
    moved = fold_seen(before, believed(before, "blue", "t", NOW))
    assert (moved.applied, moved.connection.target) == ({}, "blue")
    assert not moved.connection.strips_properties
