"""Traces in headers: what is taken from a producer, and how an internal record tells of several."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.intake import Source
from schemas.cause import Cause
from schemas.facts import CalendarReleased, Changes, Contribution, ShiftsChanged
from schemas.messages import Delete
from streams.traces import MOST, Memory, Trace, arrived, headers_of, overtaken, parts, traces

NOW = datetime(2026, 11, 26, tzinfo=UTC)
GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def _source(headers: tuple[tuple[str, bytes | None], ...] = (), value: bytes | None = b"{}") -> Source:
    return Source("schedule-changed", "schedule-changed", 0, 7, NOW, None, value, headers)


def _cause(offset: int) -> Cause:
    return Cause(topic="t", partition=0, offset=offset, event_id="e", occurred_at=NOW, at=NOW)


def _place(offset: int) -> tuple[str, int, int]:
    return ("t", 0, offset)


def _trace(number: int, state: str = "") -> Trace:
    return Trace(f"00-{number + 1:032x}-{number + 1:016x}-01", state)


def _changed(*offsets: int, versions: Sequence[int] = ()) -> ShiftsChanged:
    messages = tuple(
        Changes(changes=(Delete(op="delete", shift_id="s", version=version),), cause=_cause(offset))
        for offset, version in zip(offsets, versions or offsets, strict=True)
    )
    return ShiftsChanged(agency_id="a", calendar_id="c", messages=messages)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (GOOD, GOOD),
        (f" {GOOD} ", GOOD),
        (GOOD.replace("00-", "cc-", 1) + "-what-a-later-version-says", GOOD),
        (GOOD.upper(), None),
        (GOOD + "-more", None),
        (GOOD.replace("00-", "ff-", 1), None),
        (GOOD[:-1], None),
        ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", None),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01", None),
        ("Medic 12 Day", None),
        ("", None),
    ],
)
def test_what_a_producer_says(given: str, found: str | None) -> None:
    """Only what the standard allows goes on; a later version goes on as the first."""
    trace = arrived(_source((("traceparent", given.encode()),)))
    assert (trace and trace.parent) == found


@pytest.mark.parametrize(
    ("state", "found"),
    [(b"vendor=1", "vendor=1"), (b"a\nb", ""), (b"x" * 513, ""), (None, ""), (b"\xff", "")],
)
def test_what_a_vendor_adds(state: bytes | None, found: str) -> None:
    """It goes along unless it is too long, or no text."""
    assert arrived(_source((("traceparent", GOOD.encode()), ("tracestate", state)))) == Trace(GOOD, found)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"specversion": "1.0", "traceparent": GOOD, "tracestate": "v=1", "data": {}}, Trace(GOOD, "v=1")),
        ({"specversion": "1.0", "traceparent": 7}, None),
        ({"specversion": "1.0", "data": {"traceparent": GOOD}}, None),
        ({"event_id": "e", "specversion": "1.0", "traceparent": GOOD}, None),
        ({"event_id": "e", "title": json.dumps({"traceparent": GOOD})}, None),
        ([{"traceparent": GOOD}], None),
    ],
)
def test_a_structured_event(value: Any, found: Trace | None) -> None:
    """The extension counts where it is one; a plain message, or a text in one, says nothing of traces."""
    assert arrived(_source(value=json.dumps(value).encode())) == found


def test_an_event_that_is_torn() -> None:
    """It is a dead letter, and no trace's."""
    assert arrived(_source(value=b'{"specversion": "1.0", "traceparent": "')) is None


@given(
    st.lists(
        st.none() | st.integers(0, 50).map(lambda n: _trace(n, "v=1" * (n % 2))), min_size=1, max_size=40
    )
)
def test_several_messages_in_a_record(of: list[Trace | None]) -> None:
    """Each of the newest keeps its own trace through the headers, and who came without stays without."""
    fact = _changed(*range(len(of)))
    known: dict[Hashable, Trace] = {_place(offset): trace for offset, trace in enumerate(of) if trace}
    found = traces(headers_of(fact, known), fact)
    newest = {_place(offset) for offset in range(len(of))[-MOST:]}
    assert found == {place: trace for place, trace in known.items() if place in newest}
    assert list(found) == [place for place in known if place in newest]


def test_a_record_of_nobodys_trace() -> None:
    """It has no header."""
    assert headers_of(_changed(1, 2), {}) == []
    assert headers_of(_changed(1, 2), {_place(9): _trace(9)}) == []
    assert parts(CalendarReleased(agency_id="a", calendar_id="c", release_id="r")) == []


def test_a_contribution_of_several_messages() -> None:
    """The newest message is the last, whatever shifts the others are named for."""
    fact = Contribution(
        agency_id="a", user_id="u", calendar_id="c", revision=1, standing="published", wishes={},
        cause=_cause(3), causes={"s1": _cause(1), "s2": _cause(2), "s3": _cause(1)},
    )  # fmt: skip
    assert parts(fact) == [_place(1), _place(2), _place(3)]


@pytest.mark.parametrize(("versions", "wins"), [((1, 2, 3), 3), ((3, 1, 2), 1), ((1, 4, 4), 2)])
def test_a_shift_that_a_record_changes_again(versions: tuple[int, ...], wins: int) -> None:
    """The message that wins is linked to the others, whatever their order, and stays so through the headers."""
    known: dict[Hashable, Trace] = {_place(offset): _trace(offset) for offset in (1, 2, 3)}
    fact = _changed(1, 2, 3, versions=versions)
    linked = overtaken(fact, known)
    others = [offset for offset in (1, 2, 3) if offset != wins]
    assert linked[_place(wins)].links == tuple(known[_place(offset)].parent for offset in others)
    assert [linked[_place(offset)].links for offset in others] == [(), ()]
    assert traces(headers_of(fact, linked), fact) == linked


def test_more_messages_than_are_remembered() -> None:
    """The oldest traces are lost, and nothing grows."""
    memory = Memory(most=3)
    for offset in range(10):
        memory.note({_place(offset): _trace(offset), "an event": _trace(99)})
    assert len(memory) == 3
    assert [memory.of(_cause(offset)) for offset in (6, 7, 9)] == [None, _trace(7), _trace(9)]
    assert memory.of(None) is None
