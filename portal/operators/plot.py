"""The last hour's latency as a plot: a picture made of numbers, without a style or a script in it.

In: the histogram of each minute. Out: quantiles, and an SVG's shapes for the template. Pure.

The axis of time is linear, that of latency logarithmic: a tenth of a second and half an hour stand in one picture. Within a
bucket a quantile is taken where it would be if the bucket were filled evenly.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from vault import LATENCY_BOUNDS_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vault import LatencyMinute

HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 8, 12, 28
#: The ends of the axis of latency, and where it is labelled, in milliseconds.
_LOW, _HIGH = 50.0, 4_000_000.0
TICKS: Final = (100, 1_000, 10_000, 60_000, 600_000, 3_600_000)


class Minute(NamedTuple):
    """What one minute was like: how many changes, and how long half of them and 95 of 100 took at most."""

    at: datetime
    changes: int
    median_ms: float
    p95_ms: float


class Line(NamedTuple):
    """A curve: its pieces, each a list of points for a polyline, and minutes that stand alone, as points for circles."""

    pieces: tuple[str, ...]
    points: tuple[tuple[float, float], ...]


class Plot(NamedTuple):
    """What the template draws."""

    minutes: tuple[Minute, ...]
    changes: int
    median_ms: float | None
    p95_ms: float | None
    median: Line
    p95: Line
    ticks: tuple[tuple[float, int], ...]
    times: tuple[tuple[float, datetime], ...]


def plot(found: Iterable[LatencyMinute], now: datetime) -> Plot:
    """Return the plot of the hour before now."""
    begin = now.replace(second=0, microsecond=0) - HOUR
    rows = [one for one in found if one.minute >= begin and any(one.counts)]
    minutes = tuple(
        Minute(one.minute, sum(one.counts), _sure(one.counts, 0.5), _sure(one.counts, 0.95)) for one in rows
    )
    total = [sum(column) for column in zip(*(one.counts for one in rows), strict=True)]
    return Plot(
        minutes=minutes,
        changes=sum(total),
        median_ms=quantile(total, 0.5),
        p95_ms=quantile(total, 0.95),
        median=_line([(one.at, one.median_ms) for one in minutes], begin),
        p95=_line([(one.at, one.p95_ms) for one in minutes], begin),
        ticks=tuple((_y(ms), ms) for ms in TICKS),
        times=tuple((_x(begin + n * HOUR / 4, begin), begin + n * HOUR / 4) for n in range(5)),
    )


def quantile(counts: Sequence[int], share: float) -> float | None:
    """Return how long that share took at most, as far as buckets tell; None of nothing."""
    wanted = share * sum(counts)
    if not wanted:
        return None
    low, below = 0.0, 0
    for count, high in zip(counts, (*LATENCY_BOUNDS_MS, _HIGH), strict=True):
        if count and below + count >= wanted:
            return low + (high - low) * (wanted - below) / count
        low, below = float(high), below + count
    return _HIGH


def _sure(counts: Sequence[int], share: float) -> float:
    return quantile(counts, share) or 0.0


def _line(values: Sequence[tuple[datetime, float]], begin: datetime) -> Line:
    """Return the curve; minutes without a change are gaps, not zeros."""
    pieces: list[list[tuple[float, float]]] = []
    before: datetime | None = None
    for at, ms in values:
        if before is None or at - before > _MINUTE:
            pieces.append([])
        pieces[-1].append((_x(at, begin), _y(ms)))
        before = at
    drawn = tuple(" ".join(f"{x:g},{y:g}" for x, y in piece) for piece in pieces if len(piece) > 1)
    return Line(drawn, tuple(piece[0] for piece in pieces if len(piece) == 1))


def _x(at: datetime, begin: datetime) -> float:
    return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * ((at - begin) / HOUR), 1)


def _y(milliseconds: float) -> float:
    kept = min(max(milliseconds, _LOW), _HIGH)
    part = math.log(kept / _LOW) / math.log(_HIGH / _LOW)
    return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * part, 1)
