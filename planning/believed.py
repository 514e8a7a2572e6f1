"""What a look would show if nobody but us ever wrote: for a shadow, which asks Google nothing.

Comes in: a user's row, the Google calendar, the ticket of a look and `now`. Goes out: `CalendarSeen`, as a look at Google
tells it. A shadow's own writes stand nowhere but in its rows, and the live group's calendar does not show them; so it is
the row that is looked at, and a person's edits are not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.window import listed_from
from schemas.facts import CalendarSeen
from schemas.outcomes import Observed

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.rows import Applied, UserRow


def believed(row: UserRow, target: str, ticket: str, now: datetime) -> CalendarSeen:
    """Return what is believed to stand there: nothing in a calendar that was never written."""
    moved = row.connection.target not in {None, target}
    return CalendarSeen(
        agency_id=row.agency_id,
        user_id=row.user_id,
        verify=ticket,
        target=target,
        at=now,
        window_start=listed_from(now),
        observed=() if moved else tuple(_observed(event, a) for event, a in row.applied.items()),
        strips_properties=row.connection.strips_properties and not moved,
    )


def _observed(event: str, applied: Applied) -> Observed:
    return Observed(
        event_id=event,
        calendar_id=applied.calendar_id,
        shift_id=applied.shift_id,
        generation=applied.generation,
        etag=applied.etag,
        fingerprint=applied.echo,
        version=applied.version,
        start=applied.start,
        end=applied.end,
        tagged=applied.seen,
    )
