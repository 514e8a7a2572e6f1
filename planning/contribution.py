"""What one calendar wants of one user: always the whole of it, never a delta.

Comes in: a publication, a roster and the cause. Goes out: a `Contribution` with its revision. Policies do not count
here: kinds, `keep` and templates are decided in `plan`, where a changed policy takes effect on everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planning.window import local_day
from schemas.facts import Contribution, Wish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.cause import Cause
    from schemas.rows import PublicationRow, RosterRow


class Occasion(NamedTuple):
    """The record of `calendar-facts` that gave rise to contributions: its offset, and its newest message."""

    agency_id: str
    calendar_id: str
    revision: int
    cause: Cause


class Touch(NamedTuple):
    """What a message set of one shift: its version."""

    version: int
    cause: Cause


def contribution(
    occasion: Occasion,
    user_id: str,
    publication: PublicationRow,
    roster: RosterRow,
    touched: Mapping[str, Touch],
) -> Contribution:
    """Return the whole contribution of the calendar to the user; `touched`: what the occasion says of their shifts."""
    return Contribution(
        agency_id=occasion.agency_id,
        user_id=user_id,
        calendar_id=occasion.calendar_id,
        revision=occasion.revision,
        standing=publication.standing,
        wishes={shift: wish for shift, wish in roster.shifts.items() if is_published(publication, wish)},
        touched={shift: touch.version for shift, touch in touched.items() if shift not in roster.shifts},
        cause=occasion.cause,
        causes={shift: touch.cause for shift, touch in touched.items() if touch.cause != occasion.cause},
    )


def is_published(publication: PublicationRow, wish: Wish) -> bool:
    """Say whether the calendar is published on the local day on which the shift starts."""
    if publication.published_through is None:
        return False
    day = local_day(wish)
    return day <= publication.published_through and (
        publication.published_from is None or day >= publication.published_from
    )
