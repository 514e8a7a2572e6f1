"""The log of workers through a story: which decisions are told, with whose coordinates, and what is never told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from streams.logs import FIELDS
from tests.e2e.conftest import CHOICES
from tests.e2e.google import ROOT, Google
from tests.e2e.kafka import Record
from tests.e2e.messages import Json, in_days, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, User, World, policies
from tests.otlp import Receiver

#: What stands in no line, whatever its level.
TEXTS: Final[dict[str, Any]] = {"title": "canary title", "location": "canary place", "notes": "canary note"}
START = in_days(17.3)
NEVER = (*TEXTS.values(), START.date().isoformat(), START.strftime("%H:%M:%S"))

Told = list[Json]


@pytest.fixture
def google() -> Iterator[Google]:
    """One of its own, since it is away for a while."""
    with Google() as google:
        yield google


@pytest.fixture
def world(new_world: Callable[..., World], google: Google, tmp_path: Path) -> Iterator[World]:
    path = policies(tmp_path / "policies.toml", [("hold", CHOICES["hold"])])
    with Receiver() as receiver:
        world = new_world(google, log_level="DEBUG", log_format="json", policies=path, tracing="otlp")
        world.settings |= receiver.environment
        world.must("topics", "create")
        yield world


def _told(world: World) -> Told:
    """Every line of every worker; each is one JSON object."""
    return [json.loads(line) for worker in world.workers for line in worker.log.read_text().splitlines()]


def _decisions(told: Told, decision: str) -> Told:
    return [line for line in told if line.get("decision") == decision]


def _source(world: World, line: Json) -> Record:
    """The record at a line's coordinates."""
    found = [
        one
        for one in world.broker.records(line["topic"])
        if (one.partition, one.offset) == (line["partition"], line["offset"])
    ]
    assert found, line
    return found[0]


def test_a_story(world: World, google: Google) -> None:
    """Connects, changes, mistakes, refusals, an outage, a hold, a lost grant and a second worker."""
    agency = Agency(world, "hold", *(f"user-{number}" for number in range(6)))
    tokens = [str(user.connection()["refresh_token"]) for user in agency.users]
    world.connect(*agency.users)
    first = world.start("first").wait_ready()
    u0, u1, u2, *_ = agency.users
    _changes(agency)
    _mistakes(agency)
    _held(world, agency)
    _refused(u1)
    _lost(u2)
    _outage(agency)
    u0.command("resync")
    eventually(
        lambda: _decisions(_told(world), "verified"),
        lambda seen: any("sync-commands" in one["topic"] for one in seen),
    )
    second = world.start("second").wait_ready()
    world.settle()
    u1.command("disconnect")
    u1.is_told("stopped")
    world.settle()
    for worker in (second, first):
        assert worker.stop() == 0, worker.tail()
    told = _told(world)
    _check_decisions(world, told)
    _check_coordinates(world, told)
    log = "\n".join(json.dumps(line) for line in told)
    everybody = [*(user.account for user in agency.users), *tokens, *(user.id for user in agency.users)]
    assert [word for word in (*NEVER, *everybody) if word in log] == []


def _changes(agency: Agency) -> None:
    agency.publish()
    changes = [shift(f"s-{user.id}", user=user.id, start=START, **TEXTS) for user in agency.users]
    agency.schedule(*changes)
    for user in agency.users:
        user.shows(TEXTS["title"])


def _mistakes(agency: Agency) -> None:
    """A letter of a known agency, one of nobody's, and a version that comes with two contents."""
    world = agency.world
    world.send("schedule-changed", b'{"title": "canary title"')
    agency.schedule(shift("bad", start=START, end="canary note", **TEXTS))
    agency.schedule(
        shift("s-user-0", user="user-0", start=START, **TEXTS | {"title": "canary title, otherwise"})
    )
    eventually(lambda: _decisions(_told(world), "version_conflict"), bool)


def _held(world: World, agency: Agency) -> None:
    agency.unpublish(2)
    for user in agency.users:
        user.is_told("paused", "held")
    world.must("release", agency.id, "--user", "user-0")
    agency.users[0].shows()
    world.must("release", agency.id, "--calendar", "ops")
    agency.users[5].shows()
    agency.publish(3)
    for user in agency.users:
        user.shows(TEXTS["title"])


