"""`replay`: as intake would, then one resync for every user it concerns."""

from __future__ import annotations

import io
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.facts import Connected, ShiftsChanged
from schemas.rows import AssignmentRow, RosterRow
from streams import codec
from tests.ops.conftest import Jsonl, World
from tests.ops.messages import command, delete, published, schedule, upsert


def resynced(world: World) -> list[str]:
    """Users whose resync was asked for."""
    found = [json.loads(record.value or b"") for record in world.read("sync-commands")]
    return sorted(each["user_id"] for each in found if each["command"] == "resync")


def facts(world: World) -> list[Any]:
    """What stands in calendar-facts, each under the key of its calendar."""
    found = world.read("shiftcal-calendar-facts")
    read = [codec.calendar_fact(record.value or b"") for record in found]
    assert [record.key for record in found] == [codec.key(f.agency_id, f.calendar_id) for f in read]
    return read


@pytest.fixture
def history(world: World, jsonl: Jsonl) -> World:
    """Two changes, a bad one, and a connect; `u-old` once had shift s-2, `u-quiet` is a member of the calendar."""
    lines = [
        schedule(upsert("s-1", user="u-1"), upsert("s-0", user=None)),
        schedule(delete("s-2")),
        command("u-3", "connect"),
        published(),
    ]
    assert world("produce", jsonl(*lines)).status == 0
    world.write("schedule-changed", (0, None, b"{", {}))
    held = AssignmentRow(version=2, digest="", holders=("u-new", "u-old"))
    for shift in ("s-2", "s-9"):
        world.write(
            "shiftcal-assignments-changelog",
            (0, codec.key("metro-ems", "ops-2026-12", shift), codec.encode(held), {}),
        )
    for calendar, user in (("ops-2026-12", "u-quiet"), ("another", "u-stranger")):
        world.write(
            "shiftcal-rosters-changelog",
            (0, codec.key("metro-ems", calendar, user), codec.encode(RosterRow()), {}),
        )
    return world


def test_shifts(history: World) -> None:
    """The facts have the coordinates of their messages; whoever is named or ever held such a shift is resynced."""
    ended = history("replay", "schedule-changed")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "handed over 3 messages: 2 facts, 1 parts cannot be read",
        "asked for a resync of 3 users",
    ]
    first = next(fact for fact in facts(history) if fact.changes[0].shift_id == "s-1")
    assert isinstance(first, ShiftsChanged)
    record = next(r for r in history.read("schedule-changed") if b"s-1" in (r.value or b""))
    assert (
        first.messages[0].cause.topic,
        first.messages[0].cause.partition,
        first.messages[0].cause.offset,
    ) == (
        record.topic,
        record.partition,
        record.offset,
    )
    assert first.messages[0].cause.at == datetime.fromtimestamp(record.timestamp / 1000, UTC)
    assert resynced(history) == ["u-1", "u-new", "u-old"]
    assert history.read("dead-letters") == []


def test_a_publication(history: World) -> None:
    """It concerns the members of its calendar."""
    assert history("replay", "calendar-published").status == 0
    assert resynced(history) == ["u-quiet"]


def test_commands(history: World) -> None:
    """They concern the user they name, and go to the facts about users."""
    assert history("replay", "sync-commands").status == 0
    found = [codec.user_record(record.value or b"") for record in history.read("shiftcal-user-facts")]
    assert [(type(fact), fact.user_id) for fact in found] == [(Connected, "u-3")]
    assert resynced(history) == ["u-3"]


def test_without_resyncs(history: World) -> None:
    """Only the facts."""
    ended = history("replay", "schedule-changed", "calendar-published", "--no-resync")
    assert (ended.status, ended.out) == (0, "handed over 4 messages: 3 facts, 1 parts cannot be read\n")
    assert resynced(history) == []
    assert len(facts(history)) == 3


def test_a_dry_run(history: World) -> None:
    """Counts, and sends nothing."""
    ended = history("replay", "schedule-changed", "calendar-published", "--dry-run")
    assert ended.out.splitlines() == [
        "read 4 messages: 3 facts, 1 parts cannot be read",
        "would ask for a resync of 4 users",
    ]
    assert (facts(history), resynced(history)) == ([], [])


@pytest.mark.parametrize(("says", "ended"), [("y\n", 0), ("n\n", 130)])
def test_on_a_terminal(history: World, monkeypatch: pytest.MonkeyPatch, says: str, ended: int) -> None:
    """It counts first, and asks; nothing is sent without a yes."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(says))
    done = history("replay", "calendar-published")
    assert done.status == ended
    counted = ["read 1 messages: 1 facts", "would ask for a resync of one user"]
    assert done.out.splitlines()[:2] == counted
    assert len(facts(history)) == (1 if ended == 0 else 0)
    assert resynced(history) == (["u-quiet"] if ended == 0 else [])


def test_on_a_terminal_without_being_asked(history: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """--yes has said it."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    done = history("replay", "calendar-published", "--yes")
    assert done.out.splitlines()[0] == "handed over 1 messages: 1 facts"


def test_from_an_offset(world: World) -> None:
    """Of every partition."""
    for partition in (0, 1):
        for number in range(3):
            value = json.dumps(schedule(upsert(f"s-{partition}-{number}"))["value"]).encode()
            world.write("schedule-changed", (partition, None, value, {}))
    assert world("replay", "schedule-changed", "--from", "2", "--no-resync").status == 0
    assert sorted(fact.changes[0].shift_id for fact in facts(world)) == ["s-0-2", "s-1-2"]
    ended = world("replay", "schedule-changed", "--from", "3", "--no-resync")
    assert ended.out == "handed over 0 messages: 0 facts\n"


def test_from_a_time(world: World, jsonl: Jsonl) -> None:
    """The broker's time; what is older stays alone."""
    world("produce", jsonl(schedule(upsert("old"))))
    time.sleep(0.05)
    between = datetime.now(UTC).isoformat()
    time.sleep(0.05)
    world("produce", jsonl(schedule(upsert("new"))))
    assert world("replay", "schedule-changed", "--from", between).status == 0
    assert [fact.changes[0].shift_id for fact in facts(world)] == ["new"]
    ended = world("replay", "schedule-changed", "--from", "2999-01-01T00:00:00Z")
    assert ended.out.startswith("handed over 0 messages")
