"""`explain`: each reason has its sentence, its message, and one situation in which it is the answer."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from planning.explain import explain
from planning.plan import plan
from planning.upkeep import only
from schemas.explanations import Code, Evidence, Explanation, Flow, Message, Reason, Unread, Unreadable
from schemas.facts import Problem, Withdrawal
from schemas.outputs import CausedBy, SyncResult
from schemas.policy import HoldRemovals, Policy
from schemas.rows import CalendarWish, Connection, Drift, Open, Refusal, Verify
from tests.planning.build import (
    CALENDAR,
    KEEP,
    NOW,
    REMOVE,
    applied,
    at,
    cause,
    connected,
    delete,
    google,
    in_step,
    row,
    upsert,
    wish,
)
from tests.planning.evidence import CHANGED, TURNED, assignment, evidence, publication


def answer(known: Evidence, policy: Policy = REMOVE) -> Explanation:
    found = explain(known, policy, NOW)
    said = " ".join([found.sentence, *(reason.sentence for reason in found.reasons)])
    assert "Day" not in said, "a title stands in a sentence"
    assert all(reason.sentence.endswith(".") for reason in found.reasons)
    return found


def codes(found: Explanation) -> list[str]:
    return [reason.code for reason in found.reasons]


def reason(found: Explanation, code: str) -> Reason:
    (one,) = [reason for reason in found.reasons if reason.code == code]
    return one


def of_cause(offset: int, version: int | None = None) -> Message:
    """Where `build.cause` of this offset stands."""
    one = cause(offset)
    return Message(
        topic=one.topic, partition=0, offset=offset, version=version, event_id=f"e{offset}", occurred_at=NOW
    )


# It is there


def test_a_shift_that_stands_as_it_should() -> None:
    """It is there, and why it is wanted is said as well, each with its message."""
    result = SyncResult(
        agency_id="metro",
        user_id="ann",
        calendar_id=CALENDAR,
        shift_id="1",
        version=1,
        action="inserted",
        google_event_id=google(),
        at=at(hours=-2),
        caused_by=CausedBy(
            topic="p.schedule-changed", partition=2, offset=17, event_id="e17", occurred_at=NOW
        ),
        latency_ms=240,
    )
    found = answer(evidence(result=result, placed=result))
    assert (found.on_calendar, found.in_step) == (True, True)
    assert found.sentence == "Shift 1 of calendar dec is on the Google calendar of metro/ann."
    assert codes(found) == ["there", "assigned", "published", "connected"]
    said = "stands in Google since 2026-11-23 10:00:00 UTC: last inserted on 2026-11-23 10:00:00 UTC, 240 ms after"
    assert said in reason(found, "there").sentence
    assert reason(found, "there").message == CHANGED.model_copy(update={"occurred_at": NOW})
    assert reason(found, "assigned").message == CHANGED
    assert reason(found, "published").message == of_cause(40, 4)
    assert reason(found, "connected").message == TURNED


def test_a_shift_whose_write_is_not_told_any_more() -> None:
    """It is there; since when is said to be unknown."""
    found = answer(evidence())
    assert found.on_calendar
    assert "with version 1; when that was is not told any more" in reason(found, "there").sentence
    assert reason(found, "there").message is None


# Whose it is


def test_a_shift_that_nobody_ever_spoke_of() -> None:
    """Neither in this calendar nor in any."""
    nothing: dict[str, Any] = {"assignment": None, "wish": None, "changed": None, "row": row({})}
    found = answer(evidence(**nothing))
    assert (found.on_calendar, found.in_step, codes(found)) == (False, True, ["never_heard_of"])
    assert "Calendar dec of agency metro never told of a shift 1" in found.reasons[0].sentence
    found = answer(evidence(**nothing, calendar_id=None))
    assert "No calendar of agency metro ever told of a shift 1: check" in found.reasons[0].sentence
    assert found.sentence == "Shift 1 is not on the Google calendar of metro/ann."


def test_a_shift_that_was_deleted() -> None:
    """The delete is named."""
    found = answer(evidence(assignment=assignment(delete(version=3)), wish=None, row=row({})))
    assert codes(found) == ["deleted"]
    assert "version 3" in found.reasons[0].sentence
    assert found.reasons[0].message == CHANGED


def test_a_shift_of_nobody() -> None:
    """It is open."""
    found = answer(evidence(assignment=assignment(upsert(user_id=None)), wish=None, row=row({})))
    assert codes(found) == ["open_shift"]
    assert found.reasons[0].message == CHANGED


def test_a_shift_of_somebody_else() -> None:
    """Whose it is, and whether it was this user's before."""
    theirs = assignment(upsert(version=2, user_id="bob"))
    found = answer(evidence(assignment=theirs, wish=None, row=row({})))
    assert codes(found) == ["another_users"]
    assert "assigns it to bob, and it never was ann's" in found.reasons[0].sentence
    before = theirs.model_copy(update={"holders": ("bob", "ann")})
    found = answer(evidence(assignment=before, wish=None, row=row({})))
    assert "assigns it to bob; it was ann's before" in found.reasons[0].sentence
    assert found.reasons[0].message == CHANGED


