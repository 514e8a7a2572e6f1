"""What is known of a shift, gathered from the tables' changelogs and from topics.

In: an agency, a user, a shift, perhaps a calendar. Out: `Evidence`, one for each calendar that knows the shift. Not here:
what follows from it (`planning.explain`). Rows are read first and are enough for an answer; the messages behind them are
then looked for as long as patience lasts.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import orjson

from schemas.explanations import Evidence, Flow, Message, Unreadable
from schemas.outputs import SyncResult
from schemas.rows import AssignmentRow, PublicationRow, RosterRow, UserRow
from streams import codec, search
from streams.flow import flow_of, unread
from streams.letters import letter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from pydantic import BaseModel

    from streams.lookup import Lookup, Record
    from streams.names import Names

T = TypeVar("T")
R = TypeVar("R", bound="BaseModel")

#: So many dead letters are named, the newest.
_LETTERS = 3


#: By these an event comes to stand there.
_PLACING = frozenset({"inserted", "adopted"})


class Question(NamedTuple):
    """About which shift, of which user; `calendar_id` None: in whatever calendar it is."""

    agency_id: str
    user_id: str
    shift_id: str
    calendar_id: str | None = None


class Gathered(NamedTuple):
    """What was found; `cut`: patience ended before every message was found."""

    evidence: tuple[Evidence, ...]
    cut: bool = False


class Patience:
    """Seconds that are left for looking for messages, all searches together."""

    def __init__(self, seconds: float) -> None:
        self._until = asyncio.get_running_loop().time() + seconds
        self.ended = False

    async def give(self, looking: Awaitable[T], otherwise: T) -> T:
        """Wait for an answer, and take the other one where it does not come in time."""
        try:
            async with asyncio.timeout_at(self._until):
                return await looking
        except TimeoutError:
            self.ended = True
            return otherwise


def topics(names: Names) -> tuple[str, ...]:
    """Return the topics that are read."""
    return (
        *names.inputs,
        *names.internal,
        *names.changelogs,
        names.results,
        names.dead_letters,
        names.rebuild,
    )


async def gather(lookup: Lookup, names: Names, asked: Question, seconds: float) -> Gathered:
    """Find out all that is known."""
    who = (asked.agency_id, asked.user_id)
    row = _decoded(UserRow, await lookup.row(names.changelog("users"), codec.key(*who)))
    patience = Patience(seconds)
    turned = None
    if row is not None:
        turned = await patience.give(search.turn_of(lookup, names, who, row.connection), None)
    found = []
    for calendar_id in await _calendars(lookup, names, asked, row) or [None]:
        of_calendar = await _of_calendar(lookup, names, asked, calendar_id)
        one = of_calendar.model_copy(update={"row": row, "turned": turned})
        found.append(await _with_messages(lookup, names, one, patience))
    return Gathered(tuple(found), patience.ended)


async def _calendars(
    lookup: Lookup, names: Names, asked: Question, row: UserRow | None
) -> Sequence[str | None]:
    """Return the calendars that know the shift: the one that is asked for, those of the user's row, else any that told of it."""
    if asked.calendar_id is not None:
        return [asked.calendar_id]
    if row is not None:
        wished = {c for c, wish in row.calendars.items() if asked.shift_id in wish.wishes}
        applied = {a.calendar_id for a in row.applied.values() if a.shift_id == asked.shift_id}
        if wished or applied:
            return sorted(wished | applied)
    begin, end = codec.key(asked.agency_id, ""), codec.key("", asked.shift_id)
    changelog = names.changelog("assignments")
    keys = await lookup.rows(changelog, lambda key: key.startswith(begin) and key.endswith(end))
    return sorted(key.decode().split("/")[1] for key in keys)


