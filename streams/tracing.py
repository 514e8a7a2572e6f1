"""What agents and lanes say of traces, and its null twin, for workers that tell nobody.

Comes in: records, calls. Goes out: traces for the records that follow from them. Not here: headers (`streams.traces`), spans
(`streams.spans`, which nobody loads who does not trace).

`Silent` passes a producer's trace on, through both hops to `sync-results`, as it came; of a record without one it costs a look
at its headers.
"""

# ruff: noqa: ARG002  the null twin takes what the other one needs
from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from streams.traces import Memory, arrived, traces

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from aiohttp import TraceConfig
    from faust.types import EventT

    from planning.intake import Reading, Source
    from schemas.cause import Cause
    from schemas.facts import CalendarFact, Forgotten, UserFact, UserRecord
    from schemas.mutations import Mutation
    from schemas.outcomes import Outcome
    from schemas.rows import UserRow
    from streams.settings import Settings
    from streams.traces import Trace

    Known = dict[Hashable, Trace]

#: Agents change what they are given into nothing: one for all, never written to.
_NOTHING: AbstractContextManager[Any] = nullcontext()


class Write(Protocol):
    """One write to Google, from its place in the queue to what it came to."""

    @property
    def trace(self) -> Trace | None:
        """Whose trace the result belongs to."""

    def calling(self, mutation: Mutation) -> AbstractContextManager[None]:
        """Make a call of it, for this wish: the newest by now."""

    def came_to(self, outcome: Outcome | None) -> None:
        """End it; None: it was not made, or nobody knows."""


class Tracing(Protocol):
    """What agents and lanes say."""

    def reading(self, source: Source, known: Known) -> AbstractContextManager[None]:
        """Read an input record; its trace is added to what is known."""

    def read(self, reading: Reading) -> None:
        """Say what the record is about, that is being read."""

    def folding(self, event: EventT[Any], fact: CalendarFact) -> AbstractContextManager[Known]:
        """Fold a record about a calendar; yields the traces of what follows from it."""

    def folding_user(
        self, events: Sequence[EventT[Any]], records: Sequence[UserRecord]
    ) -> AbstractContextManager[Known]:
        """Fold records about a user; yields the traces of what follows from them."""

    def folded(self, key: bytes, before: UserRow | None, facts: Sequence[UserFact], after: UserRow) -> None:
        """Take note of what a user's row has become: which changes have overtaken which."""

    def telling(self, topic: str, trace: Trace | None) -> Trace | None:
        """Say that something is told to the world; returns the trace it is told in."""

    def write(self, key: bytes) -> Write:
        """Begin to wait for a write of this user."""

    def looking(self, row: UserRow, cause: Cause | None) -> AbstractContextManager[None]:
        """Look at Google, because of this command if it was one."""

    def http(self) -> tuple[TraceConfig, ...]:
        """Return what is to be told of each HTTP request."""

    async def stop(self) -> None:
        """Tell what was not told yet, within a deadline."""


class SilentWrite:
    """Hands on the trace of its cause."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.trace: Trace | None = None

    def calling(self, mutation: Mutation) -> AbstractContextManager[None]:
        """Take note whose call it is."""
        self.trace = self._memory.of(mutation.cause)
        return _NOTHING

    def came_to(self, outcome: Outcome | None) -> None:
        """Tell nobody."""


class Silent:
    """Hands traces on, and makes no spans."""

    def __init__(self) -> None:
        self._memory = Memory()

    def reading(self, source: Source, known: Known) -> AbstractContextManager[None]:
        """Hand on what the producer said."""
        if (trace := arrived(source)) is not None:
            known[source.topic, source.partition, source.offset] = trace
        return _NOTHING

    def read(self, reading: Reading) -> None:
        """Tell nobody."""

    def folding(self, event: EventT[Any], fact: CalendarFact) -> AbstractContextManager[Known]:
        """Hand on what came."""
        return nullcontext(traces(event.message.headers, fact))

    def folding_user(
        self, events: Sequence[EventT[Any]], records: Sequence[UserFact | Forgotten]
    ) -> AbstractContextManager[Known]:
        """Hand on what came, and remember it for the lane."""
        found: Known = {}
        for event, record in zip(events, records, strict=True):
            if event.message.headers:
                found |= traces(event.message.headers, record)
        self._memory.note(found)
        return nullcontext(found)

    def folded(self, key: bytes, before: UserRow | None, facts: Sequence[UserFact], after: UserRow) -> None:
        """Tell nobody."""

    def telling(self, topic: str, trace: Trace | None) -> Trace | None:
        """Hand it on."""
        return trace

    def write(self, key: bytes) -> Write:
        """Wait for the call."""
        return SilentWrite(self._memory)

    def looking(self, row: UserRow, cause: Cause | None) -> AbstractContextManager[None]:
        """Tell nobody."""
        return _NOTHING

    def http(self) -> tuple[TraceConfig, ...]:
        """Tell nothing."""
        return ()

    async def stop(self) -> None:
        """Nothing waits."""


def tracing_of(settings: Settings, group: str) -> Tracing:
    """Return how this worker traces."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if settings.tracing == "off" or disabled:
        return Silent()
    from streams.spans import exported  # noqa: PLC0415  some 12 MB that nobody needs who does not trace

    return exported(group)
