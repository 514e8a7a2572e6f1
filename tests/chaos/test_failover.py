"""Workers that are killed or stopped while changes flow, and are there again at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.nursery import NurseryWorld
from tests.chaos.pace import Pace, longest_gap, openings, users_of
from tests.chaos.publication import starting
from tests.e2e.google import Google
from tests.e2e.messages import in_days, shift
from tests.e2e.world import Agency, World
from tests.kafka import Kafka

pytestmark = pytest.mark.alone

SESSION_S = 10
NewNursed = Callable[..., NurseryWorld]


def test_killed_and_started_again(new_nursed: NewNursed) -> None:
    """The other worker is given nothing anew, and its users' changes go on arriving."""
    with Google() as google:
        world = new_nursed(google, session_timeout_s=SESSION_S)
        one, other = (world.start(name) for name in ("one", "other"))
        agency = Agency(world, "metro", *(f"u{number:02}" for number in range(16)))
        world.connect(*agency.users)
        for worker in (one, other):
            worker.wait_ready()
        agency.publish()
        world.settle(seconds=90)
        theirs, others = (users_of(worker, agency.users) for worker in (one, other))
        assert theirs
        assert others
        pace, before, began = Pace(agency, per_second=20), openings(other), time.monotonic()
        with pace.flowing():
            time.sleep(3)
            killed = time.monotonic()
            one.kill()
            one = world.start("one").wait_ready()
            back = time.monotonic()
            time.sleep(2)
            ended = time.monotonic()
        world.settle(seconds=90)
        journal = google.journal()
        first = min(
            one["mono"]
            for one in journal
            if one["mono"] > killed + 0.2 and one["account"] in {user.account for user in theirs}
        )
        print(
            f"ready after {back - killed:.1f} s, its users' first call after {first - killed:.1f} s; longest gap of the others "
            f"before {longest_gap(journal, others, began + 1, killed):.2f} s, after {longest_gap(journal, others, killed, ended):.2f} s"
        )
        assert openings(other) == before
        # Changes whose calendar was the dead worker's wait until it is back, whoever's they are; none waits for a session to end.
        assert longest_gap(journal, others, killed, ended) < SESSION_S
        assert pace.missing() == {}
        assert google.stats()["duplicate_inserts"] == []


MINUTE, PER_MINUTE = 20.0, 600


@pytest.mark.long
def test_rolling_restart(kafka: Kafka, tmp_path: Path) -> None:
    """Three workers are stopped and started one after the other, their quota used up: Google refuses nothing, nothing is lost."""
    options = ("--latency-ms", "20", "--project-per-minute", str(PER_MINUTE), "--no-check")
    with Google(*options, start=starting(MINUTE, "sandbox.google")) as google:
        world = World(
            kafka.bootstrap,
            f"roll{time.time_ns() % 10**8}-",
            google,
            tmp_path,
            google_project_per_minute=PER_MINUTE,
        )
        world.start_ops = starting(MINUTE, "ops")
        try:
            world.must("topics", "create")
            workers = {name: world.start(name) for name in ("one", "two", "three")}
            agency = Agency(world, "metro", *(f"u{number:02}" for number in range(30)))
            world.connect(*agency.users)
            for worker in workers.values():
                worker.wait_ready()
            world.settle(seconds=90)
            _roll(world, agency)
        finally:
            world.close()


def _roll(world: World, agency: Agency) -> None:
    # More than fits into one minute: whoever forgot what was used of it would be refused.
    for user in agency.users:
        agency.schedule(
            *(shift(f"{n}-{user.id}", 1, user.id, start=in_days(3 + n)) for n in range(20)), calendar="big"
        )
    agency.publish()
    pace = Pace(agency, per_second=2)  # within the tenth that is kept for what is soon
    with pace.flowing():
        agency.publish(calendar="big")
        time.sleep(1)
        for name in ("one", "two", "three"):
            worker = next(one for one in world.workers if one.log.stem == name and one.runs)
            assert worker.stop() == 0, worker.tail()
            world.start(name).wait_ready()
    world.settle(seconds=90)
    journal, stats = world.google.journal(), world.google.stats()
    print(
        f"longest pause {pace.longest_wait(journal):.1f} s, peak {stats['quota']['project_peak']} of {PER_MINUTE}"
    )
    for user in agency.users:
        pace.wanted[user.id] |= {f"{n}-{user.id}" for n in range(20)}
    assert pace.missing() == {}
    assert stats["quota"]["refused"] == 0
    assert stats["duplicate_inserts"] == []
    assert stats["overlaps"] == []
    assert not any("Traceback" in worker.log.read_text() for worker in world.workers)
