"""Spans in one process: what begins where, what is told of failures, and a receiver that takes nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from yarl import URL

from planning.intake import Reading, Source
from schemas.cause import Cause
from schemas.errors import OperatorError, RateLimited
from schemas.mutations import DeleteEvent
from schemas.outcomes import Removed
from streams.http_spans import template
from streams.settings import Settings
from streams.spans import STOP_S, Spans, exported
from streams.traces import Trace
from streams.tracing import Silent, tracing_of

NOW = datetime.now(UTC)
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
PLACE = ("schedule-changed", 0, 7)
CAUSE = Cause(topic=PLACE[0], partition=0, offset=7, event_id="e", occurred_at=NOW, at=NOW)
MUTATION = DeleteEvent(
    agency_id="a", calendar_id="c", shift_id="s", event_id="e", generation=0, etag="1", version=2,
    start=NOW, end=NOW + timedelta(hours=8), cause=CAUSE,
)  # fmt: skip


def _source(parent: str | None) -> Source:
    headers = () if parent is None else (("traceparent", parent.encode()),)
    return Source("schedule-changed", *PLACE, NOW, None, b"{}", headers)


@pytest.fixture
def told() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def spans(told: InMemorySpanExporter) -> Iterator[Spans]:
    found = Spans("group", told)
    yield found
    found._provider.shutdown()


def _told(spans: Spans, told: InMemorySpanExporter) -> list[ReadableSpan]:
    spans._provider.force_flush()
    return list(told.get_finished_spans())


def test_a_message_of_nobodys_trace(spans: Spans, told: InMemorySpanExporter) -> None:
    """A trace begins with it."""
    known: dict[Any, Trace] = {}
    with spans.reading(_source(None), known):
        spans.read(Reading(agency_id="metro"))
    [span] = _told(spans, told)
    assert (span.parent, span.attributes and span.attributes["shiftcal.agency"]) == (None, "metro")
    version, trace, place, flags = known[PLACE].parent.split("-")
    assert (int(trace, 16), int(place, 16)) == (span.context.trace_id, span.context.span_id)
    assert (version, int(flags, 16) & 1) == ("00", 1)


def test_a_producer_that_does_not_sample(spans: Spans, told: InMemorySpanExporter) -> None:
    """Nothing is told, and everybody behind us knows that nothing is."""
    known: dict[Any, Trace] = {}
    with spans.reading(_source(f"{PARENT}-00"), known):
        pass
    assert _told(spans, told) == []
    assert known[PLACE].parent.startswith(PARENT[:36])
    assert known[PLACE].parent.endswith("-00")


def test_a_write_that_google_does_not_take_at_once(spans: Spans, told: InMemorySpanExporter) -> None:
    """Each refusal is on the span, in its word and never its text; what it came to in the end counts."""
    spans._memory.note({PLACE: Trace(f"{PARENT}-01")})
    write = spans.write(b"a/u")
    with pytest.raises(RateLimited), write.calling(MUTATION):
        raise RateLimited("rateLimitExceeded", "what Google says of somebody")
    with write.calling(MUTATION):
        pass
    write.came_to(Removed(event_id="e", calendar_id="c", shift_id="s", version=2, at=NOW, cause=CAUSE))
    [span] = _told(spans, told)
    assert span.parent
    assert f"{span.parent.span_id:016x}" == PARENT[-16:]
    attributes = dict(span.attributes or {})
    assert (attributes["shiftcal.reason"], attributes["shiftcal.action"]) == ("rateLimitExceeded", "deleted")
    assert span.status.is_ok
    assert [event.name for event in span.events] == ["permit", "permit"]
    assert "somebody" not in span.to_json()


def test_a_write_that_is_dropped_while_it_waits(spans: Spans, told: InMemorySpanExporter) -> None:
    """It was never begun: there is no span of it."""
    write = spans.write(b"a/u")
    write.came_to(None)
    assert (_told(spans, told), write.trace) == ([], None)


class Deaf(SpanExporter):
    """Takes spans, and never comes back, until it is shut down."""

    def __init__(self) -> None:
        self._over = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._over.wait()
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self._over.set()


async def test_a_stop_that_nobody_listens_to(caplog: pytest.LogCaptureFixture) -> None:
    """It has its time; the loop goes on meanwhile."""
    spans = Spans("group", Deaf())
    with spans.reading(_source(None), {}):
        pass
    loop = asyncio.get_running_loop()
    begun, turns = loop.time(), 0
    stopping = asyncio.create_task(spans.stop())
    while not stopping.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert loop.time() - begun < STOP_S + 2
    assert turns > STOP_S / 0.01 / 10
    assert [record.decision for record in caplog.records if hasattr(record, "decision")] == ["spans_dropped"]


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"])
def test_a_protocol_that_is_not_spoken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker says so in one line, rather than telling a port that understands nothing."""
    monkeypatch.setenv(name, "grpc")
    with pytest.raises(OperatorError, match=rf"^{name}: .*http/protobuf"):
        exported("group")


def test_a_switch_of_the_standards_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It switches off what our setting has switched on; headers go on as ever."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "True")
    assert isinstance(tracing_of(Settings.model_construct(tracing="otlp"), "group"), Silent)


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "group"),
        ({"OTEL_SERVICE_NAME": "roster-sync"}, "roster-sync"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=roster-sync"}, "roster-sync"),
    ],
)
def test_the_name_of_the_service(
    variables: dict[str, str], name: str, told: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group's, unless the environment gives one."""
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    spans = Spans("group", told)
    assert spans._provider.resource.attributes["service.name"] == name
    spans._provider.shutdown()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/calendar/v3/calendars/ann%40example.com/events", "/calendar/v3/calendars/{calendarId}/events"),
        (
            "/calendar/v3/calendars/primary/events/bgs1?x=y",
            "/calendar/v3/calendars/{calendarId}/events/{eventId}",
        ),
        ("/calendar/v3/calendars/ann%40example.com", "/calendar/v3/calendars/{calendarId}"),
        ("/calendar/v3/calendars", "/calendar/v3/calendars"),
        ("/o/oauth2/token", "/token"),
        ("/calendar/v3/calendars/a/acl/b", "/{unknown}"),
    ],
)
def test_an_address_at_google(address: str, told: str) -> None:
    """Nobody's calendar and no event is in it."""
    assert template(URL(f"https://www.googleapis.com{address}")) == told
