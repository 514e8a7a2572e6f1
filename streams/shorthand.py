"""A user's row as it is stored: what follows from the rest of the row is left out.

Comes in: a row, or the JSON that was stored. Goes out: JSON. Not here: compression. Each change writes the whole row, twice;
of an event at Google its id is derived from the shift's (and is as long as it is random), and its version and times are mostly
those of the wish. So what stands is ``applied[calendar][shift] = [etag, fingerprint]``, a third item where there is more to
say, and ``shift/n`` for the id's generation n.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from planning.identity import event_id
from planning.window import instant
from schemas.rows import Applied, UserRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.facts import Wish

#: Between the row and what stands at Google: no JSON of ours holds a line's end, in a text it is escaped.
_MARK = b"\n"


def shortened(row: UserRow) -> bytes:
    """Return the JSON of the row; what is at its default is left out as well."""
    rest = row.model_dump_json(exclude_defaults=True, exclude={"applied"}).encode()
    if not row.applied:
        return rest
    short: dict[str, dict[str, list[Any]]] = {}
    for one in row.applied.values():
        calendar = row.calendars.get(one.calendar_id)
        name = f"{one.shift_id}/{one.generation}" if one.generation else one.shift_id
        short.setdefault(one.calendar_id, {})[name] = _short(
            one, calendar.wishes.get(one.shift_id) if calendar else None
        )
    return rest + _MARK + orjson.dumps(short)


def _short(one: Applied, wish: Wish | None) -> list[Any]:
    more: dict[str, Any] = {}
    if one.echo != one.fingerprint:
        more["echo"] = one.echo
    if one.seen:
        more["seen"] = True
    if wish is None or one.version != wish.version:
        more["version"] = one.version
    if wish is None or one.start != instant(wish.start):
        more["start"] = one.start
    if wish is None or one.end != instant(wish.end):
        more["end"] = one.end
    return [one.etag, one.fingerprint, more] if more else [one.etag, one.fingerprint]


def lengthened(stored: bytes) -> UserRow:
    """Return the row of the JSON that was stored."""
    rest, _, short = stored.partition(_MARK)
    row = UserRow.model_validate_json(rest)
    return row.model_copy(update={"applied": dict(_long(row, orjson.loads(short)))}) if short else row


def _long(row: UserRow, short: dict[str, dict[str, list[Any]]]) -> Iterator[tuple[str, Applied]]:
    for calendar_id, events in short.items():
        calendar = row.calendars.get(calendar_id)
        wishes = calendar.wishes if calendar else {}
        for name, (etag, fingerprint, *more) in events.items():
            shift_id, _, generation = name.partition("/")
            number = int(generation or 0)
            said: dict[str, Any] = {"echo": fingerprint}
            if (wish := wishes.get(shift_id)) is not None:
                said |= {"version": wish.version, "start": instant(wish.start), "end": instant(wish.end)}
            if more:
                said |= more[0]
            yield (
                event_id(row.agency_id, calendar_id, shift_id, number),
                Applied(
                    calendar_id=calendar_id,
                    shift_id=shift_id,
                    generation=number,
                    etag=etag,
                    fingerprint=fingerprint,
                    **said,
                ),
            )
