"""What passes the reader, though odd, is folded, planned and written: nobody further on may stumble over it either."""

from __future__ import annotations

import json
import os
import random
from collections import defaultdict
from zoneinfo import available_timezones

import orjson
import pytest

from planning.answers import begin
from planning.intake import INPUTS, Source, read
from planning.plan import plan
from schemas.mutations import Insert, Patch
from schemas.policy import Policy
from schemas.rows import UserRow
from streams import codec
from tests.e2e.messages import shift
from tests.fuzz.seeds import seeds
from tests.fuzz.spoil import spoiled
from tests.planning.world import World

COUNT = int(os.environ.get("SHIFTCAL_TEST_FUZZ", "400"))

#: So many messages share their tables: one that un-publishes for good would end the story for all after it.
CHAPTER = 20

PLAIN = Policy(synced_kinds=frozenset({"shift", "training"}))
DRESSED = Policy(title="{{ title }} {{ shift_id }}", description="{{ kind }} {{ location }} {{ notes }}")


def follow(world: World, source: Source) -> int:
    """Take a message through both agents; return how many facts it came to."""
    reading = read(source)
    world.calendar_facts += reading.calendar_facts
    world.user_facts += reading.user_facts
    while world.read_calendars < len(world.calendar_facts):
        world.fold_calendar()
    world.fold_users(len(world.user_facts) - world.read_users)
    return len(reading.calendar_facts) + len(reading.user_facts)


def written(row: UserRow, policy: Policy, world: World) -> int:
    """Store the row and read it again, plan for it and make all calls; return how many there were."""
    assert codec.decode(UserRow, codec.encode_row(row)) == row
    mutations = plan(row, policy, world.now)
    for mutation in mutations:
        call = begin(mutation).call
        world.google.apply("calendar", call)
        if isinstance(call, Insert | Patch):
            assert orjson.loads(orjson.dumps(call.body)) == call.body
    return len(mutations)


@pytest.mark.parametrize("policy", [PLAIN, DRESSED])
def test_what_passes_the_reader(policy: Policy) -> None:
    """Every row can be stored and read again, and every plan be carried out."""
    dice = random.Random("following")
    facts = calls = 0
    for offset in range(COUNT * 5):
        if offset % CHAPTER == 0:
            world = World(defaultdict(lambda: policy))
            good = seeds("fuzz", world.now)
            follow(
                world, Source("calendar-published", "t", 0, 0, world.now, None, good["calendar-published"][1])
            )
        name = dice.choice(("schedule-changed", *INPUTS))
        value = spoiled(dice, good[name])
        try:
            facts += follow(world, Source(name, name, 0, offset, world.now, None, value))
            calls += sum(written(row, policy, world) for row in world.rows.values())
        except Exception as error:
            raise AssertionError(f"message {offset} on {name}: {value[:2_000]!r}") from error
    print(f"{COUNT * 5} messages: {facts} facts, {calls} calls")
    assert facts > COUNT * 5 / 10
    assert calls > COUNT


@pytest.mark.parametrize(("start", "end"), [
    ("9998-12-31T11:00:00Z", "9998-12-31T23:59:59.999999Z"),
    ("2026-12-02T00:00:00+23:59", "9998-12-31T00:00:00-00:01"),
    ("2026-12-31T23:59:59.999999-23:59", "2027-01-02T00:00:00.000001Z"),
])  # fmt: skip
def test_every_zone_at_the_ends_of_time(start: str, end: str) -> None:
    """No zone of this machine carries a time that passes the reader beyond what can be written."""
    world = World(defaultdict(Policy))
    changes = [
        shift(f"s{number}", start=start, end=end, time_zone=zone)
        for number, zone in enumerate(sorted(available_timezones() - {"localtime"}))
    ]
    head = {"event_id": "e", "occurred_at": world.now.isoformat(), "agency_id": "fuzz", "calendar_id": "ops"}
    published = head | {"version": 1, "published_through": "9998-12-31"}
    for name, message in (
        ("calendar-published", published),
        ("schedule-changed", head | {"changes": changes}),
    ):
        follow(world, Source(name, name, 0, 0, world.now, None, json.dumps(message).encode()))
    assert written(world.rows["fuzz", "u1"], Policy(), world) > 0.9 * len(changes)
