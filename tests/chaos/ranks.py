"""How well one order follows another: Spearman's rank correlation, equal values sharing their rank.

In: values in order of arrival. Out: 1 where they are sorted, -1 where they are sorted the other way round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any


def rank_correlation(values: Sequence[Any]) -> float:
    """Return how well the values are sorted."""
    middle = (len(values) - 1) / 2
    ranks = _ranks(values)
    together = sum((rank - middle) * (at - middle) for at, rank in enumerate(ranks))
    spread = sum((rank - middle) ** 2 for rank in ranks) * sum(
        (at - middle) ** 2 for at in range(len(values))
    )
    return float(together / spread**0.5)


def _ranks(values: Sequence[Any]) -> list[float]:
    places: defaultdict[Any, list[int]] = defaultdict(list)
    for rank, value in enumerate(sorted(values)):
        places[value].append(rank)
    return [sum(places[value]) / len(places[value]) for value in values]
