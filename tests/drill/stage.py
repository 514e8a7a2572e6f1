"""A whole deployment to break things in: Google's stand-in, workers, and a Prometheus that scrapes them.

In: a Kafka, a directory, settings. Out: `Drill`; whatever it started has ended when its block ends. Not here: what is broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.drill.prometheus import Prometheus
from tests.drill.watch import Watch
from tests.e2e.google import Google
from tests.e2e.messages import in_days, shift
from tests.e2e.world import Agency, Worker, World, free_port
from tests.kafka import Kafka


class Drill:
    """What an operator has: a deployment, the command, and alerts."""

    def __init__(self, world: World, google: Google, prometheus: Prometheus) -> None:
        self.world, self.google, self.prometheus = world, google, prometheus
        self.workers: dict[str, Worker] = {}
        self._ports: dict[str, int] = {}

    def start(self, name: str = "one", **settings: object) -> Worker:
        """Start a worker, for the first time or again, where Prometheus looks for it."""
        port = self._ports.setdefault(name, free_port())
        self.prometheus.targets(self._ports.values())
        self.workers[name] = self.world.start(name, http_port=port, **settings)
        return self.workers[name]

    def stop(self, name: str = "one") -> None:
        """Stop a worker as its supervisor would."""
        assert self.workers[name].stop() == 0, self.workers[name].tail()

    def retire(self, name: str) -> None:
        """Stop a worker that is not to come back."""
        self._ports.pop(name)
        self.prometheus.targets(self._ports.values())
        self.stop(name)

    def staffed(self, users: int, shifts: int = 1, name: str = "metro") -> Agency:
        """An agency whose users are connected, with so many shifts each that stand in their calendars."""
        agency = Agency(self.world, name, *(f"u{number:03}" for number in range(users)))
        for first in range(0, users, 50):
            self.world.connect(*agency.users[first : first + 50])
        agency.publish()
        for user in agency.users:
            agency.schedule(
                *(shift(f"{user.id}-{n}", 1, user.id, start=in_days(2 + n)) for n in range(shifts))
            )
        self.world.settle(seconds=120)
        assert all(len(user.titles()) == shifts for user in agency.users)
        return agency

    def watch(self, alert: str, how: str) -> Watch:
        """Watch an alert that is quiet now."""
        watch = Watch(self.prometheus, alert, how)
        watch.quiet()
        return watch


@contextmanager
def deployed(kafka: Kafka, home: Path, *google_options: str, **settings: object) -> Iterator[Drill]:
    """A deployment for this block, its topics made, without a worker yet."""
    if "mock" in kafka.name:
        pytest.skip("drills need a real Kafka")
    with Google("--no-check", *google_options) as google:
        world = World(kafka.bootstrap, f"d{uuid4().hex[:8]}-", google, home, **settings)
        prometheus = Prometheus(home / "prometheus")
        try:
            world.must("topics", "create")
            yield Drill(world, google, prometheus)
        finally:
            world.close()
            prometheus.close()
