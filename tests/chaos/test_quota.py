"""The quota over HTTP, in a minute that is shorter; `python -m tests.chaos.publication` tells the same at full size."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.chaos.publication import Size, publish, starting
from tests.e2e.google import Google
from tests.e2e.messages import in_days, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, World
from tests.kafka import Kafka

pytestmark = pytest.mark.alone

SIZE = Size(users=50, shifts=20, per_minute=667, minute=15.0)


@pytest.fixture
def bootstrap(kafka: Kafka) -> str:
    if "mock" in kafka.name:
        pytest.skip("whole deployments need a real Kafka")
    return kafka.bootstrap


def test_publication_that_does_not_fit(bootstrap: str, tmp_path: Path) -> None:
    """The soonest shifts go first, users are served evenly, nothing is refused, and an edit for tonight overtakes all."""
    found = publish(bootstrap, tmp_path, SIZE)
    print(f"bound {SIZE.bound:g} s {found.line()}")
    assert found.writes == SIZE.users * SIZE.shifts
    assert found.refused == 0
    # A lane has four calls under way until their answers are folded, so on a slow machine later shifts of others go in between.
    # Without order these are 0 and 20; at full size they are 0.9999 and 1.
    assert found.waited >= 0.9
    assert found.rank_correlation >= 0.9
    assert found.apart_at_last <= 10
    assert found.edit_s < 1
    # What is over when the window slides is written at the pace of the machine, which a test must not depend on.
    assert found.seconds < SIZE.bound + 5


def test_accounts_at_their_own_limit(bootstrap: str, tmp_path: Path) -> None:
    """Ten users with more shifts than an account may write do not keep the others waiting."""
    minute, limit, busy, others = 15.0, 20, 10, 40
    options = ("--latency-ms", "50", "--user-per-minute", str(limit), "--no-check")
    with Google(*options, start=starting(minute, "sandbox.google")) as google:
        world = World(bootstrap, "limits-", google, tmp_path, google_user_per_minute=limit)
        world.start_ops = starting(minute, "ops")
        try:
            world.must("topics", "create")
            agency = Agency(world, "metro", *(f"u{number:02}" for number in range(busy + others)))
            world.start().wait_ready()
            world.connect(*agency.users)
            changes = [
                shift(f"{n}-{user.id}", 1, user.id, start=in_days(2 + n / 10 + (who >= busy) * 9))
                for who, user in enumerate(agency.users)
                for n in range(40 if who < busy else 5)
            ]
            for first in range(0, len(changes), 50):
                agency.schedule(*changes[first : first + 50])
            world.settle()
            began = time.monotonic()
            agency.publish()
            patient = agency.users[busy:]
            assert eventually(lambda: all(len(user.titles()) == 5 for user in patient), bool, seconds=minute)
            print(f"forty others after {time.monotonic() - began:.2f} s")
            assert time.monotonic() - began < minute / 2
            assert all(len(user.titles()) < limit for user in agency.users[:busy])
            assert google.stats()["quota"]["refused"] == 0
        finally:
            world.close()
