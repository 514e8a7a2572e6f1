"""`produce`: checked as a whole, then sent as a whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.ops.conftest import Jsonl, World
from tests.ops.messages import command, delete, published, schedule, upsert
from tests.planning.wrapped import binary, data, structured, texts


def test_a_good_file(world: World, jsonl: Jsonl) -> None:
    """Every message stands in its topic, as it was, under a key of what belongs together."""
    lines = [schedule(upsert(title="Früh 早")), schedule(delete()), published(), command()]
    ended = world("produce", jsonl(*lines))
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == "sent 4 messages: schedule-changed 2, calendar-published 1, sync-commands 1\n"
    changed = world.read("schedule-changed")
    assert [json.loads(record.value or b"") for record in changed] == [each["value"] for each in lines[:2]]
    assert {record.key for record in changed} == {b"metro-ems/ops-2026-12"}
    assert [record.key for record in world.read("sync-commands")] == [b"metro-ems/u-17"]


def test_cloudevents(world: World, jsonl: Jsonl) -> None:
    """They go with their headers under the same keys; a structured one says that it is one."""
    event = command()["value"]
    lines = (
        {"topic": "sync-commands", "value": structured(event)},
        {"topic": "sync-commands", "headers": texts(binary(event)), "value": data(event)},
        {"topic": "sync-commands", "headers": {"traceparent": "t"}, "value": event},
    )
    ended = world("produce", jsonl(*lines))
    assert (ended.status, ended.out) == (0, "sent 3 messages: sync-commands 3\n")
    records = world.read("sync-commands")
    assert {record.key for record in records} == {b"metro-ems/u-17"}
    assert [list(record.headers) for record in records] == [
        [("content-type", b"application/cloudevents+json")],
        list(binary(event)),
        [("traceparent", b"t")],
    ]
    assert [json.loads(record.value or b"") for record in records] == [structured(event), data(event), event]


def test_a_bad_line(world: World, jsonl: Jsonl) -> None:
    """Nothing is sent."""
    ended = world("produce", jsonl(published(), schedule(upsert(end=1))))
    assert (ended.status, ended.out) == (1, "nothing was sent: one line is bad\n")
    assert ended.complaint.startswith("file.jsonl:2: changes.0.shift.end: expected")
    assert world.read("calendar-published") == []


def test_a_command_from_the_future(world: World, jsonl: Jsonl) -> None:
    """The clock decides: five minutes ahead are allowed."""
    now = datetime.now(UTC)
    soon, late = (now + timedelta(minutes=minutes) for minutes in (4, 6))
    assert world("produce", jsonl(command(at=soon.isoformat()))).status == 0
    ended = world("produce", jsonl(command(at=late.isoformat())))
    assert ended.status == 1
    assert "occurred_at: expected a time at most five minutes after" in ended.complaint


def test_a_message_of_thousands_of_shifts(world: World, jsonl: Jsonl) -> None:
    """More than a megabyte goes through in one message."""
    line = schedule(
        *(upsert(f"shift-{number}", notes="Bring the new radio. " * 10) for number in range(4_000))
    )
    assert world("produce", jsonl(line)).status == 0
    assert len(world.read("schedule-changed")[0].value or b"") > 1_000_000


def test_many_messages(world: World, jsonl: Jsonl) -> None:
    """All of them arrive."""
    file = jsonl(*(schedule(upsert(f"shift-{number}")) for number in range(5_000)))
    assert world("produce", file).out == "sent 5000 messages: schedule-changed 5000\n"
    assert len(world.read("schedule-changed")) == 5_000


def test_an_empty_file(world: World, jsonl: Jsonl) -> None:
    """Nothing to send is no failure."""
    ended = world("produce", jsonl())
    assert (ended.status, ended.out) == (0, "sent 0 messages\n")
