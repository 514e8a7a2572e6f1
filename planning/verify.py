"""Fold a look at Google into what we believe it holds.

Comes in: a user's row and what was seen. Goes out: the row whose `applied` is what stands there. Nothing is repaired
here: a difference between the wish and what was seen is found by `plan`, as any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.dress import covered
from planning.identity import event_id
from planning.observation import Known
from planning.window import is_history
from schemas.rows import Applied

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from schemas.facts import CalendarSeen
    from schemas.outcomes import Observed
    from schemas.policy import Policy
    from schemas.rows import UserRow


def known_ids(row: UserRow) -> dict[str, Known]:
    """Return every event that is ours because we know the shift, by event id."""
    known = {
        event: Known(a.calendar_id, a.shift_id, a.generation, covered(a.fingerprint))
        for event, a in row.applied.items()
    }
    return _doubted(row) | known


def _doubted(row: UserRow) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for doubt in row.doubts:
        calendar_id, shift_id = doubt.split("/")
        generation = row.burnt[doubt].generation if doubt in row.burnt else 0
        name = event_id(row.agency_id, calendar_id, shift_id, generation)
        found[name] = Known(calendar_id, shift_id, generation)
    return found


def ids_to_read(row: UserRow, listed: Iterable[str], now: datetime, policy: Policy) -> tuple[str, ...]:
    """Return the events that have to be read one by one, since a listing cannot prove that they are gone.

    Some accounts strip private properties, by which we list; and an event that no listing ever showed may be of one. Where
    a deletion is respected it has to be one: a listing does not show what somebody moved far into the past, either.
    """
    shown = set(listed)
    unseen = [
        event
        for event, applied in row.applied.items()
        if not is_history(applied.end, now)
        and (
            row.connection.strips_properties
            or not applied.seen
            or (policy.on_drift == "respect_deletion" and _is_wished(row, applied))
        )
    ]
    return tuple(event for event in dict.fromkeys((*unseen, *_doubted(row))) if event not in shown)


def _is_wished(row: UserRow, applied: Applied) -> bool:
    calendar = row.calendars.get(applied.calendar_id)
    return calendar is not None and applied.shift_id in calendar.wishes


def fold_seen(row: UserRow, seen: CalendarSeen) -> UserRow:
    """Return the row after a look at Google."""
    moved = row.connection.target is not None and row.connection.target != seen.target
    before = {} if moved else row.applied
    applied = {event: a for event, a in before.items() if _still_believed(event, a, seen)}
    applied |= {o.event_id: _applied(before.get(o.event_id), o) for o in seen.observed}
    connection = row.connection
    ticket = connection.verify
    answered = ticket is not None and ticket.ticket == seen.verify
    return row.model_copy(
        update={
            "applied": applied,
            "burnt": {} if moved else row.burnt,
            "doubts": (),
            # A look that somebody asked for tries again what Google refused.
            "refused": {} if moved or (answered and ticket is not None and ticket.cause) else row.refused,
            "connection": connection.model_copy(
                update={
                    "target": seen.target,
                    "strips_properties": seen.strips_properties,
                    "verified_at": seen.at,
                    "verify": None if answered else connection.verify,
                }
            ),
            "last_synced_at": max(seen.at, row.last_synced_at or seen.at),
        }
    )


def _still_believed(event: str, applied: Applied, seen: CalendarSeen) -> bool:
    if event in seen.absent:
        return False
    if seen.strips_properties or not applied.seen:
        return True  # not listed proves nothing, and it was not read
    return applied.end <= seen.window_start  # the listing did not reach that far back


def _applied(before: Applied | None, observed: Observed) -> Applied:
    # Google may spell what we wrote in its own way; only what differs from its own answer was altered by somebody.
    untouched = before is not None and observed.fingerprint in {before.fingerprint, before.echo}
    return Applied(
        calendar_id=observed.calendar_id,
        shift_id=observed.shift_id,
        generation=observed.generation,
        etag=observed.etag,
        fingerprint=before.fingerprint if before is not None and untouched else observed.fingerprint,
        echo=observed.fingerprint,
        version=observed.version,
        start=observed.start,
        end=observed.end,
        seen=observed.tagged,
    )
