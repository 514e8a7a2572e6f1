"""One running deployment for all situations that need no other: each has an agency of its own in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.google import Google
from tests.e2e.world import Agency, World, policies
from tests.kafka import Kafka

#: Agencies that wait, connected, for a test; by what their policy is.
POOL = {
    "plain": 56,
    "keep": 6,
    "leave": 2,
    "kinds": 1,
    "dressed": 1,
    "respect": 2,
    "report": 2,
    "hold": 5,
    "coloured": 1,
    "choosing": 1,
}
CHOICES: dict[str, dict[str, object]] = {
    "plain": {},
    "keep": {"on_unpublish": "keep"},
    "leave": {"on_leave": "remove_future"},
    "kinds": {"synced_kinds": ["shift", "training"]},
    "respect": {"on_drift": "respect_deletion"},
    "report": {"on_drift": "report"},
    "hold": {"hold_removals_over": {"share": 0.5, "count": 3}},
    "coloured": {
        "synced_kinds": ["shift", "class"],
        "colour": {"shift": "tangerine"},
        "details": "title_only",
        "show_as": "free",
    },
    "choosing": {"user_may_choose": ["colour", "show_as"]},
    "dressed": {"title": "{{ title }} @ {{ location }}", "description": "{{ kind }}: {{ notes }}"},
}

#: One Google account, connected in two agencies.
TWINS = "twins@example.com"

NewWorld = Callable[..., World]
Pool = dict[str, Iterator[int]]


@pytest.fixture(scope="session")
def google() -> Iterator[Google]:
    """The stand-in that situations share; accounts keep them apart."""
    with Google() as google:
        yield google


@pytest.fixture(scope="session")
def shared(kafka: Kafka, google: Google, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A deployment with one worker, and a pool of agencies whose users are connected."""
    if "mock" in kafka.name:
        pytest.skip("whole deployments need a real Kafka")
    home = tmp_path_factory.mktemp("e2e")
    chosen = [(f"{kind}-{number}", CHOICES[kind]) for kind, count in POOL.items() for number in range(count)]
    path = policies(home / "policies.toml", [one for one in chosen if one[1]])
    world = World(kafka.bootstrap, f"e{uuid4().hex[:8]}-", google, home, policies=path)
    try:
        world.must("topics", "create")
        waiting = [user for name, _ in chosen for user in Agency(world, name, "u1", "u2").users]
        world.connect(*waiting, *(Agency(world, name).user("u1", TWINS) for name in ("twins-1", "twins-2")))
        worker = world.start().wait_ready()
        world.settle(seconds=90)
        yield world
        assert worker.stop() == 0, worker.tail()
        assert "Traceback" not in worker.log.read_text(), worker.tail()
        stats = google.stats()
        assert stats["violations"] == []
        assert stats["overlaps"] == []
    finally:
        world.close()


@pytest.fixture(scope="session")
def pool() -> Pool:
    """The next free agency of each kind."""
    return {kind: iter(range(count)) for kind, count in POOL.items()}


@pytest.fixture
def world(shared: World) -> World:
    """The shared deployment, its worker started again should an earlier test have ended it."""
    if not any(worker.runs for worker in shared.workers):
        shared.start().wait_ready()
    return shared


def from_pool(world: World, pool: Pool, kind: str) -> Agency:
    """One more agency of a kind."""
    return Agency(world, f"{kind}-{next(pool[kind])}", "u1", "u2")


@pytest.fixture
def agency(world: World, pool: Pool) -> Agency:
    """An agency whose policies say nothing; u1 and u2 are connected."""
    return from_pool(world, pool, "plain")


@pytest.fixture
def keeping(world: World, pool: Pool) -> Agency:
    """An agency that keeps what is un-published."""
    return from_pool(world, pool, "keep")


@pytest.fixture
def leaving(world: World, pool: Pool) -> Agency:
    """An agency that removes the future of who leaves."""
    return from_pool(world, pool, "leave")


@pytest.fixture
def new_world(kafka: Kafka, tmp_path: Path) -> Iterator[NewWorld]:
    """A deployment for this test alone."""
    made: list[World] = []

    def make(google: Google, **settings: object) -> World:
        if "mock" in kafka.name:
            pytest.skip("whole deployments need a real Kafka")
        world = World(kafka.bootstrap, f"e{uuid4().hex[:8]}-", google, tmp_path, **settings)
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()
