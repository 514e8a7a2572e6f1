"""One worker for all that is thrown at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.google import Google
from tests.e2e.world import Agency, User, Worker, World
from tests.fuzz.raw import Raw
from tests.kafka import Kafka


class Target:
    """A deployment, its worker, and the users whose good changes must arrive."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.must("topics", "create")
        self.raw = Raw(world.broker.bootstrap, world.prefix)
        self.raw.allow_any_timestamp("schedule-changed")
        self.good = Agency(world, "metro", *(f"u{number}" for number in range(5)))
        self.spoiled = Agency(world, "fuzz", "u1", "u2")
        self.worker: Worker = world.start().wait_ready()
        world.connect(*self.good.users, *self.spoiled.users)
        self.good.publish()
        world.settle()

    @property
    def users(self) -> list[User]:
        """Those of the good agency."""
        return self.good.users

    @property
    def files(self) -> int:
        """How many descriptors the worker has open beside its tables' files, which RocksDB opens and merges as it likes."""
        found = 0
        for one in Path(f"/proc/{self.worker.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                found += not one.readlink().is_relative_to(self.world.home / "state-worker")
        return found

    @property
    def memory_mb(self) -> float:
        """How much memory the worker has resident."""
        lines = Path(f"/proc/{self.worker.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024

    def goes_on(self) -> None:
        """The process that was started still runs, and says so."""
        assert self.worker.runs, self.worker.tail()
        assert [self.worker.get(path)[0] for path in ("/live", "/ready", "/metrics")] == [200, 200, 200]
        assert self.world.workers == [self.worker]


@pytest.fixture(scope="module")
def target(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A worker that is ready, with nothing to do."""
    if "mock" in kafka.name:
        pytest.skip("whole deployments need a real Kafka")
    with Google() as google:
        world = World(kafka.bootstrap, f"f{uuid4().hex[:8]}-", google, tmp_path_factory.mktemp("fuzz"))
        try:
            yield Target(world)
        finally:
            world.close()
