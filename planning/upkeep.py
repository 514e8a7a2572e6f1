"""What is done about a shift: whether its event stands as it should, and what stands in the way.

Comes in: a `Case`. Goes out: reasons. It is asked of `plan` what would be written, with the row as it is and, to name what
keeps a write from being planned, as it would be without that. Not here: whether the shift is wanted (`explain`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planning import progress
from planning.agenda import outlook
from planning.breaker import is_unheard
from planning.connection import blocked_until
from planning.drift import is_left
from planning.grounds import message_of
from planning.identity import shift_key
from planning.plan import frozen_calendars
from planning.shifts import content
from planning.window import is_history
from schemas.mutations import DeleteEvent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from planning.remembered import Outline
    from schemas.explanations import Evidence, Message, Reason
    from schemas.facts import Wish
    from schemas.policy import Policy
    from schemas.rows import Applied, Refusal, UserRow


class Case(NamedTuple):
    """One shift of one user: what is known, the row with it alone, and the events of it that Google is known to hold."""

    known: Evidence
    row: UserRow
    events: tuple[Applied, ...]
    policy: Policy
    now: datetime

    @property
    def key(self) -> str:
        """The key of the shift in the user's row."""
        return shift_key(self.known.calendar_id or "", self.known.shift_id)

    def outlook(self, row: UserRow | None = None) -> Outline:
        """Return what would be written of it."""
        return outlook(row or self.row, self.policy, self.now)


def case(known: Evidence, row: UserRow, policy: Policy, now: datetime) -> Case:
    """Return the case of the shift that the evidence is about."""
    alone = only(row, known.calendar_id or "", known.shift_id)
    events = sorted(alone.applied.values(), key=lambda applied: applied.generation)
    return Case(known, alone, tuple(events), policy, now)


def only(row: UserRow, calendar_id: str, shift_id: str) -> UserRow:
    """Return the row as if there were this shift alone: its plan is the part of the row's plan that is about it."""
    named = (calendar_id, shift_id)
    calendars = {
        c: wish.model_copy(update={"wishes": {s: w for s, w in wish.wishes.items() if (c, s) == named}})
        for c, wish in row.calendars.items()
    }
    applied = {event: a for event, a in row.applied.items() if (a.calendar_id, a.shift_id) == named}
    return row.model_copy(update={"calendars": calendars, "applied": applied})


def of_wanted(at: Case, wish: Wish) -> Iterator[Reason]:
    """Say whether what is wanted stands there as it should, or what it waits for."""
    mine = at.row.calendars.get(at.known.calendar_id or "")
    told = mine.wishes.get(at.known.shift_id) if mine is not None else None
    todo = at.outlook()
    if told is None or content(told) != content(wish):
        yield progress.on_its_way(at.known.changed)
    elif todo.todo:
        yield from _waits(at, todo)
    elif not at.outlook(at.row.model_copy(update={"drift": {}, "refused": {}})).todo:
        yield progress.there(at.known, at.events[0])
        yield from _in_the_way(at)
    elif is_left(note := at.row.drift.get(at.key), at.policy, stands=bool(at.events)) and note is not None:
        yield progress.drift(note, at.policy)
    else:
        yield progress.refused(at.row.refused[at.key].error, _refused_for(at.known))


def of_unwanted(at: Case) -> Iterator[Reason]:
    """Say why an event that does not belong there stands there; nothing where none does."""
    todo = at.outlook()
    if any(not isinstance(mutation, DeleteEvent) for mutation in todo.todo):
        yield progress.on_its_way(
            at.known.changed
        )  # the row has not heard yet that it is not wanted any more
        return
    yield from (progress.history(one.end) for one in at.events if is_history(one.end, at.now))
    if not all(is_history(one.end, at.now) for one in at.events):
        yield from _still_there(at, todo)


def _still_there(at: Case, todo: Outline) -> Iterator[Reason]:
    if todo.todo:
        yield from _waits(at, todo)
    elif refusal := _refused_removal(at):
        yield progress.removal_refused(refusal.error)
    elif at.row.connection.state != "connected":
        yield progress.left_behind()
    elif at.known.calendar_id in frozen_calendars(at.row, at.policy):
        yield progress.kept(at.known.publication)
    elif todo.held:
        yield progress.unheard(at.known) if is_unheard(at.row) else progress.held(at.known)
    else:
        yield progress.on_its_way(at.known.changed)


def _refused_removal(at: Case) -> Refusal | None:
    return next((at.row.refused[event] for event in at.row.applied if event in at.row.refused), None)


def _waits(at: Case, todo: Outline) -> Iterator[Reason]:
    """Say what is to be written, and what that waits for."""
    yield from (progress.to_write(mutation) for mutation in todo.todo)
    yield from _in_the_way(at)


def _in_the_way(at: Case) -> Iterator[Reason]:
    connection = at.row.connection
    if connection.problem is not None and blocked_until(connection, at.now) is not None:
        yield progress.problem(connection.problem, at.known.turned)
    elif connection.verify is not None:
        yield progress.look_first(message_of(connection.verify.cause))
    elif at.row.doubts and connection.state == "connected":
        yield progress.look_first(None)


def _refused_for(known: Evidence) -> Message | None:
    told = known.result is not None and known.result.action == "refused"
    return progress.behind_result(known) if told else known.changed
