"""Two workers: one dies in the middle of a publication, one leaves cleanly; calendars do not notice."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable

from tests.e2e.google import Google
from tests.e2e.messages import in_days, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, Worker, World

USERS, SHIFTS = 60, 5
CALLS_AT_ONCE = 4


def inserts(google: Google) -> int:
    """How many events were made so far."""
    return int(google.stats()["committed"].get("events.insert", 0))


def deal(agency: Agency, version: int) -> None:
    """Everybody's shifts, in messages of fifty changes."""
    changes = [
        shift(
            f"s{number}-{user.id}",
            version,
            user.id,
            start=in_days(1 + number),
            title=f"{user.id} {number} v{version}",
        )
        for user in agency.users
        for number in range(SHIFTS)
    ]
    for first in range(0, len(changes), 50):
        agency.schedule(*changes[first : first + 50])


def right(agency: Agency, version: int) -> bool:
    """Whether every calendar shows exactly this version of its user's shifts."""
    return all(
        user.titles() == sorted(f"{user.id} {number} v{version}" for number in range(SHIFTS))
        for user in agency.users
    )


def repeated(google: Google, since: int) -> Counter[str]:
    """By user: events that were written twice. More than twice is never right."""
    done = Counter(
        (one["account"], one["method"], one["event_id"])
        for one in google.journal(since)
        if one["method"] in {"events.insert", "events.patch", "events.delete"}
    )
    assert set(done.values()) <= {1, 2}, done.most_common(3)
    return Counter(account for (account, _, _), count in done.items() if count > 1)


def test_two_workers(new_world: Callable[..., World]) -> None:
    """One is killed half way through, one is stopped half way through: every calendar is right, nothing is doubled."""
    with Google("--latency-ms", "60") as google:
        world = new_world(google)
        world.must("topics", "create")
        one = world.start("one")
        other = world.start("other")
        agency = Agency(world, "metro", *(f"u{number:02}" for number in range(USERS)))
        world.connect(*agency.users)
        for worker in (one, other):
            worker.wait_ready()
        world.settle(seconds=90)
        _killed_half_way(world, agency, one, other)
        one = world.start("one").wait_ready()
        world.settle(seconds=90)
        _frozen_half_way(world, agency, one, other)
        _stopped_half_way(world, agency, one, other)
        assert other.stop() == 0, other.tail()


def _killed_half_way(world: World, agency: Agency, one: Worker, other: Worker) -> None:
    google, since = world.google, world.google.mark()
    deal(agency, 1)
    agency.publish()
    assert eventually(lambda: inserts(google), lambda seen: seen > USERS) < USERS * SHIFTS
    one.kill()
    assert eventually(lambda: right(agency, 1), bool, seconds=90), other.tail()
    world.settle(seconds=60)
    assert right(agency, 1)
    assert google.stats()["duplicate_inserts"] == []
    # At most the calls in flight are made again, and a user has at most four.
    assert max(repeated(google, since).values(), default=0) <= CALLS_AT_ONCE
    assert inserts(google) == USERS * SHIFTS


def _frozen_half_way(world: World, agency: Agency, one: Worker, other: Worker) -> None:
    """Frozen beyond its session: its users are the other one's by the time it wakes up."""
    google, since = world.google, world.google.mark()
    deal(agency, 2)
    eventually(lambda: google.mark() - since, lambda seen: seen > USERS)
    one.process.send_signal(signal.SIGSTOP)
    deal(agency, 3)
    assert eventually(lambda: right(agency, 3), bool, seconds=90), other.tail()
    one.process.send_signal(signal.SIGCONT)
    one.wait_ready()
    world.settle(seconds=60)
    assert right(agency, 3)
    assert google.stats()["duplicate_inserts"] == []


def _stopped_half_way(world: World, agency: Agency, one: Worker, other: Worker) -> None:
    google, since = world.google, world.google.mark()
    deal(agency, 4)
    eventually(lambda: google.mark() - since, lambda seen: seen > USERS)
    asked = time.monotonic()
    assert one.stop() == 0, one.tail()
    assert time.monotonic() - asked < 20
    assert eventually(lambda: right(agency, 4), bool, seconds=90), other.tail()
    world.settle(seconds=60)
    assert not repeated(google, since)
    assert google.stats()["duplicate_inserts"] == []
    assert google.stats()["overlaps"] == []
