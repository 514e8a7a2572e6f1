"""Two builds in one group, on a real Kafka, while changes flow: worker by worker to the next release, back, and on again."""

from __future__ import annotations

from pathlib import Path

from streams import codec
from streams.names import Names
from tests.e2e.google import ROOT, Google
from tests.e2e.kafka import Record
from tests.e2e.world import Agency, Worker, World
from tests.upgrade.conftest import NewWorld, built_as
from tests.upgrade.load import Load
from tests.upgrade.next_release import FORMAT, RELEASE

USERS = 12
MARKED = b"\xf5" + bytes((FORMAT,))


def test_a_rolling_upgrade(new_world: NewWorld, newer: Path) -> None:
    """No change is lost, none is made twice: on the way to the next release, on the way back, and when the format is raised."""
    with Google("--latency-ms", "20") as google:
        world = new_world(google)
        world.must("topics", "create")
        one, other = world.start("one"), world.start("other")
        agency = Agency(world, "metro", *(f"u{number:02}" for number in range(USERS)))
        world.connect(*agency.users)
        for worker in (one, other):
            worker.wait_ready()
        agency.publish()
        world.settle(seconds=90)
        load = Load(agency)
        with load:
            one = _replaced(world, one, "one", newer)
            _refuses_to_raise(world, newer)
            one = _replaced(world, one, "one", ROOT)  # on second thoughts
            one = _replaced(world, one, "one", newer)
        _quiet(world, load)
        other = _killed_and_back(world, other)
        assert not _marked(world), "nobody may write what the release before cannot read"
        with load:
            other = _replaced(world, other, "other", newer)
        _quiet(world, load)
        assert not _marked(world)
        built_as(world, newer).must("topics", "raise-format", "--yes")
        with load:
            one = _replaced(world, one, "one", newer)
            other = _replaced(world, other, "other", newer)
        _quiet(world, load)
        load.one()
        _quiet(world, load)
        _writes_the_new_format(world)
        _shuts_the_release_before_out(world)
        for worker in (one, other):
            assert worker.stop() == 0, worker.tail()
            assert "Traceback" not in worker.log.read_text(), worker.tail()


def _replaced(world: World, worker: Worker, name: str, release: Path) -> Worker:
    assert worker.stop() == 0, worker.tail()
    return built_as(world, release).start(name).wait_ready()


def _quiet(world: World, load: Load) -> None:
    world.settle(seconds=90)
    assert (found := load.complaints()) == [], "\n".join(found)


def _refuses_to_raise(world: World, newer: Path) -> None:
    """One worker is of the release before: it would not know what is written."""
    refused = built_as(world, newer).shiftcal("topics", "raise-format", "--yes")
    assert refused.status == 1
    assert f"1 workers of group {world.prefix}shiftcal do not know format {FORMAT}" in refused.complaint
    assert "replace them by this release first" in refused.complaint


def _killed_and_back(world: World, worker: Worker) -> Worker:
    """A worker of the release before comes up again beside the next one, whose step of the database it does not know."""
    since = world.google.mark()
    worker.kill()
    again = built_as(world).start("other").wait_ready()
    world.settle(seconds=60)
    assert "knows formats" not in again.log.read_text()
    # Nothing was under way: whoever has to be careful after a kill looks, and writes nothing.
    assert {one["method"] for one in world.google.journal(since)} <= {"events.list", "oauth.token", "token"}
    return again


def _marked(world: World) -> list[Record]:
    names = Names(world.prefix)
    topics = (*names.internal, *names.changelogs)
    return [
        one
        for topic in topics
        for one in world.broker.records(topic)
        if (one.value or b"").startswith(b"\xf5")
    ]


def _writes_the_new_format(world: World) -> None:
    names = Names(world.prefix)
    marked = _marked(world)
    assert all((one.value or b"").startswith(MARKED) for one in marked)
    last = {one.key: one.value or b"" for one in marked if one.topic == names.changelog("users")}
    assert any(RELEASE.encode() in codec.unpacked(value[2:]) for value in last.values())


def _shuts_the_release_before_out(world: World) -> None:
    """A line that names the release that is needed; nothing was asked of Google, nothing was taken in."""
    names, since = Names(world.prefix), world.google.mark()
    before = world.broker.commits(names.app_id, names.internal)
    late = built_as(world).start("late")
    assert late.process.wait(timeout=60) == 1, late.tail()
    assert f"start release {RELEASE} or a newer one" in late.tail()
    assert "Traceback" not in late.tail()
    assert (world.google.mark(), world.broker.commits(names.app_id, names.internal)) == (since, before)
    refused = world.shiftcal("status", "metro", "u00")
    assert (refused.status, refused.out) == (1, "")
    assert "start the newer release" in refused.complaint
