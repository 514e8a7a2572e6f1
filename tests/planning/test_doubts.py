"""A write that may have been made, though nobody told what came of it, and whose wish has changed since."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from planning.agenda import DOUBT, Look, Rest, Write, agenda
from planning.observation import Known
from planning.users import Terms, fold
from planning.verify import ids_to_read, known_ids
from schemas.facts import CalendarSeen, CallsAnswered, Wish
from schemas.mutations import DeleteEvent, InsertEvent
from schemas.outcomes import Observed, Removed
from schemas.rows import Burnt, UserRow
from tests.planning.build import (
    AGENCY,
    CALENDAR,
    NOW,
    REMOVE,
    USER,
    applied,
    at,
    connected,
    contribution,
    folded,
    google,
    in_step,
    row,
    wish,
)

KEY = f"{CALENDAR}/1"
SOME = frozenset({KEY})


def overtaken(before: UserRow, wishes: dict[str, Wish], unsure: frozenset[str] | None = SOME) -> UserRow:
    """Return the row after a contribution that overtakes what was planned."""
    return fold(before, contribution(1, wishes), Terms(REMOVE, NOW, unsure=unsure)).row


def seen(*observed: Observed) -> CalendarSeen:
    return CalendarSeen(
        agency_id=AGENCY,
        user_id=USER,
        verify=DOUBT,
        target="red",
        at=NOW,
        window_start=at(days=-31),
        observed=observed,
    )


def standing(of: Wish) -> Observed:
    """Return the event of this wish, as a look shows it."""
    fields = asdict(applied(of))
    del fields["echo"], fields["seen"]
    return Observed(event_id=google(), tagged=True, **fields)


CASES = {
    "insert": (row({"1": wish()}), {}),
    "delete": (in_step({"1": wish()}).model_copy(update={"calendars": row({}).calendars}), {"1": wish(3)}),
    "patch": (
        in_step({"1": wish()}).model_copy(update={"calendars": row({"1": wish(2, title="Other")}).calendars}),
        {"1": wish(3)},
    ),
}


@pytest.mark.parametrize(("before", "wishes"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("unsure", [SOME, None], ids=["begun", "perhaps begun by a dead worker"])
def test_change_is_undone_while_nobody_knows(
    before: UserRow, wishes: dict[str, Wish], unsure: frozenset[str] | None
) -> None:
    """Nothing seems to be left to do, but what stands at Google has to be looked at; the status says so."""
    assert isinstance(agenda(before, REMOVE, NOW), Write)
    after = overtaken(before, wishes, unsure)
    assert agenda(after, REMOVE, NOW) == Look(DOUBT)
    assert after.status is not None
    assert after.status.state == "syncing"


@pytest.mark.parametrize(("before", "wishes"), CASES.values(), ids=CASES)
def test_change_is_undone_while_it_waits(before: UserRow, wishes: dict[str, Wish]) -> None:
    """No call was begun: nothing is looked at and nothing written."""
    assert agenda(overtaken(before, wishes, frozenset()), REMOVE, NOW) == Rest()


def test_call_is_answered_after_all() -> None:
    """The outcome tells everything: no look."""
    before, wishes = CASES["delete"]
    gone = Removed(
        event_id=google(), calendar_id=CALENDAR, shift_id="1", version=2, cause=None, left=False, at=NOW
    )
    answered = CallsAnswered(agency_id=AGENCY, user_id=USER, outcomes=(gone,))
    after = folded([answered], overtaken(before, wishes))
    todo = agenda(after, REMOVE, NOW)
    assert isinstance(todo, Write)
    assert isinstance(todo.mutations[0], InsertEvent)


def test_look_finds_what_was_made() -> None:
    """The event that nobody told of goes, in the name of the message that undid it."""
    before, wishes = CASES["insert"]
    after = folded([seen(standing(wish()))], overtaken(before, wishes))
    todo = agenda(after, REMOVE, NOW)
    assert isinstance(todo, Write)
    assert isinstance(todo.mutations[0], DeleteEvent)
    assert todo.mutations[0].cause == contribution(1, {}).cause


def test_look_finds_nothing() -> None:
    """The call was never made: all is as it should be."""
    before, wishes = CASES["insert"]
    assert agenda(folded([seen()], overtaken(before, wishes)), REMOVE, NOW) == Rest()


def test_account_strips_properties() -> None:
    """No listing shows such an event: the id that it would have is read."""
    before, wishes = CASES["insert"]
    stripping = before.model_copy(update={"connection": connected(strips_properties=True)})
    after = overtaken(stripping, wishes)
    assert ids_to_read(after, (), NOW, REMOVE) == (google(),)
    assert known_ids(after) == {google(): Known(CALENDAR, "1", 0)}


def test_id_was_burnt() -> None:
    """The id of the newest generation is the one that may stand there."""
    before, wishes = CASES["insert"]
    burnt = before.model_copy(update={"burnt": {KEY: Burnt(generation=2, end=at(days=1))}})
    assert ids_to_read(overtaken(burnt, wishes), (), NOW, REMOVE) == (google(generation=2),)


def test_look_is_due_anyway() -> None:
    """A user who is looked at for another reason needs no second look."""
    before, wishes = CASES["insert"]
    connecting = before.model_copy(
        update={"connection": connected(verify={"ticket": "connect", "cause": None})}
    )
    assert overtaken(connecting, wishes).doubts == ()
