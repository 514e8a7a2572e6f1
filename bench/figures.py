"""What a scenario measured.

Comes in: numbers. Goes out: `Figure`s, one line of the table each. Not here: how they are shown.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.machine import Load


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `runs` are the repetitions it is the median of; `load` says who else used the machine.

    `void` says why the value does not count: whoever was measured left a calendar wrong.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    better: Literal["lower", "higher", "equal"] = "lower"
    runs: tuple[float, ...] = ()
    p99: float | None = None
    note: str = ""
    load: Load | None = None
    details: dict[str, Any] = field(default_factory=dict)
    void: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        if self.void:
            return False
        match self.better:
            case "lower":
                return self.value <= self.target
            case "higher":
                return self.value >= self.target
            case "equal":
                return math.isclose(self.value, self.target, abs_tol=1e-9)


def ratio(name: str, ours: Sequence[float], theirs: Sequence[float], **more: Any) -> Figure:
    """Return the median of what each run of ours is to the run of theirs beside it: one ratio a turn, never of two averages."""
    runs = tuple(one / other for one, other in zip(ours, theirs, strict=True))
    return Figure(name, median(runs), "x", runs=runs, **more)


def spread(runs: Sequence[float]) -> float:
    """Return how far runs lie apart, in shares of their median."""
    return (max(runs) - min(runs)) / median(runs) if runs and median(runs) else 0.0


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return how fast the second number rises with the first: the line of least squares."""
    return statistics.linear_regression([at for at, _ in points], [value for _, value in points]).slope
