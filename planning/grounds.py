"""The sentences of `planning.explain` about the shift itself: what makes it wanted, and what keeps it off a calendar.

Comes in: what the sentence names. Goes out: a `Reason`. No decision is made here; none holds a title, a place or a note.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from planning.window import HISTORY, local_day
from schemas.explanations import Message, Reason

if TYPE_CHECKING:
    from schemas.cause import Cause
    from schemas.explanations import Code, Evidence
    from schemas.facts import Wish
    from schemas.policy import Policy
    from schemas.rows import AssignmentRow, Connection, PublicationRow

_TURNS: dict[str, Code] = {
    "none": "not_connected",
    "disconnected": "stopped",
    "deactivated": "deactivated",
    "connected": "connected",
}


def spelled(moment: date) -> str:
    """Spell a time in UTC, or a day."""
    if isinstance(moment, datetime):
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return moment.isoformat()


def message_of(cause: Cause | None, version: int | None = None) -> Message | None:
    """Return where a cause stands, if there is one."""
    return None if cause is None else place_of(cause, version)


def place_of(cause: Cause, version: int | None = None) -> Message:
    """Return where a cause stands."""
    return Message(
        topic=cause.topic,
        partition=cause.partition,
        offset=cause.offset,
        version=version,
        event_id=cause.event_id,
        occurred_at=cause.occurred_at,
    )


# Whose it is, and whether it is at all


def never_heard_of(known: Evidence) -> Reason:
    """Nobody ever spoke of it."""
    if known.calendar_id is None:
        sentence = (
            f"No calendar of agency {known.agency_id} ever told of a shift {known.shift_id}: check both ids."
        )
    else:
        sentence = f"Calendar {known.calendar_id} of agency {known.agency_id} never told of a shift {known.shift_id}."
    return Reason(code="never_heard_of", sentence=sentence)


def deleted(version: int, message: Message | None) -> Reason:
    """It was deleted upstream."""
    return Reason(code="deleted", sentence=f"It was deleted: version {version} is a delete.", message=message)


def open_shift(version: int, message: Message | None) -> Reason:
    """It is nobody's."""
    sentence = f"It is an open shift: version {version} assigns it to nobody."
    return Reason(code="open_shift", sentence=sentence, message=message)


def another_users(assignment: AssignmentRow, user_id: str, message: Message | None) -> Reason:
    """It is somebody else's."""
    sentence = f"It is another user's: version {assignment.version} assigns it to {assignment.user_id}" + (
        f"; it was {user_id}'s before."
        if user_id in assignment.holders
        else f", and it never was {user_id}'s."
    )
    return Reason(code="another_users", sentence=sentence, message=message)


def assigned(assignment: AssignmentRow, message: Message | None) -> Reason:
    """It is this user's."""
    sentence = f"It is this user's: version {assignment.version} assigns it to {assignment.user_id}."
    return Reason(code="assigned", sentence=sentence, message=message)


# Rules about the shift


def kind_not_synced(wish: Wish, policy: Policy, message: Message | None) -> Reason:
    """Its kind stays off calendars."""
    kinds = ", ".join(sorted(policy.synced_kinds)) or "none"
    sentence = f"Its kind, {wish.kind}, is not synced: the agency's policy synced_kinds has {kinds}."
    return Reason(code="kind_not_synced", sentence=sentence, message=message)


def too_old(wish: Wish | None, message: Message | None) -> Reason:
    """It is history."""
    ended = "more than 31 days ago" if wish is None else f"on {spelled(wish.end)}"
    sentence = f"It is history: it ended {ended}, and what ended {HISTORY.days} days ago is left as it is."
    return Reason(code="too_old", sentence=sentence, message=message)


def never_published() -> Reason:
    """Its calendar is new."""
    return Reason(code="never_published", sentence="Its calendar was never published.")


def not_published(publication: PublicationRow, wish: Wish) -> Reason:
    """Its calendar is not published, or not on its day."""
    version, day = publication.version, local_day(wish)
    message = message_of(publication.cause, version)
    if publication.standing == "unpublished":
        sentence = f"Its calendar was un-published, by version {version}."
        return Reason(code="unpublished", sentence=sentence, message=message)
    since, through = publication.published_from, publication.published_through
    if publication.standing == "rolled_back" and (through is None or day > through):
        sentence = f"Its calendar was rolled back, by version {version}: " + (
            "no day is published any more."
            if through is None
            else f"it is published through {through} only, and the shift starts on {_day(wish)}."
        )
        return Reason(code="rolled_back", sentence=sentence, message=message)
    if since is not None and day < since:
        sentence = (
            f"It starts on {_day(wish)}; its calendar is published from {since} on, by version {version}."
        )
        return Reason(code="before_published_days", sentence=sentence, message=message)
    sentence = (
        f"It starts on {_day(wish)}; its calendar is published through {through} only, by version {version}."
    )
    return Reason(code="after_published_days", sentence=sentence, message=message)


def published(publication: PublicationRow, wish: Wish) -> Reason:
    """Its calendar is published on its day."""
    since = f"from {publication.published_from} " if publication.published_from else ""
    sentence = (
        f"Its calendar is published {since}through {publication.published_through}, by version {publication.version};"
        f" the shift starts on {_day(wish)}."
    )
    return Reason(
        code="published", sentence=sentence, message=message_of(publication.cause, publication.version)
    )


def _day(wish: Wish) -> str:
    return f"{local_day(wish)} ({wish.time_zone})" if wish.time_zone else f"{local_day(wish)}"


# The connection


def turn(connection: Connection, message: Message | None) -> Reason:
    """Where the user stands on the timeline of connects and ends."""
    at = spelled(connection.occurred_at) if connection.occurred_at else ""
    code: Code = "calendar_moved" if connection.reason == "calendar_moved" else _TURNS[connection.state]
    sentence = {
        "not_connected": "This user never connected a Google calendar.",
        "stopped": f"This user stopped the sync on {at}" + (", with a purge." if connection.purge else "."),
        "calendar_moved": "This user's Google calendar was connected by another user of the agency,"
        f" on {at}, and belongs to one user only.",
        "deactivated": f"This user was deactivated on {at}.",
        "connected": f"This user is connected, since {at}.",
    }[code]
    return Reason(code=code, sentence=sentence, message=message)