def _refused(user: User) -> None:
    options: Json = {"method": "events.insert", "status": 400, "reason": "invalid", "message": "canary title"}
    user.google.fault("status", account=user.account, times=1, **options)
    user.agency.schedule(shift("refused", user=user.id, start=START, **TEXTS))
    eventually(lambda: [one["action"] for one in user.world.results(user)], lambda seen: "refused" in seen)


def _lost(user: User) -> None:
    fault = user.google.fault(
        "status", account=user.account, method="events.*", status=403, reason="insufficientPermissions"
    )
    user.agency.schedule(shift("lost", user=user.id, start=START, **TEXTS))
    user.is_told("needs_reauthorization", "insufficient_scope")
    user.google.mend(fault)


def _outage(agency: Agency) -> None:
    world = agency.world
    fault = world.google.fault("status", method="events.*", status=503, message="canary title")
    agency.schedule(*(shift(f"late-{user.id}", user=user.id, start=START, **TEXTS) for user in agency.users))
    eventually(lambda: _decisions(_told(world), "outage_begins"), bool)
    world.google.mend(fault)
    eventually(lambda: _decisions(_told(world), "outage_ends"), bool)
    agency.users[0].shows(TEXTS["title"], TEXTS["title"])


def _check_decisions(world: World, told: Told) -> None:
    counts = {
        word: len(_decisions(told, word))
        for word in sorted({str(line["decision"]) for line in told if "decision" in line})
    }
    documented = (ROOT / "docs/logs.md").read_text()
    assert [word for word in counts if f"`{word}`" not in documented] == []
    exactly = {
        "connected": 6,
        "dead_letter": 2,
        "version_conflict": 1,
        "held": 6,
        "hold_ended": 6,
        "released": 2,
    }
    exactly |= {"refused": 1, "needs_reauthorization": 1, "outage_begins": 1, "outage_ends": 1, "resync": 1}
    exactly |= {
        "disconnected": 1,
        "token_erased": 1,
        "rebuild_done": 1,
        "worker_starts": 2,
        "worker_stopped": 2,
    }
    assert {word: counts.get(word) for word in exactly} == exactly
    for some in ("written", "verified", "partitions_taken", "partitions_given_up", "caught_up", "lanes_wait"):
        assert counts.get(some, 0) > 0, some
    assert all(line["level"] == "debug" for line in _decisions(told, "written"))
    standard = {"event", "level", "logger", "timestamp", "exception", "trace_id", "span_id"}
    assert {name for line in told for name in line} - standard <= set(FIELDS)


def _check_coordinates(world: World, told: Told) -> None:
    """Each leads to the message behind the decision, and to the agency in it."""
    wanted = {
        "connected": ("sync-commands", "connect"),
        "disconnected": ("sync-commands", "disconnect"),
        "resync": ("sync-commands", "resync"),
    }
    for decision, (topic, command) in wanted.items():
        for line in _decisions(told, decision):
            record = _source(world, line)
            assert (record.topic, record.json["command"]) == (world.prefix + topic, command)
            assert record.json["agency_id"] == line["agency"] == "hold"
    # Of two partitions either may be read first.
    letters = sorted(_decisions(told, "dead_letter"), key=lambda one: one["reason"], reverse=True)
    assert [(one.get("agency"), one.get("calendar"), one["reason"]) for one in letters] == [
        (None, None, "not_json"),
        ("hold", "ops", "bad_change"),
    ]
    assert [b"canary" in (_source(world, one).value or b"") for one in letters] == [True, True]
    [conflict] = _decisions(told, "version_conflict")
    assert _source(world, conflict).json["changes"][0]["shift"]["title"] == "canary title, otherwise"
    [refused] = _decisions(told, "refused")
    assert _source(world, refused).json["changes"][0]["shift"]["shift_id"] == "refused"
    assert (refused["calendar"], refused["version"], refused["action"]) == ("ops", 1, "refused")
    for line in (*letters, conflict, refused, *_decisions(told, "connected")):
        assert len(line["trace_id"]) == 32, line
    for line in _decisions(told, "needs_reauthorization"):
        assert _source(world, line).key == "hold/user-2"
