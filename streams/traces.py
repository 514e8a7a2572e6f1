"""Whose trace a record belongs to, as its Kafka headers say.

Comes in: headers, facts. Goes out: `Trace`s by the part of a record that each belongs to, and headers again. Not here: spans
(`streams.spans`); rows and facts know nothing of traces.

An input record has one `traceparent` (https://www.w3.org/TR/trace-context/). An internal one may tell of several messages, and
has one for each of its `parts`, empty for a message that came without; nothing at all where all came without. After each stands
what belongs to it: its `tracestate`, and a `tracelink` for each earlier message that it has overtaken.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import orjson

from schemas.facts import CallsAnswered, Contribution, ShiftsChanged

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from planning.intake import Source
    from schemas.cause import Cause
    from schemas.facts import CalendarFact, Forgotten, UserFact

    Headers = Sequence[tuple[str, bytes | None]]
    #: A message by its coordinates; in what calls came to, an event by its id.
    Traces = Mapping[Hashable, "Trace"]

PARENT, STATE, LINK = "traceparent", "tracestate", "tracelink"

#: A record tells of so many messages' traces, the newest ones, and of so many links of each.
MOST = 32

#: Messages whose trace a worker remembers, some 4 MB: those of older ones that still wait are lost.
REMEMBERED = 10_000

#: Longer ones are dropped, as the standard allows.
_LONGEST_STATE = 512

_WELL_FORMED = re.compile(
    rb"([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_PRINTABLE = re.compile(rb"[\x20-\x7e]+")
_NAMED, _AROUND = b'"traceparent"', 4096
_EVENT_PARENT, _EVENT_STATE = f"ce_{PARENT}", f"ce_{STATE}"


class Trace(NamedTuple):
    """A place in somebody's trace; `links` are the places of messages that this one has overtaken."""

    parent: str
    state: str = ""
    links: tuple[str, ...] = ()


