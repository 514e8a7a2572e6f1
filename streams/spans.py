"""Spans, told to an OTLP receiver: what `streams.tracing` says, for workers that tell it.

Comes in: records, calls, and the traces they belong to. Goes out: spans, by the semantic conventions of OpenTelemetry
(https://opentelemetry.io/docs/specs/semconv/messaging/kafka/), in batches by a thread of their own: a receiver that is slow or
away costs spans, and no change waits for it. Everything but whether is said by the standard's own variables (`OTEL_...`).

Attributes hold agencies, calendars, coordinates, versions, actions and reasons. No user, no shift, no text of either.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import trace as api
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from schemas.errors import OperatorError
from streams.http_spans import http_spans
from streams.metrics import built
from streams.overtakes import Overtakes
from streams.span_words import about, caused, links_to, messaging, trace_of, under
from streams.traces import Memory, arrived, linked, overtaken, traces
from streams.write_span import WriteSpan, failing

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from aiohttp import TraceConfig
    from faust.types import EventT
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

    from planning.intake import Reading, Source
    from schemas.cause import Cause
    from schemas.facts import CalendarFact, UserFact, UserRecord
    from schemas.rows import UserRow
    from streams.traces import Trace
    from streams.tracing import Known

log = logging.getLogger(__name__)

#: A stop waits so long for the last spans to be taken, in seconds.
STOP_S = 2.0

_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def exported(group: str) -> Spans:
    """Tell spans to the receiver that the environment names (http://localhost:4318 if none)."""
    for name in _PROTOCOLS:
        if os.environ.get(name, "http/protobuf") != "http/protobuf":
            raise OperatorError(
                f"{name}: spans are told by http/protobuf alone; set it to that, or leave it out"
            )
    return Spans(group, OTLPSpanExporter())


def _named(given: Resource, group: str) -> Resource:
    """Return the resource that the environment names; what it leaves out is said of ours."""
    missing = {"service.name": group, "service.version": built()["shiftcal"]}
    # Without a name the SDK makes one up, which is no name.
    said = {name for name, value in given.attributes.items() if not str(value).startswith("unknown_service")}
    return given.merge(Resource({name: value for name, value in missing.items() if name not in said}))


class Spans:
    """The `Tracing` of a worker that tells spans."""

    def __init__(self, group: str, exporter: SpanExporter) -> None:
        """`group`: the consumer group, which is the name of the service unless the environment gives one."""
        resource = _named(Resource.create(), group)
        self._exporter = exporter
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("shiftcal", built()["shiftcal"])
        self._group = group
        self._memory = Memory()
        self._overtakes = Overtakes(self._memory)

    # Records

    @contextmanager
    def reading(self, source: Source, known: Known) -> Generator[None]:
        """One span a record, in the producer's trace or in one that begins here."""
        place = (source.topic, source.partition, source.offset)
        with self._processing(place, arrived(source), ()) as span:
            known[place] = trace_of(span)
            yield

    def read(self, reading: Reading) -> None:
        """Add whom the record is about, as far as it could be read."""
        span = api.get_current_span()
        span.set_attributes(about(reading.agency_id, reading.calendar_id))
        if reading.letters:
            span.set_attribute("shiftcal.reason", reading.letters[0].reason)
            span.set_status(StatusCode.ERROR, "dead letter")

    @contextmanager
    def folding(self, event: EventT[Any], fact: CalendarFact) -> Generator[Known]:
        """One span a record, in the trace of its newest message and linked to the others."""
        known = traces(event.message.headers, fact)
        with self._following([event], overtaken(fact, known)) as found:
            if found:
                api.get_current_span().set_attributes(about(fact.agency_id, fact.calendar_id))
            yield found

    @contextmanager
    def folding_user(self, events: Sequence[EventT[Any]], records: Sequence[UserRecord]) -> Generator[Known]:
        """One span for all that is folded at once."""
        known: Known = {}
        for event, record in zip(events, records, strict=True):
            known |= traces(event.message.headers, record)
        with self._following(events, known) as found:
            if found:
                last = records[-1]
                api.get_current_span().set_attributes(
                    about(last.agency_id, getattr(last, "calendar_id", None))
                )
            self._memory.note(found)
            yield found

    def folded(self, key: bytes, before: UserRow | None, facts: Sequence[UserFact], after: UserRow) -> None:
        """Take note of changes that are served by the call of another."""
        self._overtakes.folded(key, before, facts, after)

    def telling(self, topic: str, trace: Trace | None) -> Trace | None:
        """The span in which a message for the world is made."""
        if trace is None:
            return None
        attributes = messaging("create", topic)
        with self._span(f"create {topic}", SpanKind.PRODUCER, trace, (), attributes) as span:
            return trace_of(span)

    @contextmanager
    def _following(self, events: Sequence[EventT[Any]], known: Known) -> Generator[Known]:
        """Fold records in the trace of the newest of their messages; what follows from that message follows this span."""
        if not known:
            yield known
            return
        newest, message = next(reversed(known)), events[-1].message
        trace = known[newest]
        links = linked(trace, (other.parent for other in known.values())).links
        place = (message.topic, message.partition, message.offset)
        with self._processing(place, trace, links) as span:
            span.set_attribute("messaging.batch.message_count", max(len(events), len(known)))
            yield known | {newest: trace_of(span)._replace(links=trace.links)}

    @contextmanager
    def _processing(
        self, place: tuple[str, int, int], parent: Trace | None, links: Iterable[str]
    ) -> Generator[Span]:
        topic, partition, offset = place
        attributes = messaging("process", topic) | {
            "messaging.consumer.group.name": self._group,
            "messaging.destination.partition.id": str(partition),
            "messaging.kafka.offset": offset,
        }
        with self._span(f"process {topic}", SpanKind.CONSUMER, parent, links, attributes) as span:
            yield span

    @contextmanager
    def _span(
        self,
        name: str,
        kind: SpanKind,
        parent: Trace | None,
        links: Iterable[str],
        attributes: dict[str, Any],
    ) -> Generator[Span]:
        begun = self._tracer.start_span(name, under(parent), kind, attributes, links_to(links))
        # What breaks in here ends the worker, spans and all: its reason is for the log, with what may be in it kept out.
        with api.use_span(begun, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            yield begun

    # Google

    def write(self, key: bytes) -> WriteSpan:
        """One span a write, from its place in the queue to what it came to."""
        return WriteSpan(self._tracer, self._memory, self._overtakes, key)

    @contextmanager
    def looking(self, row: UserRow, cause: Cause | None) -> Generator[None]:
        """One span a look."""
        attributes = about(row.agency_id, None) | caused(cause)
        with (
            self._span("look at Google", SpanKind.INTERNAL, self._memory.of(cause), (), attributes) as span,
            failing(span),
        ):
            yield

    def http(self) -> tuple[TraceConfig, ...]:
        """One span an HTTP request that is made for one of these."""
        return (http_spans(self._tracer),)

    # The end

    async def stop(self) -> None:
        """Tell what was not told yet; after `STOP_S` the rest is dropped. In a thread that nobody waits for at exit."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=shut_down, daemon=True, name="spans-shutdown").start()
        try:
            async with asyncio.timeout(STOP_S):
                await done.wait()
        except TimeoutError:
            self._exporter.shutdown()  # ends its waiting between tries
            log.warning(
                "the last spans were not taken within %.0f s, and are dropped",
                STOP_S,
                extra={"decision": "spans_dropped"},
            )
