"""Traces through a real worker on a real Kafka, told to a real OTLP receiver."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Self

import pytest

from tests.e2e.google import Google
from tests.e2e.kafka import Record
from tests.e2e.messages import Json, envelope, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, User, World
from tests.otlp import Receiver, Span
from tests.planning.wrapped import binary, data, structured

NewWorld = Callable[..., World]

#: What no span may hold.
PRIVATE = ("a secret title", "a secret place", "a secret note")
INTERNAL = ("shiftcal-calendar-facts", "shiftcal-user-facts")


class Parent(NamedTuple):
    """A producer's own span, as its `traceparent`."""

    trace: str
    id: str

    @classmethod
    def new(cls) -> Self:
        return cls(secrets.token_hex(16), secrets.token_hex(8))

    @property
    def header(self) -> str:
        return f"00-{self.trace}-{self.id}-01"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def traced(new_world: NewWorld, google: Google, receiver: Receiver) -> Iterator[World]:
    world = new_world(google, tracing="otlp")
    world.settings |= receiver.environment
    world.must("topics", "create")
    yield world
    assert [word for word in PRIVATE if word in receiver.text()] == []


def _agency(world: World, google: Google) -> User:
    """One user who is connected, in a calendar that is published."""
    agency = Agency(world, f"traced-{secrets.token_hex(4)}", "u1")
    world.connect(*agency.users)
    agency.publish()
    return agency.users[0]


def _edit(user: User, change: Json, *headers: tuple[str, str]) -> None:
    message = envelope(user.agency.id, calendar_id="ops", changes=[change])
    raw = [(name, value.encode()) for name, value in headers]
    # One partition, as producers do who want their order: what is read before the newest version is overtaken by it.
    user.world.broker.send(
        user.world.prefix + "schedule-changed", [json.dumps(message).encode()], b"ops", raw
    )


def _of(receiver: Receiver, trace: str, *, until: str) -> dict[str, Span]:
    """The spans of one trace by their ids, once one of that name has come."""

    def look() -> dict[str, Span]:
        return {span.id: span for span in receiver.spans() if span.trace == trace}

    found = eventually(
        look, lambda seen: any(span.name.startswith(until) for span in seen.values()), seconds=10
    )
    assert any(span.name.startswith(until) for span in found.values()), sorted(
        s.name for s in receiver.spans()
    )
    return found


def _way(spans: dict[str, Span], last: Span) -> list[str]:
    """The names from the first span of ours to this one."""
    return [*(_way(spans, spans[last.parent]) if last.parent in spans else ()), last.name]


def _named(spans: Iterable[Span], begin: str) -> Span:
    [found] = [span for span in spans if span.name.startswith(begin)]
    return found


def _result(user: User, title: str) -> Record:
    user.shows(title)
    found = eventually(
        lambda: [one for one in user.world.records("sync-results") if one.key == user.key], bool
    )
    return found[-1]


def test_one_change(traced: World, google: Google, receiver: Receiver) -> None:
    """One trace from the producer through both hops to Google's answer, and on in `sync-results`."""
    user, parent = _agency(traced, google), Parent.new()
    worker = traced.start().wait_ready()
    text = {"title": PRIVATE[0], "location": PRIVATE[1], "notes": PRIVATE[2]}
    _edit(user, shift("s1", 7, **text), ("traceparent", parent.header), ("tracestate", "vendor=1"))
    result = _result(user, PRIVATE[0])
    prefix, agency = traced.prefix, user.agency.id
    spans = _of(receiver, parent.trace, until="create")
    hops = [f"process {prefix}{name}" for name in ("schedule-changed", *INTERNAL)]
    http = _named(spans.values(), "POST")
    assert _way(spans, http) == [*hops, "insert event", http.name]
    assert http.name == "POST /calendar/v3/calendars/{calendarId}/events"
    assert spans[_named(spans.values(), hops[0]).id].parent == parent.id
    told = _named(spans.values(), "create")
    assert _way(spans, told)[:4] == [*hops, "insert event"]
    assert result.headers == {
        "traceparent": f"00-{parent.trace}-{told.id}-01",
        "tracestate": "vendor=1",
    }
    write = _named(spans.values(), "insert event")
    cause = result.json["caused_by"]
    assert write.attributes == {
        "shiftcal.agency": agency,
        "shiftcal.calendar": "ops",
        "shiftcal.cause.topic": cause["topic"],
        "shiftcal.cause.partition": cause["partition"],
        "shiftcal.cause.offset": cause["offset"],
        "shiftcal.version": 7,
        "shiftcal.action": "inserted",
    }
    assert (http.kind, http.attributes["http.response.status_code"], write.links) == ("client", 200, ())
    assert http.attributes["url.full"] == f"{google.url}/calendar/v3/calendars/REDACTED/events"
    first = _named(spans.values(), hops[0])
    assert (first.kind, first.attributes["messaging.kafka.offset"]) == ("consumer", cause["offset"])
    assert first.attributes["shiftcal.agency"] == agency
    assert first.resource["service.name"] == f"{prefix}shiftcal"
    assert worker.stop() == 0, worker.tail()
    everything = receiver.text()
    assert user.account not in everything
    assert user.id_of("s1") not in everything
    assert f'"{user.id}"' not in everything