async def _of_calendar(lookup: Lookup, names: Names, asked: Question, calendar_id: str | None) -> Evidence:
    """Read the three rows of the calendar's tables; all stand in the partition of the calendar."""
    known = Evidence(
        agency_id=asked.agency_id, user_id=asked.user_id, shift_id=asked.shift_id, calendar_id=calendar_id
    )
    if calendar_id is None:
        return known
    calendar = codec.key(asked.agency_id, calendar_id)
    partition = lookup.home(names.calendar_facts, calendar).partition

    async def row(table: str, *more: str) -> bytes | None:
        key = codec.key(asked.agency_id, calendar_id, *more)
        return await lookup.row(names.changelog(table), key, partition)

    roster = _decoded(RosterRow, await row("rosters", asked.user_id))
    return known.model_copy(
        update={
            "assignment": _decoded(AssignmentRow, await row("assignments", asked.shift_id)),
            "publication": _decoded(PublicationRow, await row("publications")),
            "wish": roster.shifts.get(asked.shift_id) if roster else None,
        }
    )


async def _with_messages(lookup: Lookup, names: Names, known: Evidence, patience: Patience) -> Evidence:
    """Add the messages behind the rows, and what is not in the rows yet."""
    result = placed = changed = None
    if known.assignment is not None and known.calendar_id is not None:
        result = await patience.give(_result(lookup, names, known), None)
        placed = result
        if result is not None and result.action not in _PLACING:
            placed = await patience.give(_result(lookup, names, known, _PLACING), None)
        changed = _change_behind(names, known, result)
        if changed is None:
            shift = search.Shift(known.agency_id, known.calendar_id, known.shift_id)
            looked = search.change_of(lookup, names, shift, known.assignment)
            changed = await patience.give(looked, None)
    known = known.model_copy(update={"result": result, "placed": placed, "changed": changed})
    flow = await patience.give(flow_of(lookup, names, known), Flow())
    new = await patience.give(unread(lookup, names, known), ()) if flow.inputs else ()
    letters = await patience.give(_unreadable(lookup, names, known), ())
    return known.model_copy(update={"flow": flow, "unread": new, "unreadable": letters})


async def _result(
    lookup: Lookup, names: Names, known: Evidence, actions: frozenset[str] | None = None
) -> SyncResult | None:
    """Find the newest result of this shift's event, or the newest of these actions."""
    key = codec.key(known.agency_id, known.user_id)

    def fits(record: Record) -> bool:
        if record.key != key or record.value is None or not search.names_id(record.value, known.shift_id):
            return False
        told = orjson.loads(record.value)
        mine = (told["calendar_id"], told["shift_id"]) == (known.calendar_id, known.shift_id)
        return mine and (actions is None or told["action"] in actions)

    record = await lookup.newest([lookup.home(names.results, key)], fits)
    return None if record is None else SyncResult.model_validate_json(record.value)


def _change_behind(names: Names, known: Evidence, result: SyncResult | None) -> Message | None:
    """Return the message of the winning version where the newest result was caused by it."""
    if result is None or result.caused_by is None or known.assignment is None:
        return None
    same = result.version == known.assignment.version
    if not same or result.caused_by.topic != names.topic("schedule-changed"):
        return None
    return Message(version=result.version, **result.caused_by.model_dump())


async def _unreadable(lookup: Lookup, names: Names, known: Evidence) -> tuple[Unreadable, ...]:
    """Find the newest dead letters that name the shift, unless something newer about it was taken in."""
    found: list[Unreadable] = []
    since = known.changed.occurred_at if known.changed else None
    async for piece in lookup.pieces(await lookup.ranges(lookup.all_of(names.dead_letters))):
        for record in reversed(search.spoken_of(piece, known.agency_id, known.shift_id)):
            one = letter(record)
            if since is not None and one.at <= since:
                continue
            place = Message(topic=names.dead_letters, partition=record.partition, offset=record.offset)
            found.append(
                Unreadable(number=str(one.number), reason=one.reason, error=one.error, message=place)
            )
        if len(found) >= _LETTERS:
            break
    return tuple(found[:_LETTERS])


def _decoded(kind: type[R], data: bytes | None) -> R | None:
    return None if data is None else codec.decode(kind, data)