# The rules


def test_a_kind_that_is_not_synced() -> None:
    """The policy is named."""
    training = wish(kind="training")
    found = answer(evidence(training, row=row({"1": training})))
    assert codes(found) == ["kind_not_synced"]
    assert "training, is not synced: the agency's policy synced_kinds has shift." in found.reasons[0].sentence
    assert found.reasons[0].message == CHANGED
    assert answer(evidence(training), Policy(synced_kinds=["shift", "training"])).on_calendar  # type: ignore[arg-type]


def test_a_calendar_that_was_never_published() -> None:
    """No row, or a row of something else."""
    for nothing in (None, publication(version=None, standing="never", published_through=None, cause=None)):
        found = answer(evidence(publication=nothing, row=row({}, "never")))
        assert codes(found) == ["never_published"]


def test_a_calendar_that_was_unpublished() -> None:
    """With the message that did it."""
    gone = publication(standing="unpublished", version=5, published_through=None, cause=cause(50))
    found = answer(evidence(publication=gone, row=row({}, "unpublished")))
    assert codes(found) == ["unpublished"]
    assert found.reasons[0].message == of_cause(50, 5)


@pytest.mark.parametrize("through", [None, date(2026, 11, 23)])
def test_a_calendar_that_was_rolled_back(through: date | None) -> None:
    """To a day before the shift's, or to none."""
    back = publication(standing="rolled_back", version=5, published_through=through, cause=cause(50))
    found = answer(evidence(publication=back, row=row({}, "rolled_back")))
    assert codes(found) == ["rolled_back"]
    assert "rolled back, by version 5: " in found.reasons[0].sentence
    assert found.reasons[0].message == of_cause(50, 5)


def test_a_shift_before_the_published_days() -> None:
    """Both days are named, the shift's own in its zone."""
    late = publication(published_from=date(2026, 12, 1))
    found = answer(evidence(publication=late, row=row({})))
    assert codes(found) == ["before_published_days"]
    assert "starts on 2026-11-24 (America/New_York)" in found.reasons[0].sentence
    assert "published from 2026-12-01 on, by version 4" in found.reasons[0].sentence
    back = publication(standing="rolled_back", published_from=date(2026, 12, 1))
    assert codes(answer(evidence(publication=back, row=row({})))) == ["before_published_days"]


def test_a_shift_after_the_published_days() -> None:
    """Both days are named."""
    short = publication(published_through=date(2026, 11, 23))
    found = answer(evidence(publication=short, row=row({})))
    assert codes(found) == ["after_published_days"]
    assert "published through 2026-11-23 only" in found.reasons[0].sentence
    assert found.reasons[0].message == of_cause(40, 4)


