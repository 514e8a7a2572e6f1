"""The span of one write to Google: in the trace of its cause, linked to what else the same call serves.

Comes in: mutations, what they came to. Goes out: a span. Not here: those of its HTTP requests (`streams.http_spans`).
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace as api
from opentelemetry.trace import SpanKind, StatusCode

from planning.identity import shift_key
from schemas.outcomes import Refused, Removed
from streams.span_words import about, caused, links_to, trace_of, under
from streams.traces import linked

if TYPE_CHECKING:
    from collections.abc import Generator

    from opentelemetry.trace import Span, Tracer

    from schemas.mutations import Mutation
    from schemas.outcomes import Outcome
    from streams.overtakes import Overtakes
    from streams.traces import Memory, Trace


class WriteSpan:
    """The `Write` of a worker that tells spans."""

    def __init__(self, tracer: Tracer, memory: Memory, overtakes: Overtakes, key: bytes) -> None:
        self._tracer, self._memory, self._overtakes, self._key = tracer, memory, overtakes, key
        self._since = time.time_ns()
        self._span: Span | None = None
        self.trace: Trace | None = None

    @contextmanager
    def calling(self, mutation: Mutation) -> Generator[None]:
        """The span begins with the first call, since only now it is known what is written; it counts from the queue."""
        if self._span is None:
            self._span = self._begun(mutation)
            self.trace = trace_of(self._span)
        self._span.add_event("permit")
        with (
            api.use_span(self._span, record_exception=False, set_status_on_exception=False),
            failing(self._span),
        ):
            yield

    def came_to(self, outcome: Outcome | None) -> None:
        """Say what it came to, and end."""
        if (span := self._span) is None:
            return
        if isinstance(outcome, Refused):
            span.set_attribute("shiftcal.reason", outcome.error)
            span.set_status(StatusCode.ERROR, "refused")
        elif outcome is not None:
            span.set_status(StatusCode.OK)  # whatever went wrong on the way
        if outcome is not None:
            span.set_attributes({"shiftcal.version": outcome.version, "shiftcal.action": _action(outcome)})
        span.end()

    def _begun(self, mutation: Mutation) -> Span:
        trace = self._memory.of(mutation.cause)
        earlier = self._overtakes.of(self._key, shift_key(mutation.calendar_id, mutation.shift_id))
        links = linked(trace, earlier).links if trace else earlier
        attributes = about(mutation.agency_id, mutation.calendar_id) | caused(mutation.cause)
        attributes |= {"shiftcal.version": mutation.version}
        name = f"{mutation.op} event"
        return self._tracer.start_span(
            name, under(trace), SpanKind.INTERNAL, attributes, links_to(links), start_time=self._since
        )


@contextmanager
def failing(span: Span) -> Generator[None]:
    """Say on the span what went wrong: its word and its kind, never its text."""
    try:
        yield
    except Exception as error:
        word = str(getattr(error, "code", type(error).__name__))
        span.set_attributes({"error.type": type(error).__name__, "shiftcal.reason": word})
        span.set_status(StatusCode.ERROR, word)
        raise


def _action(outcome: Outcome) -> str:
    if isinstance(outcome, Removed):
        return "left" if outcome.left else "deleted"
    return "refused" if isinstance(outcome, Refused) else outcome.action
