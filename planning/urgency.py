"""Which waiting write goes first.

Comes in: a mutation, and the row that it was planned for. Goes out: an order, smaller first. The soonest shift goes
first, since that is the one whose user looks at the phone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from schemas.mutations import Mutation
    from schemas.rows import UserRow

#: A part of the quota is kept for shifts that begin within this time, or are under way.
SOON = timedelta(hours=24)


class Place(NamedTuple):
    """A place in a queue; `later` is false for what may use the part of the quota that is kept."""

    later: bool
    start: float


def urgency(mutation: Mutation) -> float:
    """Return the start of the shift as a POSIX timestamp, in seconds."""
    return mutation.start.timestamp()


def look_place(waiting: Iterable[Mutation], row: UserRow, now: datetime) -> Place:
    """Return where a look at Google stands: before all writes that are as soon as those that wait for it."""
    return Place(later=all(place(mutation, row, now).later for mutation in waiting), start=0.0)


def place(mutation: Mutation, row: UserRow, now: datetime) -> Place:
    """Return where the write stands: by the shift as it should be, or as it stands, if that is sooner.

    Who was to work tonight has to hear today that the shift went to next month.
    """
    shown = row.applied.get(mutation.event_id)
    times = [(mutation.start, mutation.end), *([(shown.start, shown.end)] if shown else [])]
    soon = any(start <= now + SOON and end > now for start, end in times)
    return Place(later=not soon, start=min(start for start, _ in times).timestamp())
