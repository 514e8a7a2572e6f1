"""Thirty days back, in real time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from planning.window import instant, is_forgotten, is_history, listed_from, local_day
from tests.planning.build import NOW, wish

SECOND = timedelta(seconds=1)


def test_a_shift_that_ended_just_30_days_ago() -> None:
    """It is history from that very moment on."""
    assert is_history(NOW - timedelta(days=30), NOW)
    assert not is_history(NOW - timedelta(days=30) + SECOND, NOW)


def test_a_day_that_ended_30_days_ago() -> None:
    """An all-day shift ends at 00:00 UTC of its end day, whatever the zone."""
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    assert is_history(date(2026, 10, 24), midnight)
    assert not is_history(date(2026, 10, 24), midnight - SECOND)


def test_a_row_forgets_a_day_later() -> None:
    """Nothing is dropped that is not history already."""
    assert is_forgotten(NOW - timedelta(days=31), NOW)
    assert not is_forgotten(NOW - timedelta(days=31) + SECOND, NOW)


def test_thirty_days_with_a_change_of_clocks_between() -> None:
    """The window is 720 hours, not 30 days on the wall."""
    end = datetime(2026, 10, 20, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    wall = datetime(2026, 11, 19, 12, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    assert is_history(end, wall)
    assert is_history(end, wall - timedelta(minutes=59))
    assert not is_history(end, wall - timedelta(minutes=61))


def test_a_listing_reaches_beyond_the_window() -> None:
    """Google ends an all-day event at midnight of the calendar's zone, up to 14 hours before midnight UTC."""
    assert listed_from(NOW) <= NOW - timedelta(days=30, hours=14)


def test_instants() -> None:
    """A time is shown in UTC, a day stands for its midnight UTC."""
    assert instant(datetime(2026, 12, 1, 7, tzinfo=ZoneInfo("Asia/Kolkata"))) == datetime(
        2026, 12, 1, 1, 30, tzinfo=UTC
    )
    assert instant(date(2026, 12, 1)) == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day"), [("America/New_York", 1), ("UTC", 2), ("Pacific/Auckland", 2), ("Pacific/Honolulu", 1)]
)
def test_the_day_of_a_shift(zone: str, day: int) -> None:
    """It is the day of the start in the shift's own zone, whatever offset was written."""
    start = datetime(2026, 12, 2, 4, tzinfo=UTC).astimezone(ZoneInfo("Asia/Kolkata"))
    assert local_day(wish(start=start, end=start + timedelta(hours=8), time_zone=zone)) == date(2026, 12, day)