def test_a_shift_of_long_ago() -> None:
    """30 days after its end, and when its text is forgotten."""
    old = wish(start=at(days=-31), end=at(days=-30, seconds=-1))
    found = answer(evidence(old, row=row({"1": old})))
    assert (found.on_calendar, codes(found)) == (False, ["too_old"])
    assert "ended on 2026-10-24 11:59:59 UTC" in found.reasons[0].sentence
    found = answer(evidence(wish=None, row=row({})))
    assert (found.on_calendar, codes(found)) == (None, ["too_old"])
    assert "not known any more whether it is on the Google calendar of metro/ann." in found.sentence
    assert "more than 31 days ago" in found.reasons[0].sentence


# The connection


@pytest.mark.parametrize(
    ("connection", "code", "said"),
    [
        (Connection(), "not_connected", "never connected"),
        (Connection(state="disconnected", occurred_at=NOW), "stopped", "on 2026-11-23 12:00:00 UTC."),
        (Connection(state="disconnected", occurred_at=NOW, purge=True), "stopped", "with a purge"),
        (
            Connection(state="disconnected", occurred_at=NOW, reason="calendar_moved"),
            "calendar_moved",
            "by another user of the agency",
        ),
        (Connection(state="deactivated", occurred_at=NOW), "deactivated", "was deactivated on"),
    ],
)
def test_a_user_for_whom_nothing_is_written(connection: Connection, code: str, said: str) -> None:
    """Why, with the message; an event that stayed is said to have stayed."""
    found = answer(evidence(row=row({"1": wish()}, connection=connection)))
    assert (found.on_calendar, codes(found)) == (False, [code])
    assert said in found.reasons[0].sentence
    assert found.reasons[0].message == TURNED
    stays = answer(evidence(row=in_step({"1": wish()}, connection=connection)))
    assert (stays.on_calendar, codes(stays)) == (True, [code, "left_behind"])


def test_a_user_of_whom_nothing_is_known() -> None:
    """No row is as good as a user who never connected."""
    found = answer(evidence(row=None, turned=None))
    assert codes(found) == ["not_connected"]


def test_everything_that_keeps_it_off_is_told() -> None:
    """Who mends one thing knows of the next."""
    training = wish(kind="training", start=at(days=-40), end=at(days=-40, hours=8))
    found = answer(evidence(training, publication=None, row=row({}, connection=Connection())))
    assert found.on_calendar is None
    assert codes(found) == ["kind_not_synced", "never_published", "too_old", "not_connected"]


# It is wanted, and waits


def open_for(version: int = 1) -> dict[str, Open]:
    return {f"{CALENDAR}/1": Open(cause=cause(9), version=version)}


def test_an_event_that_is_still_to_be_inserted() -> None:
    """With the message that it is for."""
    found = answer(evidence(row=row({"1": wish()}, open=open_for())))
    assert (found.on_calendar, found.in_step) == (False, False)
    assert codes(found) == ["to_insert", "assigned", "published", "connected", "its_turn"]
    assert reason(found, "to_insert").message == of_cause(9, 1)


def test_an_event_that_is_still_to_be_altered() -> None:
    """It stands there, and not as it should."""
    newer = wish(version=2, title="Night")
    standing = {google(): applied(wish())}
    found = answer(evidence(newer, row=row({"1": newer}, applied=standing, open=open_for(2))))
    assert (found.on_calendar, found.in_step) == (True, False)
    assert codes(found)[0] == "to_patch"
    assert reason(found, "to_patch").message == of_cause(9, 2)


