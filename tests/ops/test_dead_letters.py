"""`dead-letters`: what stands there, and back to where it came from."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from planning.intake import Source, read
from tests.ops.conftest import World
from tests.ops.messages import command, schedule, upsert
from tests.planning.wrapped import binary, data, texts

BAD = schedule(upsert(), upsert("bad", end=1))["value"]
FUTURE = command(at="2026-11-01T08:00:00Z")["value"]


@pytest.fixture
def letters(world: World) -> World:
    """Three letters: a bad change in 0:0, a null in 1:0, a message that is fine by now in 1:1."""

    def headers(topic: str, value: bytes | None, at: datetime) -> tuple[bytes | None, dict[str, str]]:
        source = Source(topic, world.prefix + topic, 1, 42, at, b"k", value)
        letter = read(source).letters[0]
        return letter.value, {name: text.decode() for name, text in letter.headers()}

    then = datetime(2020, 1, 1, tzinfo=UTC)
    changed, why = headers("schedule-changed", json.dumps(BAD).encode(), then)
    world.write("dead-letters", (0, b"k", changed, why))
    null, why = headers("user-deactivated", None, then)
    world.write("dead-letters", (1, b"k", null, why))
    early, why = headers("sync-commands", json.dumps(FUTURE).encode(), then)
    world.write("dead-letters", (1, b"k", early, why))
    return world


def test_none(world: World) -> None:
    """Nothing to show is no failure."""
    assert world("dead-letters", "list").out == "there are no such letters\n"
    assert world("dead-letters", "list", "--json").json == []


def test_the_list(letters: World) -> None:
    """Number, reason, source and error of each, without payloads."""
    ended = letters("dead-letters", "list")
    assert (ended.status, ended.err) == (0, "")
    assert [line.split()[0] for line in ended.out.splitlines()] == ["number", "0:0", "1:0", "1:1"]
    assert f"{letters.prefix}schedule-changed 1:42" in ended.out
    assert "changes.1.shift.end: expected" in ended.out
    assert "Medic" not in ended.out


def test_a_part_of_the_list(letters: World) -> None:
    """By reason, by source without its prefix, by number."""
    options = (["--reason", "null_value"], ["--source", "user-deactivated"], ["--limit", "2"])
    found = [letters("dead-letters", "list", "--json", *each).json for each in options]
    assert [[each["number"] for each in part] for part in found] == [["1:0"], ["1:0"], ["1:0", "1:1"]]


def test_one_letter(letters: World) -> None:
    """Headers and payload, for a person, for a script, and byte for byte."""
    shown = letters("dead-letters", "show", "0:0").out
    assert "reason: bad_change" in shown
    assert "Medic 12 Day" in shown
    found = letters("dead-letters", "show", "0:0", "--json").json
    assert found["headers"]["source-offset"] == "42"
    assert json.loads(found["value"])["changes"] == BAD["changes"][1:]
    assert letters("dead-letters", "show", "1:0", "--json").json["value"] is None


def test_a_letter_that_is_not_there(letters: World) -> None:
    """Neither beyond the end nor beyond the partitions."""
    for number in ("0:1", "7:0"):
        ended = letters("dead-letters", "show", number)
        assert (ended.status, ended.out) == (1, "")
        assert f"there is no dead letter {number}" in ended.complaint


def test_redriving_one(letters: World) -> None:
    """It goes back under its own key, and says where it came from."""
    ended = letters("dead-letters", "redrive", "1:1")
    assert (ended.status, ended.out, ended.err) == (0, "redrove one letter\n", "")
    record = letters.read("sync-commands")[0]
    assert (record.key, json.loads(record.value or b"")) == (b"k", FUTURE)
    assert dict(record.headers) == {"redriven-from": f"{letters.prefix}dead-letters/1:1".encode()}


def test_redriving_what_is_still_wrong(letters: World) -> None:
    """It is sent, and it is said that it will come back."""
    ended = letters("dead-letters", "redrive", "0:0")
    assert (ended.status, ended.out) == (0, "redrove one letter\n")
    assert "0:0 will come back as a dead letter: changes.0.shift.end" in ended.complaint
    assert len(letters.read("schedule-changed")) == 1


def test_redriving_a_corrected_payload(letters: World, tmp_path: Path) -> None:
    """The payload of the file goes out instead."""
    fixed = json.dumps(schedule(upsert("bad"))["value"])
    (tmp_path / "fixed.json").write_text(fixed)
    ended = letters("dead-letters", "redrive", "0:0", "--value", "fixed.json")
    assert (ended.status, ended.err) == (0, "")
    assert letters.read("schedule-changed")[0].value == fixed.encode()


def test_redriving_a_binary_cloudevent(world: World) -> None:
    """Its headers go along, byte for byte; what is wrong today is judged with them."""
    event = FUTURE | {"occurred_at": "2026-11-01T08:00:00Z"}
    headers = binary(event)
    source = Source(
        "sync-commands",
        world.prefix + "sync-commands",
        1,
        42,
        datetime(2020, 1, 1, tzinfo=UTC),
        b"k",
        json.dumps(data(event)).encode(),
        headers,
    )
    (letter,) = read(source).letters
    assert letter.reason == "from_the_future"
    said = {name: text.decode() for name, text in letter.headers()}
    world.write("dead-letters", (0, b"k", letter.value, said))
    ended = world("dead-letters", "redrive", "0:0", "--only-readable")
    assert (ended.status, ended.out, ended.err) == (0, "redrove one letter\n", "")
    record = world.read("sync-commands")[0]
    assert (record.key, json.loads(record.value or b"")) == (b"k", data(event))
    assert list(record.headers) == [*headers, ("redriven-from", f"{world.prefix}dead-letters/0:0".encode())]


def test_redriving_an_event_as_a_plain_message(world: World, tmp_path: Path) -> None:
    """What is wrong in its headers cannot be corrected in a payload: they stay behind."""
    headers = dict(texts(binary(FUTURE, specversion="0.3")))
    said = {"reason": "bad_cloudevent", "source-topic": f"{world.prefix}sync-commands"} | headers
    world.write("dead-letters", (0, b"k", json.dumps(data(FUTURE)).encode(), said))
    (tmp_path / "fixed.json").write_text(json.dumps(FUTURE))
    ended = world("dead-letters", "redrive", "0:0", "--value", "fixed.json", "--only-readable")
    assert (ended.status, "ce_specversion: expected '1.0'" in ended.complaint) == (1, True)
    assert world("dead-letters", "redrive", "0:0", "--plain").status == 2
    ended = world("dead-letters", "redrive", "0:0", "--value", "fixed.json", "--plain", "--only-readable")
    assert (ended.status, ended.err) == (0, "")
    (record,) = world.read("sync-commands")
    assert (record.value, [name for name, _ in record.headers]) == (
        json.dumps(FUTURE).encode(),
        ["redriven-from"],
    )


def test_redriving_a_null(letters: World) -> None:
    """There is nothing to send."""
    ended = letters("dead-letters", "redrive", "1:0")
    assert (ended.status, ended.out) == (1, "redrove 0 letters, left out 1\n")
    assert "its value is null" in ended.complaint
    assert letters.read("user-deactivated") == []


def test_redriving_everything(letters: World) -> None:
    """All that can be sent; with --only-readable, all that will not come back."""
    ended = letters("dead-letters", "redrive", "--all", "--only-readable", "--dry-run")
    assert (ended.status, ended.out) == (0, "would redrive one letter, left out 2\n")
    assert letters.read("sync-commands") == []
    ended = letters("dead-letters", "redrive", "--all")
    assert (ended.status, ended.out) == (0, "redrove 2 letters, left out 1\n")
    assert [len(letters.read(topic)) for topic in ("schedule-changed", "sync-commands")] == [1, 1]


def test_a_letter_from_elsewhere(world: World) -> None:
    """Only input topics are written to, whatever a header says."""
    world.write("dead-letters", (0, b"k", b"{}", {"source-topic": f"{world.prefix}sync-results"}))
    ended = world("dead-letters", "redrive", "0:0")
    assert ended.status == 1
    assert "none of our input topics" in ended.complaint
    assert world.read("sync-results") == []
