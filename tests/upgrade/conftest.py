"""The next release, made once a run; and a deployment whose workers are of one build or the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.google import ROOT, Google
from tests.e2e.world import World
from tests.kafka import Kafka
from tests.upgrade.next_release import next_release

NewWorld = Callable[..., World]


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the next release is."""
    return next_release(tmp_path_factory.mktemp("next"))


@pytest.fixture
def new_world(kafka: Kafka, tmp_path: Path) -> Iterator[NewWorld]:
    """A deployment for this test alone."""
    made: list[World] = []

    def make(google: Google, prefix: str | None = None, **settings: object) -> World:
        if "mock" in kafka.name:
            pytest.skip("whole deployments need a real Kafka")
        world = World(kafka.bootstrap, prefix or f"u{uuid4().hex[:8]}-", google, tmp_path, **settings)
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()


def built_as(world: World, release: Path = ROOT) -> World:
    """Whatever is started from now on is of this build."""
    world.settings["PYTHONPATH"] = str(release)
    return world