@pytest.mark.parametrize(
    ("state", "code"),
    [("needs_reauthorization", "needs_reauthorization"), ("stopped", "cannot_write"), ("paused", "paused")],
)
def test_a_problem_of_the_connection(state: Any, code: str) -> None:
    """What is wrong, what to do, and until when; whether or not the event stands."""
    found = Problem(state=state, code="word", message="It is so.", what_to_do="Do that.", until=at(hours=2))
    waits = answer(evidence(row=row({"1": wish()}, connection=connected(problem=found))))
    assert codes(waits)[:2] == ["to_insert", code]
    said = reason(waits, code).sentence
    assert "(word): It is so. Do that. It is tried again after 2026-11-23 14:00:00 UTC." in said
    stands = answer(evidence(row=in_step({"1": wish()}, connection=connected(problem=found))))
    assert (stands.on_calendar, stands.in_step, codes(stands)[:2]) == (True, False, ["there", code])
    over = found.model_copy(update={"until": at(hours=-1)})
    assert code not in codes(answer(evidence(row=in_step({"1": wish()}, connection=connected(problem=over)))))


def test_a_look_that_comes_first() -> None:
    """After a connect or a resync, and where nobody knows what became of a call."""
    verify = Verify(ticket="resync", cause=cause(7))
    found = answer(evidence(row=row({"1": wish()}, connection=connected(verify=verify))))
    assert codes(found)[:2] == ["to_insert", "look_first"]
    assert reason(found, "look_first").message == of_cause(7)
    doubted = answer(evidence(row=in_step({"1": wish()}, doubts=(f"{CALENDAR}/2",))))
    assert codes(doubted)[:2] == ["there", "look_first"]


def test_a_shift_that_google_refused() -> None:
    """With Google's reason, and the message that it was refused for."""
    one = wish()
    refusal = Refusal(fingerprint=applied(one).fingerprint, error="Google says no.", end=at(days=1))
    known = evidence(row=row({"1": one}, refused={f"{CALENDAR}/1": refusal}))
    found = answer(known)
    assert (found.on_calendar, found.in_step, codes(found)[0]) == (False, False, "refused")
    assert "for good: Google says no. Correct" in reason(found, "refused").sentence
    assert reason(found, "refused").message == CHANGED
    told = SyncResult(
        agency_id="metro",
        user_id="ann",
        calendar_id=CALENDAR,
        shift_id="1",
        version=1,
        action="refused",
        google_event_id=google(),
        at=NOW,
        caused_by=CausedBy(topic="t", partition=0, offset=3, event_id="e3", occurred_at=NOW),
        error="no",
    )
    because = reason(answer(known.model_copy(update={"result": told})), "refused").message
    assert because is not None
    assert (because.topic, because.offset) == ("t", 3)


@pytest.mark.parametrize(
    ("kind", "policy", "standing", "code"),
    [
        ("deleted", "respect_deletion", {}, "drift_deleted"),
        ("deleted", "report", {}, "drift_deleted"),
        ("altered", "report", {"fingerprint": "other"}, "drift_altered"),
    ],
)
def test_what_somebody_did_by_hand(kind: Any, policy: Any, standing: Any, code: str) -> None:
    """It is let stand, as the agency wants it; `restore` writes."""
    note = Drift(kind=kind, version=1, end=at(days=1))
    events = {google(): applied(wish(), **standing)} if standing else {}
    known = evidence(row=row({"1": wish()}, applied=events, drift={f"{CALENDAR}/1": note}))
    found = answer(known, Policy(on_drift=policy))
    assert (found.on_calendar, codes(found)[0]) == (bool(standing), code)
    assert f"on_drift = {policy}" in found.reasons[0].sentence
    assert codes(answer(known))[0] in {"to_insert", "to_patch"}


# It is not wanted, and stands there


def gone(**fields: Any) -> Evidence:
    """Ann's event stands, and her shift was deleted."""
    body: dict[str, Any] = {"applied": {google(): applied(wish())}} | fields
    return evidence(assignment=assignment(delete(version=2)), wish=None, row=row({}, **body))


def test_an_event_that_is_still_to_be_taken_off() -> None:
    """With the message that it is for."""
    found = answer(gone(open=open_for(2)))
    assert (found.on_calendar, found.in_step, codes(found)) == (
        True,
        False,
        ["deleted", "to_delete", "its_turn"],
    )
    assert reason(found, "to_delete").message == of_cause(9, 2)


