"""One fact about one user: the row after it, what comes next, and what the world hears."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.agenda import Look, Release, Rest, Write, agenda, pending
from planning.problems import no_token, quota_exhausted
from planning.users import Terms, fold
from schemas.errors import QuotaExhausted
from schemas.facts import CalendarSeen, CallsAnswered, Problem, TokenReleased, TroubleFound, UserFact, Wish
from schemas.outcomes import Outcome, Refused, Removed, Stored
from schemas.policy import Policy
from schemas.rows import Burnt, Connection, Refusal, UserRow, Verify
from tests.planning.build import (
    AGENCY,
    CALENDAR,
    LEAVE,
    NOW,
    REMOVE,
    USER,
    applied,
    at,
    cause,
    connect,
    connected,
    contribution,
    deactivate,
    disconnect,
    folded,
    google,
    in_step,
    resync,
    row,
    wish,
)

TERMS = Terms(REMOVE, NOW)


def looked(before: UserRow, when: datetime = NOW) -> CalendarSeen:
    """Return a look at an empty calendar, for the verify that is due."""
    assert before.connection.verify is not None
    return CalendarSeen(
        agency_id=AGENCY,
        user_id=USER,
        verify=before.connection.verify.ticket,
        target="red",
        at=when,
        window_start=at(days=-31),
        observed=(),
    )


def answered(*outcomes: Outcome) -> CallsAnswered:
    return CallsAnswered(agency_id=AGENCY, user_id=USER, outcomes=outcomes)


def outcome(kind: type, **fields: Any) -> Any:
    names = {
        "event_id": google(),
        "calendar_id": CALENDAR,
        "shift_id": "1",
        "version": 4,
        "at": at(seconds=2),
    }
    if kind is Stored:
        names |= {"action": "inserted", "generation": 0, "etag": '"2"', "fingerprint": "f", "echo": "f"}
        names |= {"start": at(days=1), "end": at(days=2)}
    if kind is Refused:
        names |= {"fingerprint": "f", "error": "Google answered 400 invalid", "end": at(days=2)}
    return kind(**(names | {"cause": cause(3)} | fields))


def trouble(before: UserRow, problem: Problem) -> TroubleFound:
    return TroubleFound(
        agency_id=AGENCY, user_id=USER, connected_at=before.connection.connected_at, problem=problem
    )


# --- contributions ---


def test_shifts_of_somebody_who_is_not_connected() -> None:
    """They are kept, so that a connect costs one difference, and nothing is done."""
    before = folded([contribution(1, {"1": wish()})])
    assert set(before.calendars[CALENDAR].wishes) == {"1"}
    assert isinstance(agenda(before, REMOVE, NOW), Rest)
    assert before.status is not None
    assert before.status.state == "not_connected"


def test_a_connect_is_looked_at_before_anything_is_written() -> None:
    """Then what is missing is written, then there is rest."""
    before = folded([contribution(1, {"1": wish()}), connect()])
    assert isinstance(agenda(before, REMOVE, NOW), Look)
    after = folded([looked(before)], before)
    assert isinstance(agenda(after, REMOVE, NOW), Write)
    assert [m.cause for m in pending(after, REMOVE, NOW)] == [connect().cause]


def test_contributions_out_of_order() -> None:
    """A lower revision is older news; an equal one is taken again."""
    before = in_step({"1": wish()})
    newer = folded([contribution(9, {"1": wish(2, title="Night")})], before)
    assert folded([contribution(8, {})], newer).calendars == newer.calendars
    assert folded([contribution(9, {})], newer).calendars[CALENDAR].wishes == {}


def test_changes_that_wait() -> None:
    """Several cost one write, by the newest cause; one that is undone costs none."""
    before = in_step({"1": wish()})
    waits = folded([contribution(n, {"1": wish(n, title=f"T{n}")}) for n in (2, 3, 4)], before)
    (only,) = pending(waits, REMOVE, NOW)
    assert (only.version, only.cause) == (4, cause(4))
    undone = folded([contribution(5, {"1": wish(5)})], waits)
    assert (pending(undone, REMOVE, NOW), undone.open) == ((), {})


def test_a_removal_that_waits() -> None:
    """Its result will name the version that took the shift away."""
    before = folded([contribution(2, {}, touched={"1": 7})], in_step({"1": wish()}))
    (only,) = pending(before, REMOVE, NOW)
    assert (only.op, only.version, only.cause) == ("delete", 7, cause(2))


def test_a_removal_that_google_had_refused_once() -> None:
    """When the shift was wanted in between, it is another removal, and is tried."""
    before = row({}, applied={google(): applied(wish())})
    refused = folded([answered(outcome(Refused, fingerprint=""))], before)
    assert pending(refused, REMOVE, NOW) == ()
    again = folded([contribution(2, {"1": wish()}), contribution(3, {})], refused)
    assert [m.op for m in pending(again, REMOVE, NOW)] == ["delete"]


def test_a_row_forgets() -> None:
    """What ended more than 31 days ago goes; the empty contribution stays, as the proof that there was one."""
    end = at(days=-31)
    old = wish(start=at(days=-32), end=end)
    before = row(
        {"1": old},
        applied={google(): applied(old)},
        burnt={"dec/1": Burnt(generation=1, end=end)},
        refused={"dec/1": Refusal(fingerprint="f", error="e", end=end)},
    )
    after = folded([resync()], before)
    assert (after.applied, after.burnt, after.refused, after.calendars[CALENDAR].wishes) == ({}, {}, {}, {})
    almost = wish(start=at(days=-32), end=end + timedelta(seconds=1))
    assert folded([resync()], row({"1": almost})).calendars[CALENDAR].wishes == {"1": almost}


_facts: st.SearchStrategy[UserFact] = st.sampled_from(
    [
        contribution(1, {"1": wish()}),
        contribution(2, {"1": wish(2, title="Night")}),
        contribution(3, {}),
        connect(at(hours=-3)),
        connect(at(hours=-1)),
        disconnect(at(hours=-2)),
        disconnect(at(hours=-2), purge=True),
        deactivate(at(hours=-2)),
        resync(at(minutes=-30)),
        answered(outcome(Stored)),
        answered(outcome(Removed), outcome(Refused)),
        TokenReleased(agency_id=AGENCY, user_id=USER, ended_at=at(hours=-2)),
        trouble(row(connection=connected(connected_at=at(hours=-3))), no_token()),
        looked(row(connection=connected(verify=Verify(ticket="t")))),
    ]
)


@given(st.lists(_facts, min_size=1, max_size=8), st.integers(0, 7))
def test_facts_delivered_again_after_a_crash(facts: list[UserFact], back: int) -> None:
    """The last few again, on the row that they have already made, end in the same row; the status is told again."""
    once = folded(facts)
    again, told = once, None
    for fact in facts[-1 - back :]:
        got = fold(again, fact, TERMS)
        again, told = got.row, got.status or told
    same = {"connection", "calendars", "applied", "refused", "burnt", "status"}
    if back == 0:
        assert again.model_dump(include=same) == once.model_dump(include=same)
    assert told is None or told == again.status
    if again.connection.state != "none":
        assert told == again.status


@given(st.lists(_facts, min_size=1, max_size=8))
def test_a_row_through_the_table(facts: list[UserFact]) -> None:
    """What is stored is what is read."""
    before = folded(facts)
    assert UserRow.model_validate_json(before.model_dump_json(exclude_defaults=True)) == before


# --- results ---


@pytest.mark.parametrize(
    ("kind", "fields", "action"),
    [
        (Stored, {}, "inserted"),
        (Stored, {"action": "patched"}, "patched"),
        (Stored, {"action": "adopted"}, "adopted"),
        (Removed, {}, "deleted"),
        (Refused, {}, "refused"),
    ],
)
def test_a_result(kind: type, fields: dict[str, Any], action: str) -> None:
    """Each change is told once per delivery, with its cause, and the time from the broker to Google's answer."""
    (result,) = fold(in_step({"1": wish()}), answered(outcome(kind, **fields)), TERMS).results
    assert (result.action, result.version, result.google_event_id) == (action, 4, google())
    assert result.caused_by is not None
    assert (result.caused_by.offset, result.caused_by.event_id, result.latency_ms) == (3, "e3", 2_000)
    assert (result.error is not None) == (action == "refused")


