"""`due`: what a lane would do now for a user, and what stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from planning.due import due, needs_attention, tally
from schemas.facts import Problem, Withdrawal
from schemas.outputs import LastError, SyncStatus
from schemas.policy import HoldRemovals, Policy
from schemas.rows import CalendarWish, Connection, Drift, UserRow, Verify
from tests.planning.build import (
    CALENDAR,
    KEEP,
    NOW,
    REMOVE,
    applied,
    at,
    connected,
    google,
    in_step,
    row,
    wish,
)

PAUSED = Problem(state="paused", code="word", message="It is so.", what_to_do="Do that.", until=at(hours=2))
EVENTS: dict[str, Any] = {google(): applied(wish())}


@pytest.mark.parametrize(
    ("one", "step", "writes"),
    [
        pytest.param(in_step({"1": wish()}), "rest", [], id="in step"),
        pytest.param(row({"1": wish()}), "write", ["insert"], id="something to write"),
        pytest.param(
            row({"1": wish()}, connection=connected(problem=PAUSED)), "wait", ["insert"], id="paused"
        ),
        pytest.param(
            in_step({"1": wish()}, connection=connected(problem=PAUSED)), "rest", [], id="paused, idle"
        ),
        pytest.param(
            row({"1": wish()}, connection=connected(verify=Verify(ticket="t"))),
            "look",
            ["insert"],
            id="look first",
        ),
        pytest.param(in_step({}, doubts=(f"{CALENDAR}/1",)), "look", [], id="doubts"),
        pytest.param(row({"1": wish()}, connection=Connection()), "rest", [], id="never connected"),
        pytest.param(
            row({}, connection=Connection(state="deactivated", occurred_at=NOW, released=False)),
            "release",
            [],
            id="a token to be erased",
        ),
        pytest.param(
            row(
                {},
                applied=EVENTS,
                connection=Connection(state="disconnected", occurred_at=NOW, purge=True, released=False),
            ),
            "write",
            ["delete"],
            id="a purge",
        ),
        pytest.param(
            row({}, connection=Connection(state="disconnected", occurred_at=NOW)), "rest", [], id="all ended"
        ),
    ],
)
def test_what_comes_next(one: UserRow, step: str, writes: list[str]) -> None:
    """The step of the agenda, and what waits whether or not it may begin."""
    found = due(one, REMOVE, NOW)
    assert (found.step, [mutation.op for mutation in found.writes]) == (step, writes)
    assert found.status.pending == len(writes)
    assert found.is_idle == (step == "rest")


def test_what_is_held() -> None:
    """It is no write, and it is nobody's rest."""
    withdrawal = Withdrawal(version=5, in_all=9, shifts=("1",))
    off = CalendarWish(revision=1, standing="unpublished", withdrawal=withdrawal, share=1.0)
    one = row({}, applied=EVENTS).model_copy(update={"calendars": {CALENDAR: off}})
    found = due(one, Policy(hold_removals_over=HoldRemovals(share=0.5, count=3)), NOW)
    assert ([m.shift_id for m in found.held], found.writes, found.unheard) == (["1"], (), False)
    assert (found.step, found.is_idle, found.status.state) == ("rest", False, "paused")


def test_somebody_nobody_ever_spoke_of() -> None:
    """What stands there is held, for another reason."""
    found = due(row(None, applied=EVENTS), REMOVE, NOW)
    assert (len(found.held), found.unheard) == (1, True)


def test_what_is_kept() -> None:
    """Events of a calendar that is un-published, by calendar; only where the agency keeps, and the user is connected."""
    off = row({}, "unpublished", applied=EVENTS)
    assert due(off, KEEP, NOW).kept == {CALENDAR: 1}
    assert due(off, REMOVE, NOW).kept == {}
    assert due(row({}, "unpublished", applied=EVENTS, connection=Connection()), KEEP, NOW).kept == {}


def test_what_is_left() -> None:
    """Differences by hand that the agency wants told."""
    note = Drift(kind="deleted", version=1, end=at(days=1))
    one = row({"1": wish()}, drift={f"{CALENDAR}/1": note})
    assert due(one, Policy(on_drift="report"), NOW).left == 1


def test_a_problem_that_has_passed() -> None:
    """It is none."""
    over = PAUSED.model_copy(update={"until": at(hours=-1)})
    assert due(row({}, connection=connected(problem=over)), REMOVE, NOW).problem is None
    assert due(row({}, connection=connected(problem=PAUSED)), REMOVE, NOW).problem == PAUSED


HELD = LastError(code="held", message="m", what_to_do="w")


def status(state: Any, **fields: Any) -> SyncStatus:
    return SyncStatus(agency_id="metro", user_id="ann", state=state, **fields)


def test_the_sums() -> None:
    """Of nobody, and of some."""
    assert tally([]) == (0, {}, 0, None, 0)
    found = tally(
        [
            status("in_sync"),
            status("syncing", pending=2, oldest_pending_at=at(hours=-1)),
            status("syncing", pending=3, oldest_pending_at=at(hours=-2)),
            status("paused", last_error=HELD),
        ]
    )
    assert found == (4, {"in_sync": 1, "syncing": 2, "paused": 1}, 5, at(hours=-2), 1)


def test_who_needs_attention() -> None:
    """Whoever waits, or has something wrong; not who is in step, or is not connected."""
    assert not needs_attention(status("in_sync"))
    assert not needs_attention(status("not_connected"))
    assert needs_attention(status("syncing"))
    assert needs_attention(status("in_sync", last_error=HELD))
    assert needs_attention(status("stopped", pending=1))
