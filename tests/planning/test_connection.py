"""The timeline of one user: who wins, and what a resync does."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from planning.connection import (
    Turn,
    blocked_until,
    daily_look,
    fold_release,
    fold_resync,
    fold_trouble,
    fold_turn,
    fold_verify_due,
)
from planning.problems import grant_lost, no_token, unreadable_token
from schemas.errors import GrantLost
from schemas.facts import Problem, TokenReleased, TroubleFound
from schemas.rows import Connection
from tests.planning.build import (
    AGENCY,
    NOW,
    USER,
    at,
    connect,
    connected,
    deactivate,
    disconnect,
    resync,
    row,
)

MINUTE = timedelta(minutes=1)


def after(*facts: Turn) -> Connection:
    connection = Connection()
    for fact in facts:
        connection = fold_turn(connection, fact)
    return connection


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ((connect(at(hours=1)), disconnect(at(hours=2)), deactivate(at(hours=3))), "deactivated"),
        ((connect(at(hours=1)), disconnect(at(hours=3)), deactivate(at(hours=2))), "disconnected"),
        ((connect(at(hours=3)), disconnect(at(hours=2)), deactivate(at(hours=1))), "connected"),
        ((connect(NOW), disconnect(NOW), deactivate(NOW)), "connected"),
        ((connect(at(hours=1)), connect(at(hours=2)), disconnect(at(hours=1))), "connected"),
        ((disconnect(NOW), disconnect(NOW, purge=True), disconnect(NOW)), "disconnected"),
        ((deactivate(at(hours=1)), connect(at(hours=1))), "connected"),
    ],
)
def test_turns_in_any_order(facts: tuple[Turn, ...], state: str) -> None:
    """The newest `occurred_at` wins, on a tie the connect; the order of arrival and repetitions do not matter."""
    ends = [after(*order, *order[:2]) for order in itertools.permutations(facts)]
    assert {end.state for end in ends} == {state}
    assert len({(end.occurred_at, end.purge, end.reason, end.released) for end in ends}) == 1


def test_two_disconnects_of_one_instant() -> None:
    """The one that purges wins, in either order."""
    assert after(disconnect(), disconnect(purge=True)).purge
    assert after(disconnect(purge=True), disconnect()).purge


def test_a_connect() -> None:
    """It is looked at first, as the connect's own work, and nothing of the time before is left."""
    before = connected(problem=no_token(), strips_properties=True, resync_refused_at=at(hours=-1))
    got = fold_turn(before, connect())
    assert got.verify is not None
    assert got.verify.cause == got.default_cause == connect().cause
    assert (got.problem, got.strips_properties, got.resync_refused_at) == (None, False, None)
    assert (got.connected_at, got.target) == (NOW, "red")


def test_the_same_connect_again() -> None:
    """It changes nothing, so nothing is looked at."""
    before = after(connect())
    assert fold_turn(before, connect()) is before


def test_a_deactivation_older_than_the_connect() -> None:
    """It is old news."""
    before = after(connect())
    assert fold_turn(before, deactivate(at(hours=-1))) is before


def test_a_resync() -> None:
    """It is due once per `occurred_at`, with the command as the cause of what it finds."""
    got = fold_resync(connected(), resync(), MINUTE)
    assert got.verify is not None
    assert got.verify.cause == resync().cause
    assert fold_resync(got, resync(), MINUTE) is got


def test_a_resync_within_the_cool_down() -> None:
    """It is refused by its own time, and says so; delivered again, nothing changes."""
    first = fold_resync(connected(), resync(), MINUTE).model_copy(update={"verify": None})
    second = fold_resync(first, resync(at(seconds=59)), MINUTE)
    assert (second.verify, second.resync_at, second.resync_refused_at) == (None, NOW, at(seconds=59))
    assert fold_resync(second, resync(at(seconds=59)), MINUTE) == second
    third = fold_resync(second, resync(at(seconds=60)), MINUTE)
    assert third.verify is not None
    assert third.resync_refused_at is None


def test_a_resync_older_than_the_connect() -> None:
    """The connect looked at everything; the resync is remembered as done."""
    got = fold_resync(connected(), resync(at(days=-2)), MINUTE)
    assert (got.verify, got.resync_at) == (None, at(days=-2))


