"""`python -m tests.chaos.publication`: a publication to everybody through the project's quota, and its figures.

In: a Kafka, how many users and shifts, the quota, how long its minute is. Out: `Figures`. Nothing fails here but for want
of quota. Not here: what the figures have to be (`test_quota`).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from tests.chaos.ranks import rank_correlation
from tests.e2e.google import Google
from tests.e2e.messages import Json, in_days, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, World
from tests.kafka_java import JavaKafka

LATENCY_MS = 100
HOURS = 4
"""Different starts on a day; a quarter of the users starts at each."""


@dataclass(frozen=True)
class Size:
    """How much is published through how much."""

    users: int = 200
    shifts: int = 20
    per_minute: int = 2_666
    minute: float = 60.0

    @property
    def bound(self) -> float:
        """Seconds below which it cannot be: a tenth is kept, and what does not fit waits until the window has slid."""
        return self.minute * ((self.users * self.shifts - 1) // self.usable)

    @property
    def usable(self) -> int:
        """Writes a minute that are not soon."""
        return self.per_minute - -(-self.per_minute // 10)


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    writes: int
    seconds: float
    of_bound: float
    first_s: float
    """From the publication to the first write."""
    burst: float
    """Writes a second, until the first that had to wait."""
    refused: int
    rank_correlation: float
    waited: float
    """The same of those alone that had to wait for the window; the others go as fast as the machine sends them."""
    apart: int
    """The most that two users were ever apart, of those whose shifts start equally soon."""
    apart_at_last: int
    """The same, from the first that had to wait on."""
    edit_s: float
    """From an edit for tomorrow in the middle of it to its arrival at Google."""
    peak: int

    def line(self) -> str:
        """The figures in one line."""
        return " ".join(f"{name} {value:g}" for name, value in vars(self).items())


class Deployment(World):
    """A deployment whose minute may be shorter."""

    def __init__(self, kafka: str, google: Google, home: Path, size: Size) -> None:
        super().__init__(
            kafka,
            f"q{uuid4().hex[:8]}-",
            google,
            home,
            google_project_per_minute=size.per_minute,
            session_timeout_s=10,
        )
        self.start_ops = starting(size.minute, "ops")


def starting(minute: float, module: str) -> tuple[str, ...]:
    """How Python starts a module with such a minute."""
    return ("-m", "tests.chaos.short_minute", str(minute), module)


def publish(kafka: str, home: Path, size: Size) -> Figures:
    """Deal all shifts, publish them at once, edit one for tomorrow in the middle, and measure."""
    options = ("--latency-ms", str(LATENCY_MS), "--project-per-minute", str(size.per_minute), "--no-check")
    with Google(*options, start=starting(size.minute, "sandbox.google")) as google:
        world = Deployment(kafka, google, home, size)
        try:
            world.must("topics", "create")
            agency = Agency(world, "metro", *(f"u{number:03}" for number in range(size.users)))
            worker = world.start().wait_ready()
            world.connect(*agency.users)
            agency.publish(calendar="now")
            _deal(agency, size)
            world.settle(seconds=120)
            time.sleep(size.minute + 0.5)  # the looks of the connects are no part of it
            return _measure(world, agency, size)
        finally:
            world.close()
            if worker.process.returncode not in {0, -9}:
                print(worker.tail())


def _deal(agency: Agency, size: Size) -> None:
    changes = [
        shift(f"{number}-{user.id}", 1, user.id, start=in_days(2 + number) + timedelta(hours=who % HOURS))
        for who, user in enumerate(agency.users)
        for number in range(size.shifts)
    ]
    for first in range(0, len(changes), 50):
        agency.schedule(*changes[first : first + 50])


def _measure(world: World, agency: Agency, size: Size) -> Figures:
    google, since = world.google, world.google.mark()
    began, writes = time.monotonic(), size.users * size.shifts
    agency.publish()
    time.sleep(size.minute / 2)
    user = agency.users[size.users // 2]
    edited = time.monotonic()
    agency.schedule(shift("tonight", 1, user.id, start=in_days(0.5)), calendar="now")
    eventually(lambda: user.event("tonight", calendar="now"), bool, seconds=20)
    eventually(lambda: _inserts(google), lambda seen: seen > writes, seconds=size.minute * 4 + 60)
    world.settle(seconds=60)
    calls = google.journal(since)
    stats = google.stats()
    tonight = next(one for one in calls if one["event_id"] == user.id_of("tonight", calendar="now"))
    published = [one for one in calls if one["status"] == 200 and one is not tonight]
    started = {
        user.id_of(f"{number}-{user.id}"): (number, who % HOURS)
        for who, user in enumerate(agency.users)
        for number in range(size.shifts)
    }
    last = max(one["answered_mono"] for one in published) - began
    assert stats["duplicate_inserts"] == []
    return Figures(
        writes=len(published),
        seconds=round(last, 2),
        of_bound=round(last / size.bound, 3),
        first_s=round(published[0]["mono"] - began, 2),
        burst=round(size.usable / (published[size.usable - 1]["mono"] - published[0]["mono"])),
        refused=int(stats["quota"]["refused"]),
        rank_correlation=round(rank_correlation([started[one["event_id"]] for one in published]), 4),
        waited=round(rank_correlation([started[one["event_id"]] for one in published[size.usable :]]), 4),
        apart=max(_apart(agency, published, group) for group in range(HOURS)),
        apart_at_last=max(_apart(agency, published, group, size.usable) for group in range(HOURS)),
        edit_s=round(tonight["mono"] - edited, 3),
        peak=int(stats["quota"]["project_peak"]),
    )


def _apart(agency: Agency, published: list[Json], group: int, since: int = 0) -> int:
    had = Counter({user.account: 0 for who, user in enumerate(agency.users) if who % HOURS == group})
    apart = 0
    for number, one in enumerate(published):
        if one["account"] in had:
            had[one["account"]] += 1
            if number >= since:
                apart = max(apart, max(had.values()) - min(had.values()))
    return apart


def _inserts(google: Google) -> int:
    return int(google.stats()["committed"].get("events.insert", 0))


def main() -> None:
    """Run it at full size, unless the options say otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.publication", description=__doc__)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--shifts", type=int, default=20)
    parser.add_argument("--per-minute", type=int, default=2_666)
    parser.add_argument("--minute", type=float, default=60.0, help="seconds of a minute")
    size = Size(**vars(parser.parse_args()))
    kafka = JavaKafka(lasting=True)
    try:
        with tempfile.TemporaryDirectory(prefix="shiftcal-quota-") as home:
            print(f"bound {size.bound:g} s", publish(kafka.bootstrap, Path(home), size).line())
    finally:
        kafka.close()


if __name__ == "__main__":
    main()
