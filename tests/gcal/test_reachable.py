"""Whether Google is there and knows us: what its answers mean, and what they say of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gcal.reachable import _ahead
from gcal.transport import Reply

NOW = datetime(2026, 11, 23, 12, 0, 0, 400_000, tzinfo=UTC)


def told(at: datetime) -> Reply:
    return Reply(200, b"", date=format_datetime(at.replace(microsecond=0), usegmt=True))


@pytest.mark.parametrize(
    ("theirs", "ahead"),
    [
        (NOW, 0),
        (NOW + timedelta(seconds=1), 0),
        (NOW + timedelta(seconds=61), -58.6),
        (NOW - timedelta(seconds=60), 59.4),
    ],
)
def test_the_clocks(theirs: datetime, ahead: float) -> None:
    """Whole seconds are as exact as it gets; beyond, it is by how much at least."""
    found = _ahead(told(theirs), NOW, NOW + timedelta(seconds=2))
    assert found is not None
    assert found.total_seconds() == pytest.approx(ahead)


@pytest.mark.parametrize("date", [None, "yesterday"])
def test_no_time(date: str | None) -> None:
    """Nothing follows."""
    assert _ahead(Reply(200, b"", date=date), NOW, NOW) is None