def test_a_refused_resync_comes_again_after_a_connect() -> None:
    """It does not count now either, so that a later one counts as it would have."""
    refused = fold_resync(connected(resync_at=at(seconds=-90)), resync(at(seconds=-40)), MINUTE)
    again = fold_resync(fold_turn(refused, connect(at(seconds=-30))), resync(at(seconds=-40)), MINUTE)
    assert again.resync_at == at(seconds=-90)
    assert fold_resync(again, resync(at(seconds=0)), MINUTE).verify is not None


def test_a_resync_of_nobody() -> None:
    """Somebody who is not connected has nothing to look at."""
    assert fold_resync(Connection(), resync(), MINUTE).verify is None


def test_a_resync_after_the_calendar_was_gone() -> None:
    """It is tried again: perhaps the calendar is back."""
    gone = Problem(state="stopped", code="calendar_gone", message="m", what_to_do="w")
    assert fold_resync(connected(problem=gone), resync(), MINUTE).problem is None
    assert fold_resync(connected(problem=no_token()), resync(), MINUTE).problem is not None


def test_the_daily_look() -> None:
    """It is due within 18 to 30 hours of the look before, once."""
    assert daily_look(row(connection=connected(verified_at=at(hours=-17))), NOW) is None
    due = daily_look(row(connection=connected(verified_at=at(hours=-31))), NOW)
    assert due is not None
    got = fold_verify_due(connected(verified_at=at(hours=-31)), due)
    assert got.verify is not None
    assert (got.verify.cause, got.default_cause) == (None, None)
    assert fold_verify_due(got, due) is got
    looked = connected(verified_at=NOW)
    assert fold_verify_due(looked, due) is looked


def test_nobody_is_connected_at_the_daily_look() -> None:
    """There is nothing to look at."""
    assert daily_look(row(connection=after(connect(), disconnect(at(hours=1)))), at(days=9)) is None


def trouble(connection: Connection, problem: Problem) -> TroubleFound:
    return TroubleFound(agency_id=AGENCY, user_id=USER, connected_at=connection.connected_at, problem=problem)


def test_a_trouble_of_an_earlier_connect() -> None:
    """The user has connected again since: it is forgotten."""
    first = after(connect())
    second = fold_turn(first, connect(at(hours=1)))
    assert fold_trouble(first, trouble(first, no_token())).problem == no_token()
    assert fold_trouble(second, trouble(first, no_token())).problem is None


def test_a_purge_of_somebody_who_never_connected() -> None:
    """A trouble without any connect is noted all the same, so that the purge comes to an end."""
    ending = after(disconnect(purge=True))
    assert fold_trouble(ending, trouble(ending, no_token())).problem == no_token()


def test_a_problem_that_passes() -> None:
    """It blocks until its time; one without a time blocks until somebody does something."""
    pause = Problem(state="paused", code="c", message="m", what_to_do="w", until=at(hours=1))
    assert blocked_until(connected(problem=pause), NOW) == at(hours=1)
    assert blocked_until(connected(problem=pause), at(hours=1)) is None
    lasting = blocked_until(connected(problem=no_token()), NOW)
    assert lasting is not None
    assert lasting.year == 9999
    assert blocked_until(connected(), NOW) is None


def test_a_token_is_released() -> None:
    """The ending is over; the release of an older ending says nothing about a newer connect."""
    ending = after(connect(), disconnect(at(hours=1)))
    done = TokenReleased(agency_id=AGENCY, user_id=USER, ended_at=at(hours=1))
    assert not ending.released
    assert fold_release(ending, done).released
    again = fold_turn(ending, connect(at(hours=2)))
    assert fold_release(again, done) is again
    later = fold_turn(ending, disconnect(at(hours=3)))
    assert fold_release(later, done) is later


def test_a_resync_after_a_key_was_brought_back() -> None:
    """The token is tried again; what Google said of a grant is not asked a second time."""
    unreadable, lost = unreadable_token(), grant_lost(GrantLost("invalid_grant", "m"))
    assert fold_resync(connected(problem=unreadable), resync(), MINUTE).problem is None
    assert fold_resync(connected(problem=lost), resync(), MINUTE).problem == lost
