"""Whether a calendar is published, and what it then wants of each user."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from typing import Any

import pytest

from planning.contribution import is_published
from planning.publication import fold_publication
from schemas.facts import PublicationChanged
from schemas.rows import PublicationRow
from tests.planning.build import cause, wish


def told(version: int, standing: Any = "published", **days: Any) -> PublicationChanged:
    if standing == "published":
        days = {"published_through": date(2026, 12, 31)} | days
    names: dict[str, Any] = {"agency_id": "metro", "calendar_id": "dec", "cause": cause()}
    return PublicationChanged(version=version, standing=standing, **(names | days))


def after(*facts: PublicationChanged) -> PublicationRow:
    row = PublicationRow()
    for fact in facts:
        row = fold_publication(row, fact).row or row
    return row


def test_nobody_has_said_anything() -> None:
    """A calendar starts un-published, but not as one that was un-published."""
    assert PublicationRow().standing == "never"
    assert not is_published(PublicationRow(), wish())


def test_publications_in_any_order() -> None:
    """The highest version stands, over both topics together."""
    facts = [told(1), told(2, "unpublished"), told(3, published_through=date(2027, 1, 31)), told(1)]
    rows = [after(*order) for order in itertools.permutations(facts)]
    assert all(row == rows[0] for row in rows)
    assert (rows[0].version, rows[0].published_through) == (3, date(2027, 1, 31))


@pytest.mark.parametrize("standing", ["unpublished", "rolled_back"])
def test_one_version_publishes_and_unpublishes(standing: str) -> None:
    """Taking off is what stands, in either order, and the error upstream is counted."""
    assert after(told(1), told(1, standing)).standing == standing
    assert after(told(1, standing), told(1)).standing == standing
    assert fold_publication(after(told(1)), told(1, standing)).conflict
    assert fold_publication(after(told(1, standing)), told(1)).conflict


def test_one_version_publishes_twice() -> None:
    """The first stands, and the error upstream is counted; the same again is no error."""
    other = told(1, published_through=date(2026, 12, 1))
    assert after(told(1), other) == after(told(1))
    assert fold_publication(after(told(1)), other).conflict
    assert not fold_publication(after(told(1)), told(1)).conflict


def test_a_roll_back_without_days() -> None:
    """It takes everything off."""
    assert not is_published(after(told(1), told(2, "rolled_back")), wish())


def test_a_roll_back_to_a_day() -> None:
    """What starts on that day is still published, the next day is not."""
    row = after(told(1), told(2, "rolled_back", published_through=date(2026, 12, 14)))
    day: dict[str, Any] = {"time_zone": None}
    assert is_published(row, wish(start=date(2026, 12, 14), end=date(2026, 12, 15), **day))
    assert not is_published(row, wish(start=date(2026, 12, 15), end=date(2026, 12, 16), **day))


@pytest.mark.parametrize(
    ("zone", "expected"), [("America/New_York", True), ("UTC", False), ("Pacific/Auckland", False)]
)
def test_a_shift_on_the_last_evening(zone: str, expected: bool) -> None:  # noqa: FBT001
    """The day of a shift is the day on which it starts in its own zone."""
    late = wish(
        start=datetime(2027, 1, 1, 3, tzinfo=UTC), end=datetime(2027, 1, 1, 9, tzinfo=UTC), time_zone=zone
    )
    assert is_published(after(told(1)), late) is expected


@pytest.mark.parametrize(("zone", "expected"), [("America/New_York", False), ("UTC", True)])
def test_a_shift_on_the_first_morning(zone: str, expected: bool) -> None:  # noqa: FBT001
    """`published_from` counts in the shift's own zone as well, and is included."""
    row = after(told(1, published_from=date(2026, 12, 1)))
    early = wish(
        start=datetime(2026, 12, 1, 3, tzinfo=UTC), end=datetime(2026, 12, 1, 9, tzinfo=UTC), time_zone=zone
    )
    assert is_published(row, early) is expected


def test_a_publication_of_nothing() -> None:
    """A first day after the last one publishes no day."""
    row = after(told(1, published_from=date(2027, 2, 1)))
    assert not is_published(row, wish())
