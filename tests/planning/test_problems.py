"""Google takes no more changes of a calendar for hours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from planning.agenda import Rest, Write, agenda
from planning.problems import PARKED, quota_exhausted
from schemas.errors import QuotaExhausted
from schemas.facts import TroubleFound
from schemas.rows import UserRow
from tests.planning.build import AGENCY, NOW, REMOVE, USER, at, contribution, folded, row, wish


def _parked(retry_after: float | None = None) -> UserRow:
    problem = quota_exhausted(QuotaExhausted("quotaExceeded", "Hours.", retry_after), NOW)
    before = row({"1": wish()})
    connected_at = before.connection.connected_at
    trouble = TroubleFound(agency_id=AGENCY, user_id=USER, connected_at=connected_at, problem=problem)
    return folded([trouble], before)


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [(None, PARKED), (60.0, PARKED), (86_400.0, timedelta(days=1))],
    ids=["no word of Google", "too short", "longer"],
)
def test_how_long_a_user_is_parked(retry_after: float | None, wait: timedelta) -> None:
    """Hours, and as long as Google asks."""
    assert agenda(_parked(retry_after), REMOVE, NOW) == Rest(NOW + wait)


def test_changes_while_a_user_is_parked() -> None:
    """They compact, the status says what is the matter, and afterwards one write makes the difference."""
    after = folded([contribution(n, {"1": wish(n, title=f"v{n}")}) for n in range(2, 5)], _parked())
    assert agenda(after, REMOVE, NOW) == Rest(NOW + PARKED)
    assert after.status is not None
    assert after.status.last_error is not None
    assert (after.status.state, after.status.last_error.code) == ("paused", "quotaExceeded")
    later = agenda(after, REMOVE, at(seconds=PARKED.total_seconds()))
    assert isinstance(later, Write)
    assert [mutation.version for mutation in later.mutations] == [4]