def test_a_result_of_the_daily_look() -> None:
    """Nobody caused it."""
    (result,) = fold(in_step({"1": wish()}), answered(outcome(Stored, cause=None)), TERMS).results
    assert (result.caused_by, result.latency_ms) == (None, None)


def test_a_removal_that_was_none() -> None:
    """What is left where the user put it, in the past, is no change."""
    assert fold(in_step({"1": wish()}), answered(outcome(Removed, left=True)), TERMS).results == ()


def test_answers_delivered_again() -> None:
    """They are told again rather than never."""
    fact = answered(outcome(Stored))
    once = fold(in_step({"1": wish()}), fact, TERMS)
    assert fold(once.row, fact, TERMS).results == once.results


# --- what comes next ---


def test_a_disconnect() -> None:
    """The events stay, no call begins any more, and the token is released."""
    after = folded([disconnect()], in_step({"1": wish()}))
    assert agenda(after, REMOVE, NOW) == Release(NOW, "disconnected")
    assert pending(after, REMOVE, NOW) == ()
    done = folded([TokenReleased(agency_id=AGENCY, user_id=USER, ended_at=NOW)], after)
    assert isinstance(agenda(done, REMOVE, NOW), Rest)


def test_a_disconnect_that_purges() -> None:
    """It looks, removes, and only then releases the token."""
    old = wish(start=at(days=-31), end=at(days=-30))
    before = row(
        {"1": wish()}, applied={google(): applied(wish()), google("2"): applied(old, "2", seen=False)}
    )
    after = folded([disconnect(purge=True)], before)
    assert isinstance(agenda(after, REMOVE, NOW), Look)
    seen = folded([looked(after).model_copy(update={"window_start": at(days=9)})], after)
    todo = agenda(seen, REMOVE, NOW)
    assert isinstance(todo, Write)
    assert [m.event_id for m in todo.mutations] == [google()]
    assert isinstance(agenda(folded([answered(outcome(Removed))], seen), REMOVE, NOW), Release)


