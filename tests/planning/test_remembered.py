"""A plan is remembered as long as it is what planning anew would come to, and no longer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning import remembered
from planning.plan import plan
from schemas.facts import Wish
from schemas.policy import Policy
from schemas.rows import Open, UserRow
from tests.planning.build import KEEP, NOW, REMOVE, applied, at, cause, google, row, wish

_wishes = st.builds(
    lambda version, title, days: wish(version, title=title, start=at(days=days), end=at(days=days, hours=8)),
    st.integers(1, 2),
    st.sampled_from(["Day", "Night"]),
    st.sampled_from([-31, -30, -29, 1]),
)
_shifts = st.dictionaries(st.sampled_from(["1", "2"]), _wishes)


def _row(wishes: dict[str, Wish], standing: dict[str, Wish], opened: dict[str, int]) -> UserRow:
    """Return a row that wants some shifts, where some stand, for some reasons."""
    return row(
        wishes,
        applied={google(shift): applied(of, shift) for shift, of in standing.items()},
        open={f"dec/{shift}": Open(cause=cause(n), version=n) for shift, n in opened.items()},
    )


_rows = st.builds(_row, _shifts, _shifts, st.dictionaries(st.sampled_from(["1", "2"]), st.integers(1, 2)))


def test_the_same_row_again() -> None:
    """It is the very same plan."""
    wanted = row({"1": wish()})
    assert plan(wanted, REMOVE, NOW) is plan(wanted, REMOVE, at(seconds=1))


def test_an_end_that_turns_into_history_meanwhile() -> None:
    """What was remembered counts no more from that very moment."""
    wanted = row({"1": wish(start=at(days=-30), end=at(days=-30, seconds=5))})
    assert plan(wanted, REMOVE, at(seconds=4.999))
    assert not plan(wanted, REMOVE, at(seconds=5))


def test_a_clock_that_goes_back() -> None:
    """A plan is not used for a time before it was made."""
    wanted = row({"1": wish(start=at(days=-30), end=at(days=-30, seconds=5))})
    assert not plan(wanted, REMOVE, at(seconds=5))
    assert plan(wanted, REMOVE, NOW)


@given(
    st.lists(
        st.tuples(_rows, st.sampled_from([REMOVE, KEEP, Policy(title="{{ title }}!")]), st.integers(0, 3)),
        max_size=6,
    )
)
def test_rows_of_one_user_in_turn(looks: list[tuple[UserRow, Policy, int]]) -> None:
    """Whatever was planned before, a plan is what it would be without any memory."""
    remembered.forget_all()
    planned = [plan(one, policy, at(days=days)) for one, policy, days in looks]
    for (one, policy, days), known in zip(looks, planned, strict=True):
        remembered.forget_all()
        assert plan(one, policy, at(days=days)) == known


def test_many_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is bounded by the shifts that it is about; whoever was planned last is remembered."""
    monkeypatch.setattr(remembered, "_MOST", 10)
    remembered.forget_all()
    users = [row({"1": wish(), "2": wish()}).model_copy(update={"user_id": f"u{n}"}) for n in range(9)]
    for one in users:
        plan(one, REMOVE, NOW)
    assert remembered.count() == 10
    assert remembered.newest_plan(users[0]) is None
    assert remembered.newest_plan(users[-1]) is not None


def test_a_user_with_more_shifts_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan under way is kept all the same: it is asked for at every wake."""
    monkeypatch.setattr(remembered, "_MOST", 1)
    wanted = row({"1": wish(), "2": wish()})
    assert plan(wanted, REMOVE, NOW) is plan(wanted, REMOVE, NOW)
