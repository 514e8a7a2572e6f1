"""Why a shift is on a user's calendar, or is not.

Comes in: the evidence, the agency's policy and `now`. Goes out: an `Explanation`. What keeps a shift off is told whole, not
only the first of it: who mends one thing should know of the next. Not here: what is done about it (`upkeep`), the words
(`grounds`, `progress`), and where evidence comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning import grounds, progress, upkeep
from planning.agenda import outlook
from planning.contribution import is_published
from planning.window import is_forgotten, is_history
from schemas.explanations import Explanation
from schemas.rows import UserRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from planning.upkeep import Case
    from schemas.explanations import Evidence, Reason
    from schemas.facts import Wish
    from schemas.policy import Policy

#: Something is left to be done, to be known or to be decided.
_OPEN = frozenset(
    {
        "to_insert",
        "to_patch",
        "to_delete",
        "look_first",
        "unread",
        "on_its_way",
        "needs_reauthorization",
        "cannot_write",
        "paused",
        "refused",
        "removal_refused",
        "held",
        "unheard",
        "drift_deleted",
        "drift_altered",
        "unreadable",
    }
)
_WRITES = frozenset({"to_insert", "to_patch", "to_delete"})

#: Nothing is written before these have passed.
_IN_THE_WAY = frozenset(
    {
        "needs_reauthorization",
        "cannot_write",
        "paused",
        "look_first",
        "no_worker",
        "rebuilding",
        "behind",
    }
)
_WAITS = frozenset({"to_insert", "to_patch", "to_delete", "on_its_way", "look_first", "unread"})


def explain(known: Evidence, policy: Policy, now: datetime) -> Explanation:
    """Return whether the shift is on the calendar, and why."""
    row = known.row or UserRow(agency_id=known.agency_id, user_id=known.user_id)
    at = upkeep.case(known, row, policy, now)
    off = tuple(_off(at))
    found = (*off, *upkeep.of_unwanted(at)) if off else tuple(_wanted(at))
    found += (*_news(known),)
    found += (*_workers(known, found),)
    found += (*_turn(at, row, found),)
    on_calendar = bool(at.events) or (None if _is_forgotten(at) else False)
    return Explanation(
        agency_id=known.agency_id,
        user_id=known.user_id,
        shift_id=known.shift_id,
        calendar_id=known.calendar_id,
        on_calendar=on_calendar,
        in_step=not any(reason.code in _OPEN for reason in found),
        sentence=_sentence(known, on_calendar=on_calendar),
        wish=_theirs(known),
        reasons=found,
    )


def _sentence(known: Evidence, *, on_calendar: bool | None) -> str:
    shift = f"Shift {known.shift_id}" + (
        "" if known.calendar_id is None else f" of calendar {known.calendar_id}"
    )
    where = f"on the Google calendar of {known.agency_id}/{known.user_id}"
    if on_calendar is None:
        return f"{shift} ended so long ago that it is not known any more whether it is {where}."
    return f"{shift} is {where}." if on_calendar else f"{shift} is not {where}."


def _is_forgotten(at: Case) -> bool:
    """Say whether the row would not know of its event any more: what ended more than 31 days ago is dropped."""
    assignment, wish = at.known.assignment, _theirs(at.known)
    if assignment is None or not assignment.digest or assignment.user_id != at.known.user_id:
        return False
    return wish is None or is_forgotten(wish.end, at.now)


def _theirs(known: Evidence) -> Wish | None:
    """Return the shift as its calendar has it, where it is this user's."""
    assignment = known.assignment
    return known.wish if assignment is not None and assignment.user_id == known.user_id else None


def _off(at: Case) -> Iterator[Reason]:
    """Walk over the rules by which it does not belong on the calendar; none where it does."""
    known, wish = at.known, _theirs(at.known)
    yield from _whose(known)
    if wish is not None:
        yield from _ruled_out(at, wish)
    elif known.assignment is not None and known.assignment.user_id == known.user_id:
        yield grounds.too_old(None, known.changed)
    if at.row.connection.state != "connected":
        yield grounds.turn(at.row.connection, known.turned)


def _whose(known: Evidence) -> Iterator[Reason]:
    assignment = known.assignment
    if assignment is None:
        yield grounds.never_heard_of(known)
    elif not assignment.digest:
        yield grounds.deleted(assignment.version, known.changed)
    elif assignment.user_id is None:
        yield grounds.open_shift(assignment.version, known.changed)
    elif assignment.user_id != known.user_id:
        yield grounds.another_users(assignment, known.user_id, known.changed)


def _ruled_out(at: Case, wish: Wish) -> Iterator[Reason]:
    publication = at.known.publication
    if wish.kind not in at.policy.synced_kinds:
        yield grounds.kind_not_synced(wish, at.policy, at.known.changed)
    if publication is None or publication.version is None:
        yield grounds.never_published()
    elif not is_published(publication, wish):
        yield grounds.not_published(publication, wish)
    if is_history(wish.end, at.now):
        yield grounds.too_old(wish, at.known.changed)


def _wanted(at: Case) -> Iterator[Reason]:
    """Say what becomes of it, and then why it is wanted."""
    wish, assignment, publication = at.known.wish, at.known.assignment, at.known.publication
    if wish is None or assignment is None or publication is None:
        raise ValueError("a shift that is wanted is known in every table")
    yield from upkeep.of_wanted(at, wish)
    yield grounds.assigned(assignment, at.known.changed)
    yield grounds.published(publication, wish)
    yield grounds.turn(at.row.connection, at.known.turned)


def _news(known: Evidence) -> Iterator[Reason]:
    """Say what is not known everywhere yet, or to nobody."""
    yield from (progress.unread(one) for one in known.unread)
    yield from (progress.unreadable(one) for one in known.unreadable)


def _workers(known: Evidence, found: tuple[Reason, ...]) -> Iterator[Reason]:
    """Say of the workers what keeps things waiting."""
    flow, waits = known.flow, any(reason.code in _WAITS for reason in found)
    lag = flow.inputs + flow.calendar_facts + flow.user_facts
    if flow.workers == 0 and (waits or lag):
        yield progress.no_worker()
    if not flow.rebuilt and waits:
        yield progress.rebuilding()
    if lag:
        yield progress.behind(flow)


def _turn(at: Case, row: UserRow, found: tuple[Reason, ...]) -> Iterator[Reason]:
    """Say of a write that nothing keeps back how many go first."""
    codes = {reason.code for reason in found}
    if not codes & _WRITES or codes & _IN_THE_WAY:
        return
    mine = at.outlook().todo[0]
    others = outlook(row, at.policy, at.now).todo
    yield progress.its_turn(sum((m.start, m.event_id) < (mine.start, mine.event_id) for m in others))
