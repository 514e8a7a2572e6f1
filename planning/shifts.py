"""Fold one change of a shift: versions, tombstones, re-assignment.

Comes in: the assignment as it stands and a change. Goes out: a `Verdict`: what to store, whom to tell. Of all messages
about a shift the highest version wins, in whatever order they come.

An equal version is applied again, not skipped: a crash between two steps delivers it again, and each step can be
repeated. Then every holder is told, since any of them may have missed it.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from operator import attrgetter
from typing import NamedTuple

from planning import window
from schemas.facts import Wish
from schemas.messages import Delete, Shift, Upsert
from schemas.rows import AssignmentRow, RosterRow

#: As many as the agents may have open at once: whatever came before those was delivered to everybody it concerned.
HOLDERS = 256

SUMMARY, LOCATION, NOTES = 1_024, 1_024, 8_000


class Verdict(NamedTuple):
    """What a change comes to.

    `row` to store (None: nothing). `place`: whose roster shows the shift, and how. `evict`: from whose roster it goes.
    `affected`: whose contribution is told (again). `conflict`: one version with two contents, an error upstream.
    """

    row: AssignmentRow | None
    place: tuple[str, Wish] | None
    evict: tuple[str, ...]
    affected: tuple[str, ...]
    conflict: bool = False


def fold_change(before: AssignmentRow | None, change: Upsert | Delete) -> Verdict:
    """Decide what one change does to the assignment of its shift."""
    named = change.shift.user_id if isinstance(change, Upsert) else None
    if before is None or change.version > before.version:
        return _won(before, change, evict=_users(before.user_id if before else None), named=named)
    if change.version < before.version:
        return Verdict(None, None, (), _users(named, *before.holders))
    if _digest(change) == before.digest:
        return _won(before, change, evict=before.holders, named=named)
    if isinstance(change, Delete):
        # One version, a delete and an upsert: only the delete is safe in any order.
        return _won(before, change, evict=before.holders, named=named)._replace(conflict=True)
    return Verdict(None, None, (), _users(named, *before.holders), conflict=True)


def _won(
    before: AssignmentRow | None, change: Upsert | Delete, *, evict: tuple[str, ...], named: str | None
) -> Verdict:
    holders = _users(named, *(before.holders if before else ()))[:HOLDERS]
    row = AssignmentRow(version=change.version, digest=_digest(change), user_id=named, holders=holders)
    place = (named, wish_of(change.shift)) if isinstance(change, Upsert) and named is not None else None
    leaving = tuple(user for user in evict if user != named)
    return Verdict(row, place, leaving, _users(named, *leaving))


def _users(*users: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(user for user in users if user is not None))


def _digest(change: Upsert | Delete) -> str:
    if isinstance(change, Delete):
        return ""
    return sha256(change.shift.model_dump_json(exclude={"version"}).encode()).hexdigest()[:16]


def wish_of(shift: Shift) -> Wish:
    """Return the shift as its user should see it, its texts cut before they enter any row."""
    return Wish(
        version=shift.version,
        kind=shift.kind,
        title=shift.title[:SUMMARY],
        start=shift.start,
        end=shift.end,
        time_zone=None if shift.all_day else shift.time_zone,
        location=shift.location[:LOCATION] if shift.location else None,
        notes=shift.notes[:NOTES] if shift.notes else None,
    )


#: What a wish says: all but its version. Two times that are one instant say the same.
content = attrgetter("kind", "title", "start", "end", "time_zone", "location", "notes")


def with_shift(roster: RosterRow, shift_id: str, wish: Wish) -> RosterRow:
    """Return the roster with the shift as wished."""
    return RosterRow(shifts={**roster.shifts, shift_id: wish})


def without_shift(roster: RosterRow, shift_id: str) -> RosterRow:
    """Return the roster without the shift."""
    return RosterRow(shifts={s: w for s, w in roster.shifts.items() if s != shift_id})


def without_forgotten(roster: RosterRow, now: datetime) -> RosterRow:
    """Return the roster without what ended more than 31 days ago; the same one where there is nothing to drop."""
    kept = window.without_forgotten(roster.shifts, now)
    return roster if kept is roster.shifts else RosterRow(shifts=kept)
