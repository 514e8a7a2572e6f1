"""The message that said it: looked for in topics, newest first, as long as patience lasts.

In: what is known of a shift or of a user. Out: where its message stands, or None. Producers choose keys and partitions of
the input topics, so all of them may have to be read; texts that name no id of ours are not even parsed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from planning.grounds import message_of
from planning.intake import AHEAD, Source, read
from planning.shifts import fold_change
from schemas.explanations import Message
from schemas.facts import Connected, Deactivated, Disconnected, ShiftsChanged
from streams import codec
from streams.kafka import timestamp
from streams.lookup import Lookup, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planning.intake import Reading
    from schemas.facts import CalendarFact
    from schemas.rows import AssignmentRow, Connection
    from streams.names import Names


class Shift(NamedTuple):
    """A shift by its ids."""

    agency_id: str
    calendar_id: str
    shift_id: str


def names_id(text: bytes, *ids: str) -> bool:
    """Say whether a JSON text may name all of these ids, however it spells them."""
    return b"\\u" in text or all(any(spelled in text for spelled in _spellings(one)) for one in ids)


def _spellings(text: str) -> set[bytes]:
    return {json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()}


def reading_of(record: Record, names: Names) -> Reading:
    """Return what a record of an input topic says."""
    name = record.topic.removeprefix(names.prefix)
    value, at = record.value, timestamp(record)
    return read(
        Source(
            name, record.topic, record.partition, record.offset, at, record.key, value, tuple(record.headers)
        )
    )


async def change_of(lookup: Lookup, names: Names, shift: Shift, row: AssignmentRow) -> Message | None:
    """Find the message of a shift's winning version: what intake made of it, as long as that is kept, else as it came."""
    found = await _taken_in(lookup, names, shift, row)
    return found or await _as_it_came(lookup, names, shift, row)


async def _taken_in(lookup: Lookup, names: Names, shift: Shift, row: AssignmentRow) -> Message | None:
    key = codec.key(shift.agency_id, shift.calendar_id)
    async for piece in lookup.pieces(await lookup.ranges([lookup.home(names.calendar_facts, key)])):
        for record in reversed(piece):
            mine = record.key == key and record.value is not None
            if mine and names_id(codec.unpacked(record.value), shift.shift_id):
                found = _winner(codec.calendar_fact(record.value), shift, row)
                if found is not None:
                    return found
    return None


async def _as_it_came(lookup: Lookup, names: Names, shift: Shift, row: AssignmentRow) -> Message | None:
    async for piece in lookup.pieces(await lookup.ranges(lookup.all_of(names.topic("schedule-changed")))):
        for record in spoken_of(piece, shift.agency_id, shift.shift_id):
            for fact in reading_of(record, names).calendar_facts:
                if found := _winner(fact, shift, row):
                    return found
    return None


def _winner(fact: CalendarFact, shift: Shift, row: AssignmentRow) -> Message | None:
    if not isinstance(fact, ShiftsChanged):
        return None
    if (fact.agency_id, fact.calendar_id) != (shift.agency_id, shift.calendar_id):
        return None
    for said in fact.messages:
        for change in said.changes:
            if (change.shift_id, change.version) == (shift.shift_id, row.version):
                one = fold_change(None, change).row
                # One version with two contents: the one that stands.
                if one is not None and one.digest == row.digest:
                    return message_of(said.cause, row.version)
    return None


async def turn_of(lookup: Lookup, names: Names, who: tuple[str, str], known: Connection) -> Message | None:
    """Find the message by which the user stands where they stand; its broker's time is not much before its own."""
    if known.occurred_at is None:
        return None
    topic = names.topic("user-deactivated" if known.state == "deactivated" else "sync-commands")
    async for record in lookup.forwards(await lookup.since(topic, known.occurred_at - AHEAD)):
        for one in spoken_of([record], *who):
            for fact in reading_of(one, names).user_facts:
                if not isinstance(fact, Connected | Disconnected | Deactivated):
                    continue
                if ((fact.agency_id, fact.user_id), fact.cause.occurred_at) == (who, known.occurred_at):
                    return message_of(fact.cause)
    return None


def spoken_of(records: Iterable[Record], *ids: str) -> list[Record]:
    """Return those records whose text may name all of these ids."""
    return [record for record in records if record.value is not None and names_id(record.value, *ids)]
