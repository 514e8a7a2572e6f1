"""A deployment of two workers for tests that strike at one chosen moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.chaos.nursery import Nursery, NurseryWorld
from tests.e2e.google import Google
from tests.e2e.world import Agency, User, Worker
from tests.kafka import Kafka

SESSION_S = 4.0


class Deployment:
    """Two workers, one agency, a connected user whose shift is published."""

    def __init__(self, world: NurseryWorld) -> None:
        self.world, self.google = world, world.google
        world.must("topics", "create")
        self.workers = [world.start(name) for name in ("one", "two")]
        self.agency = Agency(world, "metro", "u1")
        self.user: User = self.agency.users[0]
        world.connect(self.user)
        for worker in self.workers:
            worker.wait_ready()
        self.agency.publish()
        world.settle()

    def owner(self) -> Worker:
        """The worker whose lane is at work."""
        busy = [worker for worker in self.workers if worker.runs and worker.number("shiftcal_lanes")]
        assert len(busy) == 1
        return busy[0]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where workers come from."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def new_nursed(kafka: Kafka, nursery: Nursery, tmp_path: Path) -> Iterator[Callable[..., NurseryWorld]]:
    """Deployments for this test alone, whose topics are there."""
    if "mock" in kafka.name:
        pytest.skip("whole deployments need a real Kafka")
    made: list[NurseryWorld] = []

    def make(google: Google, **settings: object) -> NurseryWorld:
        world = NurseryWorld(kafka.bootstrap, f"n{uuid4().hex[:8]}-", google, tmp_path, **settings)
        world.nursery = nursery
        made.append(world)
        world.must("topics", "create")
        return world

    yield make
    for world in made:
        world.close()


@pytest.fixture
def deployment(kafka: Kafka, nursery: Nursery, tmp_path: Path) -> Iterator[Deployment]:
    """Two workers, ready, with nothing to do."""
    if "mock" in kafka.name:
        pytest.skip("whole deployments need a real Kafka")
    with Google() as google:
        world = NurseryWorld(
            kafka.bootstrap, f"m{uuid4().hex[:8]}-", google, tmp_path, session_timeout_s=SESSION_S
        )
        world.nursery = nursery
        try:
            yield Deployment(world)
        finally:
            world.close()
