"""An un-publish that takes off suspiciously much: what is held, for whom, until when."""

from __future__ import annotations

import pytest

from planning.agenda import Write, agenda
from planning.plan import plan
from planning.users import Terms, fold
from schemas.facts import CalendarReleased, CalendarSeen, UserFact, UserReleased, Wish, Withdrawal
from schemas.mutations import DeleteEvent, Mutation
from schemas.outcomes import Removed
from schemas.policy import HoldRemovals, Policy
from schemas.rows import UserRow
from tests.planning.build import (
    AGENCY,
    CALENDAR,
    KEEP,
    NOW,
    REMOVE,
    USER,
    applied,
    at,
    connect,
    connected,
    contribution,
    deactivate,
    disconnect,
    google,
    in_step,
    row,
    wish,
)
from tests.planning.test_rules import ANN, BLUE, BOB, METRO, RED, Town
from tests.planning.test_users import answered, outcome

HOLD = Policy(hold_removals_over=HoldRemovals(share=0.5, count=10))
FOUR = {str(n): wish(start=at(days=n), end=at(days=n, hours=8)) for n in (1, 2, 3, 4)}


def withdrawn(
    *shifts: str, in_all: int = 11, version: int = 2, revision: int = 1, released: bool = False
) -> UserFact:
    """Return a contribution that takes these shifts off."""
    wishes: dict[str, Wish] = {shift: one for shift, one in FOUR.items() if shift not in shifts}
    withdrawal = Withdrawal(version=version, in_all=in_all, shifts=shifts, released=released)
    return contribution(revision, wishes, standing="rolled_back", withdrawal=withdrawal)


def after(before: UserRow, *facts: UserFact, policy: Policy = HOLD) -> UserRow:
    for fact in facts:
        before = fold(before, fact, Terms(policy, NOW)).row
    return before


def released(release_id: str = "r1") -> UserReleased:
    return UserReleased(agency_id=AGENCY, user_id=USER, release_id=release_id)


def taken(of: UserRow, policy: Policy = HOLD) -> list[str]:
    """Return the shifts whose events would be taken off now."""
    todo: tuple[Mutation, ...] = plan(of, policy, NOW)
    return sorted(m.shift_id for m in todo if isinstance(m, DeleteEvent))


def told(of: UserRow) -> tuple[str, str | None]:
    assert of.status is not None
    return of.status.state, of.status.last_error.code if of.status.last_error else None


HELD = after(in_step(FOUR), withdrawn("1", "2", "3"))


def test_beyond_both_limits() -> None:
    """Nothing is taken off, and the status says so and how to go on."""
    assert taken(HELD) == []
    assert told(HELD) == ("paused", "held")
    assert HELD.status is not None
    assert HELD.status.last_error is not None
    assert "3 removals" in HELD.status.last_error.message
    assert "shiftcal release metro --user ann" in HELD.status.last_error.what_to_do
    assert "shiftcal release metro --calendar dec" in HELD.status.last_error.what_to_do


@pytest.mark.parametrize(
    ("shifts", "in_all"),
    [(("1", "2"), 11), (("1", "2", "3"), 10)],
)
def test_within_one_of_the_limits(shifts: tuple[str, ...], in_all: int) -> None:
    """It goes on: half of a user's events is not more than half, and ten in all not more than ten."""
    got = after(in_step(FOUR), withdrawn(*shifts, in_all=in_all))
    assert taken(got) == list(shifts)
    assert told(got) == ("syncing", None)


def test_no_limits() -> None:
    """An agency that gives none has everything taken off, at once when it takes them back."""
    assert taken(HELD, REMOVE) == ["1", "2", "3"]
    assert taken(HELD, Policy(hold_removals_over=HoldRemovals(share=0.75, count=10))) == ["1", "2", "3"]
    assert taken(after(in_step(FOUR), withdrawn("1", "2", "3"), policy=REMOVE)) == []


def test_only_what_has_not_ended_counts() -> None:
    """Last week's shifts are no part of a user's future."""
    past = {f"p{n}": wish(start=at(days=-n), end=at(days=-n, hours=8)) for n in (1, 2, 3, 4)}
    before = in_step(FOUR | past)
    assert taken(after(before, withdrawn("1", "2", "3"))) == ["p1", "p2", "p3", "p4"]


def test_other_work_of_the_user() -> None:
    """It goes on: a shift that is new, and one that upstream deleted while its calendar is un-published."""
    fact = withdrawn("1", "2", revision=2)
    got = after(HELD, fact)
    assert taken(got) == []
    gone = contribution(
        3,
        {"4": FOUR["4"], "5": wish()},
        standing="rolled_back",
        withdrawal=Withdrawal(version=2, in_all=11, shifts=("1", "2")),
    )
    todo = plan(after(HELD, gone), HOLD, NOW)
    assert sorted((m.op, m.shift_id) for m in todo) == [("delete", "3"), ("insert", "5")]


