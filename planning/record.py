"""Record what calls came to: the inverse of planning.

Comes in: a user's row and an outcome. Goes out: the row that knows it. Recording is idempotent, and never asks where an
outcome came from: that of a worker that lost its users is as true as any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, assert_never

from planning.identity import shift_key
from schemas.outcomes import Outcome, Refused, Removed, Stored
from schemas.rows import Applied, Burnt, Refusal

if TYPE_CHECKING:
    from schemas.rows import UserRow

_T = TypeVar("_T")


def record(row: UserRow, outcome: Outcome) -> UserRow:
    """Return the row after one outcome."""
    return row.model_copy(update={**_changes(row, outcome), "last_synced_at": _later(row, outcome)})


def _changes(row: UserRow, outcome: Outcome) -> dict[str, Any]:
    key = shift_key(outcome.calendar_id, outcome.shift_id)
    match outcome:
        case Stored():
            return {
                "applied": {**_unburnt(row, outcome), outcome.event_id: _applied(row, outcome)},
                "burnt": _burnt(row, key, outcome),
                "refused": _without(row.refused, key),
                "drift": _without(row.drift, key),
            }
        case Removed():
            return {
                "applied": _without(row.applied, outcome.event_id),
                "refused": _without(row.refused, outcome.event_id),
            }
        case Refused():
            # A removal is remembered by event, an unfulfilled wish by shift.
            name = key if outcome.fingerprint else outcome.event_id
            refusal = Refusal(fingerprint=outcome.fingerprint, error=outcome.error, end=outcome.end)
            return {"refused": {**row.refused, name: refusal}}
        case _:
            assert_never(outcome)


def _applied(row: UserRow, stored: Stored) -> Applied:
    before = row.applied.get(stored.event_id)
    return Applied(
        calendar_id=stored.calendar_id,
        shift_id=stored.shift_id,
        generation=stored.generation,
        etag=stored.etag,
        fingerprint=stored.fingerprint,
        echo=stored.echo,
        version=stored.version,
        start=stored.start,
        end=stored.end,
        seen=before is not None and before.seen,
    )


def _unburnt(row: UserRow, stored: Stored) -> dict[str, Applied]:
    """Forget the older generations of the shift: Google burnt them, or there would be no newer one."""
    if stored.generation == 0:
        return row.applied
    shift = (stored.calendar_id, stored.shift_id)
    return {
        event: a
        for event, a in row.applied.items()
        if (a.calendar_id, a.shift_id) != shift or a.generation >= stored.generation
    }


def _burnt(row: UserRow, key: str, stored: Stored) -> dict[str, Burnt]:
    if stored.generation == 0:
        return _without(row.burnt, key)
    return {**row.burnt, key: Burnt(generation=stored.generation, end=stored.end)}


def _later(row: UserRow, outcome: Outcome) -> Any:
    return outcome.at if row.last_synced_at is None else max(row.last_synced_at, outcome.at)


def _without(mapping: dict[str, _T], key: str) -> dict[str, _T]:
    return {k: v for k, v in mapping.items() if k != key} if key in mapping else mapping