@pytest.mark.parametrize(("policy", "work"), [(REMOVE, Release), (LEAVE, Look)])
def test_a_deactivation(policy: Policy, work: type) -> None:
    """The events stay, or those of the future go first, as the agency wishes."""
    after = folded([deactivate()], in_step({"1": wish()}), policy)
    assert isinstance(agenda(after, policy, NOW), work)
    assert after.status is not None
    assert after.status.state == "deactivated"


def test_a_purge_without_a_token() -> None:
    """Nothing can be removed any more, so the ending goes on."""
    before = folded([disconnect(purge=True)])
    assert isinstance(agenda(before, REMOVE, NOW), Look)
    assert isinstance(agenda(folded([trouble(before, no_token())], before), REMOVE, NOW), Release)


def test_a_purge_while_google_is_closed_for_hours() -> None:
    """It waits."""
    ending = folded([disconnect(purge=True)], in_step({"1": wish()}))
    pause = quota_exhausted(QuotaExhausted("quotaExceeded", "m"), NOW)
    assert agenda(folded([trouble(ending, pause)], ending), REMOVE, NOW) == Rest(pause.until)


def test_a_lost_grant() -> None:
    """There is rest until somebody connects again."""
    before = row({"1": wish()})
    after = folded([trouble(before, no_token())], before)
    assert agenda(after, REMOVE, NOW) == Rest(None)
    assert after.status is not None
    assert (after.status.state, after.status.pending) == ("needs_reauthorization", 1)
    again = folded([connect()], after)
    assert isinstance(agenda(again, REMOVE, NOW), Look)


def test_nobody_was_ever_connected() -> None:
    """There is nothing to do."""
    assert agenda(row({"1": wish()}, connection=Connection()), REMOVE, NOW) == Rest()


# --- status ---


def state_of(before: UserRow) -> tuple[str, str | None]:
    status = folded([resync(at(days=-9))], before).status
    assert status is not None
    return status.state, status.last_error.code if status.last_error else None


def test_states() -> None:
    """Each has its word, and its error where there is one."""
    assert state_of(in_step({"1": wish()})) == ("in_sync", None)
    assert state_of(row({"1": wish()})) == ("syncing", None)
    assert state_of(in_step({}, connection=connected(verify=Verify(ticket="t")))) == ("syncing", None)
    assert state_of(row(None, applied={google(): applied(wish())})) == ("paused", "held")
    moved = connected(state="disconnected", reason="calendar_moved")
    assert state_of(row({}, connection=moved)) == ("stopped", "calendar_moved")
    assert state_of(row({}, connection=connected(state="disconnected"))) == ("stopped", None)
    assert state_of(row({}, connection=connected(resync_refused_at=NOW))) == ("in_sync", "resync_cooldown")
    pause = quota_exhausted(QuotaExhausted("quotaExceeded", "m"), NOW)
    assert state_of(row({}, connection=connected(problem=pause))) == ("paused", "quotaExceeded")


def test_a_refused_shift() -> None:
    """The status says how many there are, and nothing of the schedule."""
    before = in_step({"1": wish(title="Very private")})
    status = folded([answered(outcome(Refused))], before).status
    assert status is not None
    assert status.last_error is not None
    assert status.last_error.code == "refused"
    assert "private" not in status.model_dump_json()


def test_what_waits() -> None:
    """The status counts the writes, and since when the oldest waits."""
    wishes: dict[str, Wish] = {"1": wish(), "2": wish()}
    status = folded([contribution(1, wishes)], row({})).status
    assert status is not None
    assert (status.pending, status.oldest_pending_at) == (2, NOW)


def test_a_status_that_was_lost_in_a_crash() -> None:
    """It is told again with the facts that come again, even where they change the row there and back."""
    facts: list[UserFact] = [contribution(1, {"1": wish()}), connect(), answered(outcome(Removed))]
    before = folded(facts)
    assert [fold(before, fact, TERMS).status for fact in facts[1:]] == [before.status] * 2


def test_a_status_of_somebody_who_never_connected() -> None:
    """The same again is not told, unless the fact may be one that is delivered again."""
    before = fold(None, contribution(1, {"1": wish()}), TERMS)
    assert before.status is not None
    assert fold(before.row, contribution(2, {"1": wish(2)}), TERMS).status is None
    assert fold(before.row, contribution(1, {"1": wish()}), TERMS).status == before.status