def test_what_is_weighed_once() -> None:
    """Events that come or go meanwhile neither release the rest nor hold it."""
    more = {google(f"m{n}"): applied(FOUR["1"], f"m{n}") for n in range(9)}
    crowded = HELD.model_copy(update={"applied": HELD.applied | more})
    assert taken(after(crowded, withdrawn("1", "2", "3", revision=2)))[:3] == ["m0", "m1", "m2"]
    going = after(in_step(FOUR), withdrawn("1", "2"))
    fewer = after(going, answered(outcome(Removed, event_id=google("4"), shift_id="4")))
    assert taken(after(fewer, withdrawn("1", "2", revision=2))) == ["1", "2"]


def test_a_later_un_publish() -> None:
    """It is weighed anew."""
    going = after(in_step(FOUR), withdrawn("1", "2"))
    assert taken(after(going, withdrawn("1", "2", "3", version=3, revision=2))) == []


def test_published_again() -> None:
    """Nothing was lost, and nothing is written."""
    got = after(HELD, contribution(2, FOUR))
    assert plan(got, HOLD, NOW) == ()
    assert told(got) == ("in_sync", None)


def test_a_calendar_that_is_released() -> None:
    """Everything that it takes off goes, and is caused by the un-publish."""
    got = after(HELD, withdrawn("1", "2", "3", revision=2, released=True))
    assert taken(got) == ["1", "2", "3"]
    assert [m.cause.offset for m in plan(got, HOLD, NOW) if m.cause] == [1, 1, 1]


def test_a_user_who_is_released() -> None:
    """What is held goes; a later un-publish is held anew, and the same release does not count for it."""
    got = after(HELD, released())
    assert taken(got) == ["1", "2", "3"]
    assert taken(after(got, withdrawn("1", "2", "3", revision=2))) == ["1", "2", "3"]
    later = after(got, withdrawn("1", "2", "3", version=3, revision=2))
    assert taken(later) == []
    assert taken(after(later, released())) == []
    assert taken(after(later, released("r2"))) == ["1", "2", "3"]


def test_a_release_of_nothing() -> None:
    """It releases nothing that is held later, not even when it comes again."""
    early = after(in_step(FOUR), released(), withdrawn("1", "2", "3"), released())
    assert taken(early) == []
    assert taken(after(after(HELD, released(), policy=REMOVE), released("r2"))) == ["1", "2", "3"]


UNHEARD = after(row(None, applied={google(): applied(wish())}), connect(at(days=-9)))


def test_a_user_of_whom_nobody_spoke() -> None:
    """His events go once he is released, and no others that are found later."""
    assert (taken(UNHEARD), told(UNHEARD)) == ([], ("paused", "held"))
    got = after(UNHEARD, released())
    assert taken(got) == ["1"]
    assert taken(got.model_copy(update={"let_go": False})) == []
    emptied = after(got, answered(outcome(Removed)))
    assert not emptied.let_go
    assert not after(got, connect(at(hours=1))).let_go
    assert not after(got, contribution(1, {})).let_go


def test_purges_and_leavers() -> None:
    """They are never held."""
    later = at(hours=1).isoformat()
    purged = after(HELD, disconnect(at(hours=1), purge=True), look(f"disconnect {later}"))
    assert isinstance(todo := agenda(purged, HOLD, NOW), Write)
    assert len(todo.mutations) == 4
    leave = HOLD.model_copy(update={"on_leave": "remove_future"})
    left = after(HELD, deactivate(at(hours=1)), look(f"deactivate {later}"), policy=leave)
    assert isinstance(todo := agenda(left, leave, NOW), Write)
    assert len(todo.mutations) == 4


def look(ticket: str = "t") -> CalendarSeen:
    return CalendarSeen(
        agency_id=AGENCY,
        user_id=USER,
        verify=ticket,
        target="red",
        at=NOW,
        window_start=at(days=-30),
        observed=(),
        strips_properties=True,
    )


def test_a_first_look_after_the_un_publish() -> None:
    """What there is to take off is known only then, and weighed then."""
    before = after(row({}, connection=connected(verified_at=None)), withdrawn("1", "2", "3"))
    stands = in_step(FOUR).applied
    shown = before.model_copy(update={"applied": stands})
    got = after(shown, look())
    assert taken(got) == []
    assert got.calendars[CALENDAR].share == 0.75


