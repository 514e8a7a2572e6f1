"""Where writes and looks stand in the queue for permits."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from planning.plan import plan
from planning.urgency import SOON, look_place, place
from schemas.facts import Wish
from schemas.rows import UserRow
from tests.planning.build import NOW, REMOVE, applied, at, google, row, wish


def _wish(start: datetime, hours: float = 8) -> Wish:
    return wish(start=start, end=start + timedelta(hours=hours))


def _later(before: UserRow) -> list[bool]:
    return [place(mutation, before, NOW).later for mutation in plan(before, REMOVE, NOW)]


@pytest.mark.parametrize(
    ("start", "later"),
    [
        (at(seconds=1), False),
        (NOW + SOON, False),
        (NOW + SOON + timedelta(seconds=1), True),
        (at(hours=-7), False),
        (at(hours=-8), True),
    ],
    ids=["next", "in a day", "in more than a day", "under way", "just ended"],
)
def test_when_the_shift_starts(start: datetime, *, later: bool) -> None:
    """Soon is what begins within a day, or is under way."""
    assert _later(row({"1": _wish(start)})) == [later]


def test_tonights_shift_that_goes_to_next_month() -> None:
    """It is as urgent as it stands: its user has to hear of it today."""
    tonight = applied(_wish(at(hours=6)))
    moved = row({"1": _wish(at(days=30))}).model_copy(update={"applied": {google(): tonight}})
    (mutation,) = plan(moved, REMOVE, NOW)
    assert place(mutation, moved, NOW) == (False, at(hours=6).timestamp())


@pytest.mark.parametrize(
    ("starts", "later"),
    [((at(days=3), at(hours=5)), False), ((at(days=3), at(days=4)), True), ((), True)],
    ids=["one is soon", "none is soon", "nothing waits"],
)
def test_look_that_writes_wait_for(starts: tuple[datetime, ...], *, later: bool) -> None:
    """It is as soon as the soonest of them, and goes before them."""
    waiting = row({str(number): _wish(start) for number, start in enumerate(starts)})
    writes = plan(waiting, REMOVE, NOW)
    stands = look_place(writes, waiting, NOW)
    assert stands.later == later
    assert all(stands < place(mutation, waiting, NOW) for mutation in writes if not mutation.start < NOW)
