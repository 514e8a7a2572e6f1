"""A worker that meets what only the next release can read, while it runs: it stops at once, and the next release goes on."""

from __future__ import annotations

from pathlib import Path

import zstandard
from confluent_kafka import Producer

from streams import agreement, codec
from streams.names import Names
from tests.e2e.google import Google
from tests.e2e.messages import shift
from tests.e2e.world import Agency, World
from tests.upgrade.conftest import NewWorld, built_as
from tests.upgrade.next_release import FORMAT, RELEASE


def test_a_fact_of_a_newer_format(new_world: NewWorld, newer: Path) -> None:
    """One line and status 1, no call, and the fact is not taken for read: the next release folds it."""
    with Google() as google:
        world = new_world(google)
        world.must("topics", "create")
        worker = world.start().wait_ready()
        agency = Agency(world, "metro", "u1")
        world.connect(*agency.users)
        agency.publish()
        agency.schedule(shift("s1"))
        agency.users[0].shows("s1")
        world.settle()
        since = google.mark()
        taken_in = _raised_too_early(world)
        assert worker.process.wait(timeout=60) == 1, worker.tail()
        said = worker.log.read_text().splitlines()[-1]
        assert f"in format {FORMAT}" in said
        assert "start the newer release" in said
        assert "Traceback" not in worker.tail()
        assert google.journal(since) == []
        names = Names(world.prefix)
        assert world.broker.commits(names.app_id, [names.calendar_facts]) == taken_in
        built_as(world, newer).start("next").wait_ready()
        agency.users[0].keeps("s1", "s2")
        assert agency.users[0].calls(since).count("insert") == 1


def _raised_too_early(world: World) -> dict[str, int]:
    """Somebody raises the group past what runs, and a worker of the next release writes a fact; how far all was folded then."""
    names = Names(world.prefix)
    before = world.broker.commits(names.app_id, [names.calendar_facts])
    record = b'{"number": %d, "release": "%s"}' % (FORMAT, RELEASE.encode())
    world.broker.send(names.rebuild, [record], agreement.KEY)
    (fact,) = [
        one
        for one in world.broker.records(names.calendar_facts)
        if b"shifts_changed" in codec.unpacked(one.value or b"")
    ]
    text = codec.unpacked(fact.value or b"").replace(b'"s1"', b'"s2"')
    newer = b"\xf5" + bytes((FORMAT,)) + zstandard.compress(text)
    producer = Producer({"bootstrap.servers": world.broker.bootstrap, "log_level": 0})
    producer.produce(names.calendar_facts, newer, fact.key, partition=fact.partition)
    assert producer.flush(30) == 0
    return before