def test_edits_that_wait_together(traced: World, google: Google, receiver: Receiver) -> None:
    """One call serves three edits, read at once: it is in the trace of the newest, linked to the others."""
    user, parents = _agency(traced, google), [Parent.new() for _ in range(3)]
    for version, parent in enumerate(parents, 1):
        _edit(user, shift("s1", version, title=f"v{version}"), ("traceparent", parent.header))
    traced.start().wait_ready()
    user.shows("v3")
    write = _named(_of(receiver, parents[-1].trace, until="insert event").values(), "insert event")
    assert _linked(receiver, write) == {parent.trace for parent in parents[:-1]}


def test_edits_while_a_call_is_under_way(traced: World, google: Google, receiver: Receiver) -> None:
    """What came one after the other while Google thought is written by one call, linked to each but that under way."""
    user, parents = _agency(traced, google), [Parent.new() for _ in range(4)]
    traced.start().wait_ready()
    _edit(user, shift("s1", 1, title="v1"))
    user.shows("v1")
    google.fault("latency", account=user.account, method="events.patch", times=1, latency_ms=3_000)
    for version, parent in enumerate(parents, 2):
        _edit(user, shift("s1", version, title=f"v{version}"), ("traceparent", parent.header))
        time.sleep(0.3)  # each is folded by itself
    user.shows("v5")
    write = _named(_of(receiver, parents[-1].trace, until="patch event").values(), "patch event")
    assert _linked(receiver, write) == {parent.trace for parent in parents[1:-1]}
    first = _named(_of(receiver, parents[0].trace, until="patch event").values(), "patch event")
    assert first.links == ()


def _linked(receiver: Receiver, write: Span) -> set[str]:
    """The traces that a write is linked to."""
    ids = {span.id: span.trace for span in receiver.spans()}
    return {ids[link] for link in write.links}


def test_a_cloudevent(traced: World, google: Google, receiver: Receiver) -> None:
    """Its tracing extension says whose trace it is, in both modes; Kafka's own header says it more surely."""
    user, [one, two, three, other] = _agency(traced, google), [Parent.new() for _ in range(4)]
    traced.start().wait_ready()
    first, second, third = (
        envelope(user.agency.id, calendar_id="ops", changes=[shift(name)]) for name in ("s1", "s2", "s3")
    )
    topic = traced.prefix + "schedule-changed"
    traced.send("schedule-changed", structured(first) | {"traceparent": one.header})
    headers = [*binary(second), ("ce_traceparent", two.header.encode())]
    traced.broker.send(topic, [json.dumps(data(second)).encode()], headers=headers)
    headers = [
        ("traceparent", three.header.encode()),
        *binary(third),
        ("ce_traceparent", other.header.encode()),
    ]
    traced.broker.send(topic, [json.dumps(data(third)).encode()], headers=headers)
    user.shows("s1", "s2", "s3")
    for parent in (one, two, three):
        assert _of(receiver, parent.trace, until="POST")
    assert other.trace not in {span.trace for span in receiver.spans()}


def test_a_receiver_that_is_away(new_world: NewWorld, google: Google) -> None:
    """Changes arrive as ever, and the worker stops within its time."""
    with Receiver() as gone:
        url = gone.url
    world = new_world(google, tracing="otlp")
    world.settings |= gone.environment | {"OTEL_EXPORTER_OTLP_ENDPOINT": url}
    _arrives_and_stops(world, google)


def test_a_receiver_that_hangs(new_world: NewWorld, google: Google) -> None:
    """As one that is away."""
    with Receiver(answer_after=60) as receiver:
        world = new_world(google, tracing="otlp")
        world.settings |= receiver.environment
        _arrives_and_stops(world, google)


def _arrives_and_stops(world: World, google: Google) -> None:
    world.must("topics", "create")
    user = _agency(world, google)
    worker = world.start().wait_ready()
    for version in range(1, 6):
        _edit(user, shift("s1", version, title=f"v{version}"), ("traceparent", Parent.new().header))
        user.shows(f"v{version}")
    latencies = [one["latency_ms"] for one in world.results(user)]
    assert max(latencies) < 3_000, latencies
    time.sleep(1)  # the exporter is in the midst of its tries
    began = time.monotonic()
    assert worker.stop() == 0, worker.tail()
    assert time.monotonic() - began < 6


def test_tracing_is_off(new_world: NewWorld, google: Google, receiver: Receiver) -> None:
    """A producer's header goes on as it came, to `sync-results` too; nothing is told, and no header is ours."""
    world = new_world(google)
    world.settings |= receiver.environment
    world.must("topics", "create")
    user, parent = _agency(world, google), Parent.new()
    world.start().wait_ready()
    _edit(user, shift("s1", title="without"), ("traceparent", "00-nonsense"))
    _result(user, "without")
    assert [one.headers for name in (*INTERNAL, "sync-results") for one in world.records(name)] == [{}] * len(
        [one for name in (*INTERNAL, "sync-results") for one in world.records(name)]
    )
    _edit(user, shift("s1", 2, title="with"), ("traceparent", parent.header))
    user.shows("with")
    world.settle()
    for name in (*INTERNAL, "sync-results"):
        given = [one.headers for one in world.records(name) if one.headers]
        assert given[0] == {"traceparent": parent.header}, name
        assert all(headers == given[0] for headers in given), name
    _edit(user, {"op": "upsert"}, ("traceparent", parent.header))
    [letter] = eventually(lambda: world.letters("upsert"), lambda seen: len(seen) == 1)
    assert letter.headers["traceparent"] == parent.header
    assert receiver.requests == []