def test_what_is_kept() -> None:
    """A calendar that is frozen is not held as well: nothing of it waits."""
    keep = KEEP.model_copy(update={"hold_removals_over": HOLD.hold_removals_over})
    frozen = contribution(
        1, {}, standing="unpublished", withdrawal=Withdrawal(version=2, in_all=11, shifts=tuple(FOUR))
    )
    assert told(after(in_step(FOUR), frozen, policy=keep)) == ("in_sync", None)


# --- through the whole flow ---


def held_town(policy: Policy) -> Town:
    """Return a town of two users with two shifts each, just un-published."""
    town = Town(policy)
    for shift, user in (("1", "ann"), ("2", "ann"), ("3", "bob"), ("4", "bob")):
        town.shift(shift, user_id=user, title=shift)
    town.rest()
    town.unpublish(2)
    return town.rest()


ALL_OF_THREE = Policy(hold_removals_over=HoldRemovals(share=0.5, count=3))


def release_calendar(town: Town, release_id: str) -> None:
    fact = CalendarReleased(agency_id=METRO, calendar_id="dec", release_id=release_id)
    town.calendar_facts.append(fact)
    town.rest()


def shown(town: Town) -> tuple[list[str], list[str]]:
    return town.titles(RED), town.titles(BLUE)


def test_an_un_publish_that_is_held() -> None:
    """The shifts of the calendar are counted over all users."""
    town = held_town(ALL_OF_THREE)
    assert shown(town) == (["1", "2"], ["3", "4"])
    assert town.statuses[ANN].state == town.statuses[BOB].state == "paused"
    assert shown(held_town(Policy(hold_removals_over=HoldRemovals(share=0.5, count=4)))) == ([], [])


def test_the_release_of_a_calendar() -> None:
    """It is for everybody, for this un-publish, and counts once however often it comes."""
    town = held_town(ALL_OF_THREE)
    release_calendar(town, "r1")
    assert shown(town) == ([], [])
    town.publish(3)
    town.rest()
    town.unpublish(4)
    town.rest()
    assert shown(town) == (["1", "2"], ["3", "4"])
    release_calendar(town, "r1")
    assert shown(town) == (["1", "2"], ["3", "4"])
    release_calendar(town, "r2")
    assert shown(town) == ([], [])


def test_the_release_of_a_calendar_that_is_published() -> None:
    """It releases nothing, then or later."""
    town = Town(ALL_OF_THREE)
    release_calendar(town, "r0")
    for shift in ("1", "2", "3", "4"):
        town.shift(shift, title=shift)
    town.rest()
    release_calendar(town, "r1")
    town.unpublish(2)
    town.rest()
    assert len(town.titles()) == 4


def test_messages_that_come_again() -> None:
    """Shifts that were deleted since do not make the un-publish a smaller one."""
    town = held_town(ALL_OF_THREE)
    town.change({"op": "delete", "shift_id": "4", "version": 2})
    town.rest()
    assert shown(town) == (["1", "2"], ["3"])
    town.made()
    for index in range(len(town.inputs)):
        town.deliver(index)
    town.rest()
    assert (town.made(), shown(town)) == ([], (["1", "2"], ["3"]))


def test_a_roll_back() -> None:
    """It holds what lies behind its day; days that were never published do not count."""
    town = Town(ALL_OF_THREE)
    for shift in ("1", "2", "3", "4"):
        town.shift(shift, title=shift)
    day = (town.now).date()
    for shift in ("5", "6"):
        town.shift(shift, title=shift, start="2027-12-01", end="2027-12-02", time_zone=None)
    town.rest()
    town.unpublish(2, "rolled_back", published_through=day.isoformat())
    town.rest()
    assert len(town.titles()) == 4
    assert town.tables.publications[METRO, "dec"].taken_off == 4


def test_a_publish_that_comes_late() -> None:
    """Its days were published, or would have been: what lies in them is taken off by the newer un-publish."""
    town = Town(ALL_OF_THREE)
    town.inputs.clear()
    town.connect(ANN, RED)
    for shift in ("1", "2", "3", "4"):
        town.shift(shift, title=shift)
    town.unpublish(2, "rolled_back")
    town.rest()
    assert town.tables.publications[METRO, "dec"].taken_off == 0
    town.publish(1)
    town.rest()
    assert town.tables.publications[METRO, "dec"].taken_off == 4


def test_history_is_taken_off_by_nobody() -> None:
    """It does not count."""
    town = Town(ALL_OF_THREE)
    for shift in ("1", "2", "3"):
        town.shift(shift, title=shift)
    town.shift("4", start="2026-10-23", end="2026-10-24", time_zone=None)
    town.rest()
    town.unpublish(2)
    town.rest()
    assert (town.titles(), BOB in town.statuses) == ([], True)
