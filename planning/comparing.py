"""How one user stands with the live group, and with a shadow beside it.

Comes in: the user's two rows and `now`. Goes out: differences by shift, and why nothing can be said yet. Events are
compared by the fields that we own, not by etags or versions: a new version alone causes no write. History is left out, as
everywhere. Not here: reading, waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from planning.connection import blocked_until
from planning.identity import shift_key
from planning.window import is_history
from schemas.comparisons import Difference, Stands, Turned, Waits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from schemas.rows import Applied, UserRow

Events = dict[tuple[str, str], list[tuple[str, "Applied"]]]

_WRITES: dict[str, Literal["delete", "insert", "patch"]] = {
    "missing": "delete",
    "extra": "insert",
    "different": "patch",
}


class Compared(NamedTuple):
    """What is to be said of one user."""

    differences: tuple[Difference, ...] = ()
    turned: Turned | None = None
    waits: Waits | None = None

    @property
    def is_alike(self) -> bool:
        """Say whether there is nothing to be told."""
        return not (self.differences or self.turned or self.waits)


def compare(live: UserRow | None, shadow: UserRow | None, now: datetime) -> Compared:
    """Compare a user's two rows; a group that does not know the user holds nothing."""
    known = live or shadow
    if known is None or (live is None and known.connection.state != "connected"):
        return Compared()  # whom the live group was told to forget, nobody asks about
    who = {"agency_id": known.agency_id, "user_id": known.user_id}
    for name, row in (("the live group", live), ("the shadow", shadow)):
        if row is not None and (why := _under_way(row, now)) is not None:
            return Compared(waits=Waits(**who, why=f"{name} {why}"))
    states = [row.connection.state if row is not None else "none" for row in (live, shadow)]
    if states[0] != states[1]:
        return Compared(turned=Turned(**who, live=states[0], shadow=states[1]))
    mine, theirs = _events(live, now), _events(shadow, now)
    found = (
        _difference((known.agency_id, known.user_id), key, mine.get(key, []), theirs.get(key, []))
        for key in sorted({*mine, *theirs})
    )
    return Compared(tuple(_with_unseen(one, live, shadow, now) for one in found if one is not None))


def _under_way(row: UserRow, now: datetime) -> str | None:
    """Return what this group has still to do for the user, None if nothing."""
    connection = row.connection
    problem = connection.problem
    if problem is not None and problem.state == "paused" and blocked_until(connection, now) is not None:
        return f"waits for Google ({problem.code})"
    status = row.status
    if status is not None and status.state == "syncing":
        return (
            f"has {status.pending} writes to make" if status.pending else "is to look at the calendar first"
        )
    if connection.state != "connected" and not connection.released:
        return "has still to end the connection"
    return None


def _events(row: UserRow | None, now: datetime) -> Events:
    found: Events = {}
    for event, applied in row.applied.items() if row is not None else ():
        if not is_history(applied.end, now):
            found.setdefault((applied.calendar_id, applied.shift_id), []).append((event, applied))
    return found


def _difference(
    who: tuple[str, str],
    key: tuple[str, str],
    live: list[tuple[str, Applied]],
    shadow: list[tuple[str, Applied]],
) -> Difference | None:
    mine, theirs = _stands(live), _stands(shadow)
    if mine is not None and theirs is not None:
        if mine.fingerprint == theirs.fingerprint:
            return None
        kind: Literal["missing", "extra", "different"] = "different"
    else:
        kind = "extra" if mine is None else "missing"
    calendar_id, shift_id = key
    return Difference(
        agency_id=who[0],
        user_id=who[1],
        calendar_id=calendar_id,
        shift_id=shift_id,
        kind=kind,
        write=_WRITES[kind],
        live=mine,
        shadow=theirs,
    )


def _stands(events: list[tuple[str, Applied]]) -> Stands | None:
    """Return the event that counts: where two generations of an id stand, the older one."""
    if not events:
        return None
    event, applied = min(events, key=lambda one: one[1].generation)
    return Stands(google_event_id=event, version=applied.version, fingerprint=applied.fingerprint)


def _with_unseen(one: Difference, live: UserRow | None, shadow: UserRow | None, now: datetime) -> Difference:
    why = next(_unseen(one, live, shadow, now), None)
    return one if why is None else one.model_copy(update={"unseen": why})


def _unseen(one: Difference, live: UserRow | None, shadow: UserRow | None, now: datetime) -> Iterator[str]:
    """Yield what the live group knows of this event and a shadow cannot."""
    if live is None or shadow is None:
        return
    key = shift_key(one.calendar_id, one.shift_id)
    problem = live.connection.problem
    if problem is not None and blocked_until(live.connection, now) is not None:
        yield f"the live group writes nothing for this user ({problem.code})"
    if key in live.drift:
        yield f"somebody {live.drift[key].kind} the event by hand, and it is let be"
    if key in live.refused or (one.live is not None and one.live.google_event_id in live.refused):
        yield "Google refused the live group's write"
    if one.kind == "different" and live.preferred_at != shadow.preferred_at:
        yield "the user has chosen how events look since the shadow began"
    if one.kind == "extra" and not _wishes(shadow, one) and _released(one, live) != _released(one, shadow):
        yield "an operator has released the removal since the shadow began"


def _wishes(row: UserRow, one: Difference) -> bool:
    wish = row.calendars.get(one.calendar_id)
    return wish is not None and one.shift_id in wish.wishes


def _released(one: Difference, row: UserRow) -> tuple[object, ...]:
    """Return what an operator has let go of this user, as far as this calendar is concerned."""
    wish = row.calendars.get(one.calendar_id)
    withdrawal = wish.withdrawal if wish is not None else None
    return (
        frozenset(row.releases),
        wish is not None and wish.let_go,
        withdrawal is not None and withdrawal.released,
    )
