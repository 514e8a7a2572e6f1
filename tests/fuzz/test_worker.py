"""Spoiled records and requests, thrown at a worker: it goes on, and what is good arrives; `SHIFTCAL_TEST_FUZZ` says how many."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator

from planning.intake import INPUTS, LONGEST_LETTER, MOST_LETTERS
from tests.e2e.messages import envelope, shift
from tests.e2e.waiting import eventually
from tests.fuzz.conftest import Target
from tests.fuzz.raw import Sent
from tests.fuzz.requests import throw
from tests.fuzz.seeds import seeds
from tests.fuzz.spoil import spoiled

COUNT = int(os.environ.get("SHIFTCAL_TEST_FUZZ", "400"))

#: What the worker may have more after all than after the first quarter: buffers and rows of odd users, idle connections.
MORE_MB, MORE_FILES = 60.0, 20

KEYS = (None, None, b"", b"key", b"metro/u1", b"\xff\xfe\x00", b"k" * 20_000, "früh 🚑".encode(), b"a/b/c")
HEADERS: tuple[tuple[tuple[str, bytes | None], ...], ...] = (
    (),
    (),
    (("reason", b"mine"), ("reason", b"again"), ("error", None)),
    (("", b""), ("ä" * 300, b"\xff" * 3_000)),
    tuple((f"h{number}", b"x") for number in range(100)),
)


def records(dice: random.Random, count: int) -> Iterator[Sent]:
    """Records that are spoiled, or odd around their value."""
    good = seeds("fuzz")
    for number in range(count):
        topic = dice.choice(INPUTS)
        value = None if number % 29 == 0 else spoiled(dice, good[topic])
        timestamp = dice.choice((0, 0, 0, 0, 1, int(time.time() * 1000) + 1_000_000))
        yield Sent(topic, value, dice.choice(KEYS), dice.choice(HEADERS), timestamp)


def good_change(target: Target, number: int, **fields: object) -> Sent:
    """A change that must arrive; its shift is named after its number."""
    user = target.users[number % len(target.users)]
    message = envelope(target.good.id, calendar_id="ops", changes=[shift(f"g{number}", 1, user.id, **fields)])
    return Sent("schedule-changed", json.dumps(message).encode())


def mixed(target: Target, dice: random.Random, numbers: range) -> Iterator[Sent]:
    """Ten spoiled ones around each good one."""
    for number in numbers:
        yield from records(dice, 10)
        yield good_change(target, number)


def arrived(target: Target, numbers: range) -> None:
    """Everything is done, and every good change is at Google."""
    target.world.settle(seconds=60 + COUNT / 20)
    target.goes_on()
    for place, user in enumerate(target.users):
        wanted = sorted(f"g{number}" for number in numbers if number % len(target.users) == place)
        assert user.titles() == wanted


def test_records_at_the_limits_of_what_kafka_takes(target: Target) -> None:
    """As long as a letter may be, longer than that, too many bad changes, a year that is none: no end of the worker."""
    longest, number = b"[" * LONGEST_LETTER, 1_790_000_000_000_000
    target.raw.send(
        [
            Sent("schedule-changed", longest, headers=HEADERS[-1][:2]),
            Sent("sync-commands", longest[:1_048_576]),
        ]
    )
    many = envelope("fuzz", calendar_id="ops", changes=[], more="p" * 100_000)
    zeros = json.dumps(many).replace('"changes": []', '"changes": [' + "0," * MOST_LETTERS + "0]").encode()
    long = b"0" * (LONGEST_LETTER + 1)
    odd = [Sent("schedule-changed", value) for value in (zeros, long, longest[:900_000])]
    target.raw.send(odd, **{"compression.type": "gzip"})
    target.raw.send([good_change(target, 0)._replace(timestamp=number)])
    arrived(target, range(1))
    letters = target.raw.letters()
    assert letters == target.raw.predicted()
    [whole] = [one for one in letters if one[1] is None]
    assert dict(whole[2])["source-offset"]


def test_spoiled_records_among_good_ones(target: Target) -> None:
    """The same process goes on, no larger, every good change arrives, and nothing else is said than the reader says."""
    dice, last = random.Random("records"), COUNT // 10
    first = max(2, last // 4)
    target.raw.send(mixed(target, dice, range(1, first)))
    arrived(target, range(first))
    memory, files = target.memory_mb, target.files
    target.raw.send(mixed(target, dice, range(first, last)))
    arrived(target, range(last))
    more, opened = target.memory_mb - memory, target.files - files
    print(f"{last * 10} spoiled records: {memory:.0f} MB {more:+.1f}, {files} files {opened:+d}")
    assert more < MORE_MB
    assert opened < MORE_FILES
    # What was spoiled is in letters, exactly as the reader says in this process of the same records.
    assert target.raw.letters() == target.raw.predicted()
    assert target.world.google.stats()["violations"] == []
    # Operators read all of it.
    assert target.world.must("dead-letters", "list", "--limit", "100000").out


def test_requests_that_are_none(target: Target) -> None:
    """Whatever bytes come to its port, the worker goes on, answers afterwards, keeps no file and fills no log."""
    target.goes_on()
    files, said = target.files, target.worker.log.stat().st_size
    throw(int(target.worker.url.rpartition(":")[2]), random.Random("requests"), COUNT)
    target.goes_on()
    assert eventually(lambda: target.files, lambda seen: seen <= files + 2) <= files + 2
    assert "Traceback" not in target.worker.log.read_text(errors="replace")[said:]
    print(
        f"{COUNT} requests: {files} files, {target.files} afterwards; {target.worker.log.stat().st_size - said} bytes of log"
    )
