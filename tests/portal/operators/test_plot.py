"""Numbers as a picture."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.operators.plot import HEIGHT, WIDTH, plot, quantile
from vault import LATENCY_BOUNDS_MS, LatencyMinute

NOW = datetime(2026, 11, 26, 6, 30, 20, tzinfo=UTC)
BUCKETS = len(LATENCY_BOUNDS_MS) + 1
COUNTS = st.lists(st.integers(0, 1_000), min_size=BUCKETS, max_size=BUCKETS)


def minute(ago: int, **buckets: int) -> LatencyMinute:
    """So many changes in the buckets that end at so many milliseconds: `minute(3, b100=5)`."""
    counts = [0] * BUCKETS
    for name, count in buckets.items():
        counts[LATENCY_BOUNDS_MS.index(int(name[1:]))] = count
    return LatencyMinute(NOW.replace(second=0) - timedelta(minutes=ago), tuple(counts))


def test_nothing() -> None:
    """An hour without a change has no numbers, not zeros."""
    seen = plot([], NOW)
    assert (seen.changes, seen.median_ms, seen.p95_ms, seen.minutes) == (0, None, None, ())


def test_an_hour() -> None:
    """All minutes together, and each for itself; what is older does not count."""
    seen = plot(
        [minute(61, b5000=9), minute(60, b100=1), minute(2, b100=8, b1000=2), minute(1, b250=10)], NOW
    )
    assert seen.changes == 21
    assert [one.changes for one in seen.minutes] == [1, 10, 10]
    assert seen.median_ms == pytest.approx(123, abs=1)
    assert seen.minutes[1].p95_ms == pytest.approx(875)


def test_gaps() -> None:
    """Minutes without a change break the line; one alone is a point."""
    seen = plot(
        [minute(50, b100=1), minute(49, b100=1), minute(30, b100=1), minute(5, b100=1), minute(4, b250=1)],
        NOW,
    )
    assert len(seen.median.pieces) == 2
    assert len(seen.median.points) == 1
    assert seen.median.pieces[0].count(",") == 2


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50.0), (0.95, 95.0), (1.0, 100.0)])
def test_within_a_bucket(share: float, expected: float) -> None:
    """As if it were filled evenly."""
    assert quantile((10, *[0] * (BUCKETS - 1)), share) == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 60), COUNTS), max_size=60, unique_by=lambda one: one[0]))
def test_whatever_the_hour_was_like(found: list[tuple[int, list[int]]]) -> None:
    """Every point lies within the picture, in order of time, the median below the other line."""
    minutes = [
        LatencyMinute(NOW.replace(second=0) - timedelta(minutes=ago), tuple(counts))
        for ago, counts in sorted(found, reverse=True)
    ]
    seen = plot(minutes, NOW)
    assert seen.changes == sum(sum(counts) for _, counts in found)
    for one in seen.minutes:
        assert one.median_ms <= one.p95_ms
    for line in (seen.median, seen.p95):
        points = [point for piece in line.pieces for point in piece.split()]
        places = [tuple(map(float, point.split(","))) for point in points] + list(line.points)
        assert len(places) == len(seen.minutes)
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