def test_an_event_that_is_history() -> None:
    """It stays whatever is said of its shift."""
    past = applied(wish(), start=at(days=-40), end=at(days=-40, hours=8))
    found = answer(gone(applied={google(): past}))
    assert (found.on_calendar, found.in_step, codes(found)) == (True, True, ["deleted", "history"])


def test_an_event_that_the_agency_keeps() -> None:
    """It is frozen until the calendar is published again."""
    off = publication(standing="unpublished", version=5, published_through=None, cause=cause(50))
    standing = {google(): applied(wish())}
    known = evidence(publication=off, row=row({}, "unpublished", applied=standing))
    found = answer(known, KEEP)
    assert (found.on_calendar, found.in_step, codes(found)) == (True, True, ["unpublished", "kept"])
    assert reason(found, "kept").message == of_cause(50, 5)
    assert codes(answer(known)) == ["unpublished", "to_delete", "its_turn"]


def test_a_removal_that_is_held() -> None:
    """What releases it is said."""
    off = publication(standing="unpublished", version=5, published_through=None, cause=cause(50))
    withdrawal = Withdrawal(version=5, in_all=9, shifts=("1",))
    held = CalendarWish(revision=1, standing="unpublished", withdrawal=withdrawal, share=1.0)
    one = row({}, applied={google(): applied(wish())}).model_copy(update={"calendars": {CALENDAR: held}})
    known = evidence(publication=off, row=one)
    found = answer(known, Policy(hold_removals_over=HoldRemovals(share=0.5, count=3)))
    assert (found.on_calendar, found.in_step, codes(found)) == (True, False, ["unpublished", "held"])
    assert "shiftcal release metro --calendar dec" in reason(found, "held").sentence
    assert reason(found, "held").message == of_cause(50, 5)


def test_an_event_of_somebody_nobody_ever_spoke_of() -> None:
    """It is not removed before an operator says so."""
    nobody = row(None, applied={google(): applied(wish())})
    found = answer(evidence(assignment=None, wish=None, row=nobody))
    assert (found.on_calendar, codes(found)) == (True, ["never_heard_of", "unheard"])
    assert "shiftcal release metro --user ann" in reason(found, "unheard").sentence


def test_an_event_that_google_does_not_let_us_take_off() -> None:
    """With Google's reason."""
    refusal = Refusal(fingerprint="", error="Google says no.", end=at(days=1))
    found = answer(gone(refused={google(): refusal}))
    assert (found.on_calendar, found.in_step, codes(found)) == (True, False, ["deleted", "removal_refused"])


def test_a_purge_that_has_not_come_to_it() -> None:
    """It is still to be taken off, since the user wanted that."""
    ended = Connection(
        state="disconnected", occurred_at=NOW, purge=True, released=False, default_cause=cause(3)
    )
    found = answer(evidence(row=in_step({"1": wish()}, connection=ended)))
    assert (found.on_calendar, codes(found)) == (True, ["stopped", "to_delete", "its_turn"])
    assert reason(found, "to_delete").message == of_cause(3, 1)


# News


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(
            evidence(wish(version=2, title="Night"), row=in_step({"1": wish()})), id="a newer version"
        ),
        pytest.param(evidence(row=row({})), id="a new shift"),
        pytest.param(evidence(row=row(None)), id="a new calendar"),
    ],
)
def test_news_that_the_user_has_not_heard(known: Evidence) -> None:
    """The calendar knows it, the user's row does not yet."""
    found = answer(known)
    assert (found.in_step, codes(found)[0]) == (False, "on_its_way")
    assert found.reasons[0].message == CHANGED