class Memory:
    """The traces of the newest messages. What a worker forgets, or a crash takes along, is a trace and never a change."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._traces: OrderedDict[Hashable, Trace] = OrderedDict()
        self._most = most

    def __len__(self) -> int:
        return len(self._traces)

    def note(self, traces: Traces) -> None:
        """Remember whose messages these are; what calls came to is told in the same turn, and needs no memory."""
        for part, trace in traces.items():
            if isinstance(part, tuple):
                self._traces[part] = trace
                self._traces.move_to_end(part)
        while len(self._traces) > self._most:
            self._traces.popitem(last=False)

    def of(self, cause: Cause | None) -> Trace | None:
        """Return the trace of a message."""
        return self._traces.get(coordinates(cause)) if self._traces and cause is not None else None


def coordinates(cause: Cause) -> tuple[str, int, int]:
    """Name a message."""
    return (cause.topic, cause.partition, cause.offset)


def parts(fact: CalendarFact | UserFact | Forgotten) -> list[Hashable]:
    """Return what of a record a trace may belong to, the newest last."""
    match fact:
        case ShiftsChanged(messages=messages):
            return [coordinates(message.cause) for message in messages]
        case Contribution(cause=newest, causes=causes):
            found = dict.fromkeys(coordinates(cause) for cause in causes.values()) if causes else {}
            return [*found, coordinates(newest)]
        case CallsAnswered(outcomes=outcomes):
            return [outcome.event_id for outcome in outcomes]
        case _:
            cause: Cause | None = getattr(fact, "cause", None)
            return [] if cause is None else [coordinates(cause)]


def arrived(source: Source) -> Trace | None:
    """Return the trace that an input record belongs to; a CloudEvent may say so by its tracing extension alone.

    https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/distributed-tracing.md
    """
    if source.headers:
        given = {name: value for name, value in source.headers if value}
        for parent, state in ((PARENT, STATE), (_EVENT_PARENT, _EVENT_STATE)):
            if parent in given and (found := _trace(given[parent], given.get(state))) is not None:
                return found
    # Attributes stand around the data, which alone is long. A text that quotes this word has backslashes before its quotes.
    if source.value is not None and (
        _NAMED in source.value[:_AROUND]
        or (len(source.value) > _AROUND and _NAMED in source.value[-_AROUND:])
    ):
        return _of_event(source.value)
    return None


def _of_event(value: bytes) -> Trace | None:
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None  # a bad message: the intake says so
    if not isinstance(event, dict) or "specversion" not in event or "event_id" in event:
        return None
    parent, state = event.get(PARENT), event.get(STATE)
    if not isinstance(parent, str):
        return None
    return _trace(parent.encode(), state.encode() if isinstance(state, str) else None)


def traces(headers: Headers, fact: CalendarFact | UserFact | Forgotten) -> dict[Hashable, Trace]:
    """Return the traces of an internal record, by what of it they belong to."""
    if not headers:
        return {}
    # From the end: of too many, the oldest have no header.
    found = zip(reversed(parts(fact)), reversed(list(_items(headers))), strict=False)
    return {part: trace for part, trace in reversed(list(found)) if trace is not None}


def _items(headers: Headers) -> Iterator[Trace | None]:
    item: list[tuple[str, bytes | None]] = []
    for name, value in headers:
        if name == PARENT and item:
            yield _item(item)
            item = []
        if name in {PARENT, STATE, LINK}:
            item.append((name, value))
    if item:
        yield _item(item)


def _item(item: Headers) -> Trace | None:
    found = _trace(item[0][1] or b"", next((value for name, value in item if name == STATE), None))
    links = tuple(
        link.parent for name, value in item if name == LINK and (link := _trace(value or b"", None))
    )
    return found._replace(links=links) if found and links else found


def headers(of: Sequence[Trace | None]) -> list[tuple[str, bytes]]:
    """Return the headers of a record, given the traces of its parts; none where there are none."""
    if not any(of):
        return []
    found: list[tuple[str, bytes]] = []
    for trace in of[-MOST:]:
        found.append((PARENT, trace.parent.encode() if trace else b""))
        if trace and trace.state:
            found.append((STATE, trace.state.encode()))
        if trace and trace.links:
            found += [(LINK, link.encode()) for link in trace.links[-MOST:]]
    return found


def headers_of(fact: CalendarFact | UserFact, known: Traces) -> list[tuple[str, bytes]]:
    """Return the headers of a fact's record."""
    return headers([known.get(part) for part in parts(fact)]) if known else []


def overtaken(fact: CalendarFact, known: Traces) -> dict[Hashable, Trace]:
    """Return the traces of a record's messages, linked to those whose change of a shift theirs has won over."""
    found = dict(known)
    if not isinstance(fact, ShiftsChanged) or len(fact.messages) == 1:
        return found
    by_shift: dict[str, list[tuple[int, Hashable]]] = {}
    for message in fact.messages:
        for change in message.changes:
            by_shift.setdefault(change.shift_id, []).append((change.version, coordinates(message.cause)))
    for said in by_shift.values():
        wins = max(said, key=itemgetter(0))[1]  # the first of equals, as in the fold
        if (trace := found.get(wins)) is not None:
            found[wins] = linked(trace, (known[part].parent for _, part in said if part in known))
    return found


def linked(trace: Trace, more: Iterable[str]) -> Trace:
    """Return the trace with more links, each once, and none to itself."""
    links = dict.fromkeys([*trace.links, *more])
    links.pop(trace.parent, None)
    return trace._replace(links=tuple(links)[-MOST:])


def _trace(parent: bytes, state: bytes | None) -> Trace | None:
    found = _WELL_FORMED.fullmatch(parent.strip())
    if found is None or found[1] == b"ff" or (found[1] == b"00" and found[5]):
        return None
    # A version that we do not know is read as the first, and goes on as the first.
    text = b"-".join((b"00", found[2], found[3], found[4])).decode()
    good = state is not None and len(state) <= _LONGEST_STATE and _PRINTABLE.fullmatch(state)
    return Trace(text, state.decode() if good and state else "")
