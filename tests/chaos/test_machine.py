"""Faults of the machine that a worker runs on: its disk, its database, its clock. What is promised stands in docs/reliability.md."""

from __future__ import annotations

import resource
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from secrets import token_hex

import pytest

from tests.chaos.nursery import NurseryWorld
from tests.e2e.google import Google
from tests.e2e.messages import gone, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, User, Worker, World
from tests.kafka import Kafka

LIMIT = 1 << 17
NewNursed = Callable[..., NurseryWorld]
FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)


def scene(world: World) -> tuple[Worker, User]:
    """A worker, and a user whose first shift stands."""
    worker = world.start()
    agency = Agency(world, "metro", "u1")
    user = agency.users[0]
    world.connect(user)
    worker.wait_ready()
    agency.publish()
    agency.schedule(shift("s1"))
    user.shows("s1")
    world.settle()
    return worker, user


def last_words(worker: Worker) -> str:
    """The one line with which it ended by itself."""
    assert eventually(lambda: worker.runs, lambda runs: not runs, seconds=60) is False, worker.tail()
    assert worker.process.returncode == 1
    log = worker.log.read_text()
    assert "Traceback" not in log, worker.tail()
    (line,) = (line for line in log.splitlines() if "[critical" in line)
    return line


def damage(home: Path, pattern: str) -> int:
    """Turn sixteen bytes around in the middle of every such file of the tables; how many."""
    files = [path for path in home.glob(f"state-worker/faust/**/{pattern}") if path.stat().st_size]
    for path in files:
        content = bytearray(path.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 16] = bytes(byte ^ 0xFF for byte in content[middle : middle + 16])
        path.write_bytes(content)
    return len(files)


def test_state_directory_is_full(new_nursed: NewNursed) -> None:
    """The worker ends with a line that names the directory, and with room again it goes on where it stopped."""
    with Google() as google:
        world = new_nursed(google)
        worker, user = scene(world)
        # A limit on its files does to RocksDB what a full disk does: the next write fails, and needs no mount to be tried.
        # The log has room below it, the rows have not: hexadecimal noise is half as long when compressed.
        resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
        names = [f"n{number:02}" for number in range(60)]
        user.agency.schedule(*(shift(name, notes=token_hex(4_000)) for name in names))
        line = last_words(worker)
        assert "the state directory" in line
        assert "state-worker" in line
        assert "room" in line
        world.start().wait_ready()
        user.keeps("s1", *names)
        assert google.stats()["duplicate_inserts"] == []


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("CURRENT", marks=pytest.mark.long),
        pytest.param("MANIFEST-*", marks=pytest.mark.long),
        "*.sst",
    ],
)
def test_state_directory_is_damaged(new_nursed: NewNursed, pattern: str) -> None:
    """The worker makes no call on damaged rows: it names the cure, and once that is done everything is as it was."""
    with Google() as google:
        world = new_nursed(google)
        worker, user = scene(world)
        assert worker.stop() == 0
        if pattern == "*.sst":  # what was written is moved there at the next start
            worker = world.start().wait_ready()
            assert worker.stop() == 0
        assert damage(world.home, pattern)
        since = google.mark()
        line = last_words(world.start())
        assert "is damaged" in line
        assert "remove" in line
        tables = world.home / "state-worker" / "faust"
        assert str(tables) in line
        assert google.mark() == since
        tables.rename(world.home / "damaged")
        world.start().wait_ready()
        user.agency.schedule(shift("s2"))
        user.keeps("s1", "s2")
        assert user.calls(since) == ["insert"]


@pytest.mark.parametrize("seconds", [0, pytest.param(60, marks=pytest.mark.long)])
def test_database_is_locked(new_nursed: NewNursed, seconds: int) -> None:
    """Changes go on to Google; what needs to write the database waits, says so, and is done once the lock is gone."""
    with Google() as google:
        world = new_nursed(google)
        worker, user = scene(world)
        with closing(sqlite3.connect(world.home / "shiftcal.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            user.agency.schedule(shift("s2"))
            user.shows("s1", "s2")
            user.command("disconnect")
            said = eventually(worker.log.read_text, lambda log: "lanes wait" in log, seconds=40)
            assert "another process holds it" in said, worker.tail()
            time.sleep(seconds)
            assert worker.get("/ready")[0] == 200
            assert google.grants(user.account) == 1
            other.execute("ROLLBACK")
        assert eventually(lambda: google.grants(user.account), lambda left: left == 0, seconds=60) == 0
        user.is_told("stopped")
        assert worker.runs


@pytest.mark.long
def test_database_is_gone(new_nursed: NewNursed) -> None:
    """Whoever is not known yet waits; the worker stays ready and writes everything once the database is back."""
    with Google() as google:
        world = new_nursed(google)
        worker, user = scene(world)
        assert worker.stop() == 0
        worker = world.start().wait_ready()  # it has read nobody's token yet
        files = list(world.home.glob("shiftcal.db*"))
        for path in files:
            path.rename(path.with_name(f"away-{path.name}"))
        (world.home / "shiftcal.db").mkdir()
        user.agency.schedule(shift("s2"))
        eventually(worker.log.read_text, lambda log: "cannot be used" in log, seconds=10)
        time.sleep(60)
        assert worker.get("/ready")[0] == 200
        (world.home / "shiftcal.db").rmdir()
        for path in files:
            path.with_name(f"away-{path.name}").rename(path)
        user.keeps("s1", "s2")
        assert worker.runs


@pytest.mark.skipif(FAKETIME is None, reason="stepping a clock needs libfaketime (Debian: faketime)")
def test_clock_is_stepped(kafka: Kafka, tmp_path: Path) -> None:
    """An hour forward and back again: every change arrives once, and nothing is refused."""
    with Google() as google:
        world = World(kafka.bootstrap, f"clock{time.time_ns() % 10**8}-", google, tmp_path)
        clock = world.home / "clock"
        clock.write_text("+0\n")
        world.must("topics", "create")
        world.settings |= {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        try:
            _step(world, clock)
        finally:
            world.close()


def _step(world: World, clock: Path) -> None:
    worker, user = scene(world)
    shown = {"s1"}
    for number, step in enumerate(("+3600\n", "+0\n", "-3600\n", "+0\n")):
        clock.write_text(step)
        user.agency.schedule(shift(f"t{number}"), shift("s1", 2 + number, title=f"s1 {number}"))
        shown = {one for one in shown if not one.startswith("s1")} | {f"t{number}", f"s1 {number}"}
        user.shows(*shown)
    user.agency.schedule(gone("t0", 2))
    user.keeps(*(shown - {"t0"}))
    calls = user.calls()
    assert [calls.count(one) for one in ("insert", "patch", "delete")] == [5, 4, 1]
    stats = world.google.stats()
    assert stats["duplicate_inserts"] == []
    assert stats["quota"]["refused"] == 0
    assert worker.runs
    assert worker.stop() == 0
