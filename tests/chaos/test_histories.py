"""A few seeded histories; `make chaos` tells a hundred, `SHIFTCAL_TEST_CHAOS_SEEDS` says how many here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.history import tell
from tests.chaos.nursery import Nursery
from tests.chaos.story import run
from tests.kafka import Kafka

SEEDS = range(1, 1 + int(os.environ.get("SHIFTCAL_TEST_CHAOS_SEEDS", "3")))


@pytest.mark.parametrize("seed", SEEDS)
def test_history_ends_as_the_rules_say(own_kafka: Kafka, nursery: Nursery, tmp_path: Path, seed: int) -> None:
    """Workers, broker and Google fail at random: nothing is lost, doubled, left behind or taken from others."""
    verdict = run(own_kafka, nursery, seed, tmp_path)
    print(verdict.line())
    assert not verdict.complaints, "\n".join([verdict.line(), *verdict.complaints, *verdict.log])


def test_seed_tells_the_same_story_again() -> None:
    """Whoever repeats a seed repeats its messages, byte for byte."""
    assert tell(7).steps == tell(7).steps
    assert tell(7).steps != tell(8).steps
