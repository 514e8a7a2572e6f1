"""How spans say things: attributes by the semantic conventions, and places in traces from and to headers.

Comes in: ids, coordinates, `Trace`s. Goes out: attributes, contexts, links. Not here: spans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, TraceFlags, TraceState

from streams.traces import MOST, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.trace import Span

    from schemas.cause import Cause


def messaging(operation: str, topic: str) -> dict[str, Any]:
    """Say what is done with a record of a topic."""
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
    }


def about(agency: str | None, calendar: str | None) -> dict[str, Any]:
    """Say whom it is about."""
    names = {"shiftcal.agency": agency, "shiftcal.calendar": calendar}
    return {name: value for name, value in names.items() if value is not None}


def caused(cause: Cause | None) -> dict[str, Any]:
    """Say which message it is done for."""
    if cause is None:
        return {}
    return {f"shiftcal.cause.{name}": getattr(cause, name) for name in ("topic", "partition", "offset")}


def trace_of(span: Span) -> Trace:
    """Return a span as headers have it."""
    found = span.get_span_context()
    parent = f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"
    return Trace(parent, found.trace_state.to_header())


def place(parent: str, state: str = "") -> SpanContext:
    """Return what headers have as spans know it."""
    _, trace_id, span_id, flags = parent.split("-")
    known = TraceState.from_header([state]) if state else None
    return SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(flags, 16)),
        trace_state=known,
    )


def under(trace: Trace | None) -> Context:
    """Nothing of what runs around it is a span's parent: agents fold many records in one task."""
    if trace is None:
        return Context()
    return api.set_span_in_context(NonRecordingSpan(place(trace.parent, trace.state)), Context())


def links_to(places: Iterable[str]) -> list[Link]:
    """Return links, the newest of too many."""
    return [Link(place(parent)) for parent in list(places)[-MOST:]]