def test_an_end_that_the_user_has_not_heard() -> None:
    """The row still wants what the calendar has taken away, there or not there yet."""
    gone_upstream: dict[str, Any] = {"assignment": assignment(delete(version=2)), "wish": None}
    assert codes(answer(evidence(**gone_upstream))) == ["deleted", "on_its_way"]
    assert codes(answer(evidence(**gone_upstream, row=row({"1": wish()})))) == ["deleted", "on_its_way"]


def test_messages_that_wait_to_be_read() -> None:
    """Each is named."""
    unread = tuple(Unread(about=about, message=CHANGED) for about in ("shift", "calendar", "user"))
    found = answer(evidence(unread=unread))
    assert (found.in_step, codes(found)[-3:]) == (False, ["unread"] * 3)
    assert [one.message for one in found.reasons[-3:]] == [CHANGED] * 3
    assert "about this shift waits to be read" in found.reasons[-3].sentence


def test_a_message_that_could_not_be_read() -> None:
    """The dead letter is named, and how to see it."""
    letter = Unreadable(
        number="3:17", reason="bad_change", error="changes.0.shift.end: expected a time.", message=CHANGED
    )
    found = answer(evidence(assignment=None, wish=None, row=row({}), unreadable=(letter,)))
    assert codes(found) == ["never_heard_of", "unreadable"]
    said = reason(found, "unreadable").sentence
    assert (
        "(bad_change): changes.0.shift.end: expected a time. See `shiftcal dead-letters show 3:17`." in said
    )


def test_workers_that_are_not_there() -> None:
    """Said where something waits for them, and where messages do."""
    assert "its_turn" not in codes(answer(evidence(row=row({"1": wish()}), flow=Flow(workers=0))))
    down = Flow(workers=0)
    assert codes(answer(evidence(row=row({"1": wish()}), flow=down)))[-1] == "no_worker"
    assert "no_worker" not in codes(answer(evidence(flow=down)))
    assert codes(answer(evidence(flow=Flow(workers=0, inputs=3))))[-2:] == ["no_worker", "behind"]


def test_workers_that_are_behind() -> None:
    """How many messages wait where."""
    found = answer(evidence(flow=Flow(workers=2, inputs=3, user_facts=1)))
    assert (found.in_step, codes(found)[-1]) == (True, "behind")
    assert "3 of the input topics, 1 of this user's partition" in found.reasons[-1].sentence


def test_a_write_that_nothing_keeps_back() -> None:
    """It waits for its turn, behind the sooner writes of the same user."""
    wishes = {str(number): wish(start=at(days=number), end=at(days=number, hours=1)) for number in (2, 3, 1)}
    for number, first in ((1, "no write"), (2, "one sooner write"), (3, "2 sooner writes")):
        name = str(number)
        known = evidence(wishes[name], shift_id=name, row=row(wishes), flow=Flow(workers=1))
        assert (
            f"It waits for its turn: {first} of this user's come"
            in reason(answer(known), "its_turn").sentence
        )


def test_state_that_is_being_rebuilt() -> None:
    """Nothing is written before it is complete."""
    found = answer(evidence(row=row({"1": wish()}), flow=Flow(workers=1, rebuilt=False)))
    assert codes(found)[-1] == "rebuilding"


def test_the_plan_of_one_shift_alone() -> None:
    """It is the part of the whole plan that is about the shift."""
    wishes = {str(number): wish(start=at(days=number), end=at(days=number, hours=1)) for number in (1, 2, 3)}
    events = {google("4"): applied(wish(), "4"), google("1"): applied(wishes["1"], "1")}
    whole = row(wishes, applied=events, open=open_for())
    for number in ("1", "2", "3", "4"):
        part = [m for m in plan(whole, REMOVE, NOW) if m.shift_id == number]
        assert list(plan(only(whole, CALENDAR, number), REMOVE, NOW)) == part


@pytest.mark.parametrize("code", get_args(Code))
def test_every_reason_has_its_situation(code: str) -> None:
    """Each is expected by some test above."""
    assert f'"{code}"' in Path(__file__).read_text()
