"""What one calendar wants of one user: always the whole of it, never a delta.

Comes in: a publication, a roster and the cause. Goes out: a `Contribution` with its revision. Policies do not count
here: kinds, `keep` and templates are decided in `plan`, where a changed policy takes effect on everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planning.publication import withdraws
from planning.window import is_history, local_day
from schemas.facts import Contribution, Published, Wish, Withdrawal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

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
        withdrawal=_withdrawal(publication, roster),
        published=_published(publication),
    )


def with_count(told: Contribution, in_all: int) -> Contribution:
    """Return the contribution once it is known how many shifts the publication takes off in all."""
    if told.withdrawal is None:
        return told
    return told.model_copy(update={"withdrawal": told.withdrawal.model_copy(update={"in_all": in_all})})


def taken_off(told: Contribution, roster: RosterRow, now: datetime) -> int:
    """Count the user's shifts that the publication takes off, but for history, which nobody takes off."""
    shifts = told.withdrawal.shifts if told.withdrawal is not None else ()
    return sum(not is_history(roster.shifts[shift].end, now) for shift in shifts)


def is_published(publication: PublicationRow, wish: Wish) -> bool:
    """Say whether the calendar is published on the local day on which the shift starts."""
    if publication.published_through is None:
        return False
    return _lies_in(local_day(wish), publication.published_from, publication.published_through)


def _published(publication: PublicationRow) -> Published | None:
    if publication.version is None or publication.cause is None:
        return None
    return Published(version=publication.version, at=publication.cause.occurred_at)


def _withdrawal(publication: PublicationRow, roster: RosterRow) -> Withdrawal | None:
    if publication.version is None or not withdraws(publication):
        return None
    return Withdrawal(
        version=publication.version,
        in_all=publication.taken_off,
        shifts=_withdrawn(publication, roster),
        released=publication.released,
    )


def _withdrawn(publication: PublicationRow, roster: RosterRow) -> tuple[str, ...]:
    """Return the shifts that some message published, and this one does not any more."""
    return tuple(
        shift
        for shift, wish in roster.shifts.items()
        if not is_published(publication, wish)
        and any(_lies_in(local_day(wish), days.since, days.through) for days in publication.ever)
    )


def _lies_in(day: date, since: date | None, through: date) -> bool:
    return day <= through and (since is None or day >= since)
