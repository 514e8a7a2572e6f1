"""A worker left its users without a word: who is looked at, and what the look leaves as it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from planning.agenda import Look, agenda
from planning.takeover import JUST_FINISHED, takeover_look
from schemas.facts import VerifyDue
from schemas.rows import UserRow
from tests.planning.build import (
    CALENDAR,
    NOW,
    REMOVE,
    at,
    cause,
    connected,
    folded,
    in_step,
    row,
    wish,
)

OPEN = row({"1": wish()})
STILL = in_step({"1": wish()})


def _finished(seconds: float) -> UserRow:
    return STILL.model_copy(update={"last_synced_at": at(seconds=-seconds)})


@pytest.mark.parametrize("left", [OPEN, _finished(1), _finished(59)], ids=["open", "just", "a minute ago"])
def test_open_or_just_finished_work(left: UserRow) -> None:
    """The user is looked at before anything else is done."""
    due = takeover_look(left, REMOVE, NOW)
    assert due is not None
    after = folded([due], left)
    assert agenda(after, REMOVE, NOW) == Look(due.ticket)
    assert after.status is not None
    assert after.status.state == "syncing"


def test_nothing_open_for_a_minute() -> None:
    """The user is left alone."""
    assert takeover_look(STILL, REMOVE, NOW) is None
    assert takeover_look(_finished(JUST_FINISHED.total_seconds()), REMOVE, NOW) is None


LOOKED_AT_ANYWAY = {
    "never connected": OPEN.model_copy(update={"connection": connected(state="none")}),
    "disconnected": OPEN.model_copy(update={"connection": connected(state="disconnected")}),
    "look is due": OPEN.model_copy(update={"connection": connected(verify={"ticket": "connect"})}),
    "doubts": OPEN.model_copy(update={"doubts": (f"{CALENDAR}/1",)}),
}


@pytest.mark.parametrize("left", LOOKED_AT_ANYWAY.values(), ids=LOOKED_AT_ANYWAY)
def test_no_look_of_its_own(left: UserRow) -> None:
    """Whoever is not connected, or is looked at for another reason, needs none."""
    assert takeover_look(left, REMOVE, NOW) is None


def test_cause_of_repairs_that_are_still_open() -> None:
    """What a resync before found is written in that resync's name all the same."""
    left = OPEN.model_copy(update={"connection": connected(default_cause=cause(7))})
    due = takeover_look(left, REMOVE, NOW)
    assert due is not None
    assert folded([due], left).connection.default_cause == cause(7)


def test_look_that_is_told_after_a_disconnect() -> None:
    """There is nothing to look at any more."""
    due = takeover_look(OPEN, REMOVE, NOW)
    assert due is not None
    ended = OPEN.model_copy(update={"connection": connected(state="disconnected")})
    assert folded([due], ended).connection.verify is None


def test_daily_look_is_another() -> None:
    """Its ticket still has to name the look before it."""
    stale = VerifyDue(agency_id=OPEN.agency_id, user_id=OPEN.user_id, ticket=f"daily {NOW - timedelta(1)}")
    assert folded([stale], STILL).connection.verify is None
