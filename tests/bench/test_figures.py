"""Figures, ratios and targets."""

from __future__ import annotations

import pytest

from bench.figures import Figure, percentile, ratio, slope, spread
from bench.targets import TARGETS, aimed


def test_a_ratio_is_of_neighbours() -> None:
    """Each run of ours against the one of theirs beside it: a machine that slows down hits both, and the ratio stays."""
    found = ratio("r", [100, 50, 10], [50, 25, 5])
    assert (found.value, found.runs, found.unit) == (2, (2, 2, 2), "x")


def test_a_ratio_of_runs_that_are_no_pairs() -> None:
    """There is none."""
    with pytest.raises(ValueError, match="zip"):
        ratio("r", [1, 2], [1])


@pytest.mark.parametrize(
    ("better", "value", "reached"),
    [
        ("lower", 9, True),
        ("lower", 11, False),
        ("higher", 11, True),
        ("higher", 9, False),
        ("equal", 10, True),
    ],
)
def test_a_target(better: str, value: float, reached: bool) -> None:  # noqa: FBT001 - a column of the table
    """It is reached from the side that is better."""
    assert Figure("f", value, "s", 10, better).reached is reached  # type: ignore[arg-type]  # a word of the table


def test_a_figure_without_a_target() -> None:
    """It is neither reached nor missed."""
    assert Figure("f", 1, "s").reached is None


def test_a_void_figure() -> None:
    """Whoever left a calendar wrong reached nothing, however fast."""
    assert Figure("f", 1, "s", 10, void="3 events missing").reached is False


def test_a_figure_gets_the_target_of_its_name() -> None:
    """With its direction; one that has none stays as it is."""
    found = aimed(Figure("4,000 single edits", 700, "changes/s"))
    assert (found.target, found.better, found.reached) == (600, "higher", True)
    assert aimed(Figure("something else", 1, "s")) == Figure("something else", 1, "s")


def test_a_figure_in_another_unit_than_its_target() -> None:
    """It is a mistake of the bench, and told."""
    with pytest.raises(ValueError, match="is in calls, its target in changes/s"):
        aimed(Figure("4,000 single edits", 700, "calls"))


def test_names_of_targets() -> None:
    """Each is there once."""
    assert len({target.name for target in TARGETS}) == len(TARGETS)


def test_percentiles_and_spread() -> None:
    """A percentile is one of the values; the spread is in shares of the median."""
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([5], 0.5) == 5
    assert spread([9, 10, 12]) == pytest.approx(0.3)
    assert spread([]) == 0
    assert slope([(0, 1), (1, 3), (2, 5)]) == 2
