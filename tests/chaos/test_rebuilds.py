"""A rebuild under a new name beside a worker that goes on: calendars do not flicker, whoever joins or dies meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.chaos.nursery import NurseryWorld
from tests.e2e.google import Google
from tests.e2e.messages import Json, gone, in_days, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, Worker

NewNursed = Callable[..., NurseryWorld]
WRITES = {"events.insert", "events.patch", "events.update", "events.delete"}
USERS, ROUNDS = 12, 60


def history(world: NurseryWorld) -> Agency:
    """Many messages that end in little: everybody's ten shifts, edited over and over, some deleted, published and back."""
    agency = Agency(world, "metro", *(f"u{number:02}" for number in range(USERS)))
    world.connect(*agency.users)
    agency.publish(1)
    for round_ in range(1, ROUNDS + 1):
        for user in agency.users:
            name = f"s{round_ % 10}-{user.id}"
            agency.schedule(
                shift(name, round_, user.id, start=in_days(2 + round_ % 10), title=f"{name} v{round_}")
            )
        if round_ % 20 == 0:
            agency.unpublish(round_)
            agency.publish(round_ + 1)
    agency.schedule(*(gone(f"s3-{user.id}", 1_000) for user in agency.users[::2]))
    return agency


def is_at(worker: Worker, stage: str) -> None:
    """Wait until a stage of the rebuild is reached."""
    said = eventually(worker.log.read_text, lambda log: f"stage {stage} reached" in log, seconds=60)
    assert f"stage {stage} reached" in said, worker.tail()


def writes(google: Google, since: int) -> list[Json]:
    """Calls that would change a calendar."""
    return [one for one in google.journal(since) if one["method"] in WRITES]


@pytest.mark.long
def test_rebuild_beside_a_worker_that_goes_on(new_nursed: NewNursed) -> None:
    """A second new worker joins in the middle, the first one is killed there: the old one's edits are the only writes."""
    with Google() as google:
        world = new_nursed(google, session_timeout_s=6)
        old = world.start("old").wait_ready()
        agency = history(world)
        world.settle(seconds=120)
        before = {user.id: user.titles() for user in agency.users}
        assert sum(map(len, before.values())) >= USERS * 9
        world.must("topics", "create", app_id="rebuilt")
        since = google.mark()
        first = world.start("first", app_id="rebuilt")
        is_at(first, "inputs")
        second = world.start("second", app_id="rebuilt")
        edited = agency.users[1]
        agency.schedule(
            shift(f"s1-{edited.id}", 2_000, edited.id, start=in_days(3), title="edited meanwhile")
        )
        first.kill()
        assert eventually(lambda: "edited meanwhile" in edited.titles(), bool)
        second.wait_ready(seconds=90)
        world.settle("rebuilt", seconds=90)
        made = Counter(str(one["method"]) for one in writes(google, since))
        assert made == {"events.patch": 1}
        for user in agency.users:
            if user.id != edited.id:
                assert user.titles() == before[user.id]
        # From here on the new ones alone.
        assert old.stop() == 0, old.tail()
        agency.schedule(shift("fresh", 1, edited.id, start=in_days(9)))
        assert eventually(lambda: "fresh" in edited.titles(), bool)
        world.settle("rebuilt", seconds=90)
        assert Counter(str(one["method"]) for one in writes(google, since)) == {
            "events.patch": 1,
            "events.insert": 1,
        }
        stats = google.stats()
        assert stats["duplicate_inserts"] == []
        assert stats["overlaps"] == []
