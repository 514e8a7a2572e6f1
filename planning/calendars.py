"""Fold one fact about a calendar: which rows change, and which users are told their whole contribution.

Comes in: a `CalendarFact` and a reader of rows. Goes out: a `Folded` calendar: rows to store and contributions to send.
One change reads and writes one assignment and one or two rosters, whatever the size of the calendar; a publication
goes through the members. A member is whoever has a roster, an empty one too. Thousands of either make it long: it is decided
in steps.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, Protocol

from planning.contribution import Occasion, Touch, contribution, taken_off, with_count
from planning.publication import fold_publication, fold_released
from planning.shifts import Verdict, fold_change, with_shift, without_forgotten, without_shift
from schemas.rows import AssignmentRow, PublicationRow, RosterRow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from planning.steps import Steps
    from schemas.cause import Cause
    from schemas.facts import CalendarReleased, Contribution, PublicationChanged, ShiftsChanged


class Rows(Protocol):
    """The rows of one calendar. None: there is no such row yet."""

    def publication(self) -> PublicationRow | None:
        """Return the calendar's publication."""
        ...

    def assignment(self, shift_id: str) -> AssignmentRow | None:
        """Return the winning change of a shift."""
        ...

    def roster(self, user_id: str) -> RosterRow | None:
        """Return the user's shifts in this calendar."""
        ...

    def members(self) -> Iterable[str]:
        """Walk over everybody who has a roster here."""
        ...


class Folded(NamedTuple):
    """Rows to store, by shift and by user; contributions to send; which messages said something else of a known version."""

    assignments: dict[str, AssignmentRow]
    rosters: dict[str, RosterRow]
    publication: PublicationRow | None
    contributions: tuple[Contribution, ...]
    conflicts: tuple[Cause, ...] = ()


def fold_shifts(fact: ShiftsChanged, revision: int, rows: Rows, now: datetime) -> Steps[Folded]:
    """Return what the changes of one fact do; `revision` is its offset."""
    desk = _Desk(rows)
    touched: dict[str, dict[str, Touch]] = defaultdict(dict)
    conflicts: list[Cause] = []
    for change, cause in ((change, said.cause) for said in fact.messages for change in said.changes):
        verdict = fold_change(desk.assignment(change.shift_id), change)
        if verdict.conflict:
            conflicts.append(cause)
        desk.apply(change.shift_id, verdict)
        for user in verdict.affected:
            known = touched[user].get(change.shift_id)
            if known is None or change.version >= known.version:
                touched[user][change.shift_id] = Touch(change.version, cause)
        yield
    publication = rows.publication() or PublicationRow()
    occasion = Occasion(fact.agency_id, fact.calendar_id, revision, fact.messages[-1].cause)
    told: list[Contribution] = []
    changed: dict[str, RosterRow] = {}
    for user, touches in touched.items():
        roster = without_forgotten(desk.roster(user), now)
        told.append(contribution(occasion, user, publication, roster, touches))
        if roster is not rows.roster(user):
            changed[user] = roster
        yield
    return Folded(desk.assignments, changed, None, tuple(told), tuple(conflicts))


def fold_standing(fact: PublicationChanged, revision: int, rows: Rows, now: datetime) -> Steps[Folded]:
    """Return what a publication message does: every member is told, whether or not it won."""
    before = rows.publication() or PublicationRow()
    verdict = fold_publication(before, fact)
    after = verdict.row or before
    occasion = Occasion(fact.agency_id, fact.calendar_id, revision, fact.cause)
    told: list[Contribution] = []
    count = 0
    for user in rows.members():
        roster = rows.roster(user) or RosterRow()
        told.append(contribution(occasion, user, after, roster, {}))
        count += taken_off(told[-1], roster, now)
        yield
    if (after.version, after.standing) == (before.version, before.standing):
        # A message that comes again finds fewer shifts, where some were deleted since: what is held stays held.
        count = max(count, before.taken_off)
    after = after if after.taken_off == count else after.model_copy(update={"taken_off": count})
    return Folded(
        {},
        {},
        None if after == before else after,
        tuple(with_count(one, count) for one in told),
        (fact.cause,) if verdict.conflict else (),
    )


def fold_release(fact: CalendarReleased, revision: int, rows: Rows) -> Steps[Folded]:
    """Return what a release does: every member is told, delivered again or not."""
    before = rows.publication() or PublicationRow()
    if before.cause is None:
        return Folded({}, {}, None, ())  # nobody has published anything yet, nor taken it off
    row = fold_released(before, fact)
    occasion = Occasion(fact.agency_id, fact.calendar_id, revision, before.cause)
    told: list[Contribution] = []
    for user in rows.members():
        told.append(contribution(occasion, user, row or before, rows.roster(user) or RosterRow(), {}))
        yield
    return Folded({}, {}, row, tuple(told))


class _Desk:
    """The rows of a calendar while one message is folded; nothing is stored before the whole message is."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.assignments: dict[str, AssignmentRow] = {}
        self.rosters: dict[str, RosterRow] = {}

    def assignment(self, shift_id: str) -> AssignmentRow | None:
        return self.assignments.get(shift_id) or self._rows.assignment(shift_id)

    def roster(self, user_id: str) -> RosterRow:
        return self.rosters.get(user_id) or self._rows.roster(user_id) or RosterRow()

    def apply(self, shift_id: str, verdict: Verdict) -> None:
        if verdict.row is not None:
            self.assignments[shift_id] = verdict.row
        for user in verdict.evict:
            if shift_id in (roster := self.roster(user)).shifts:
                self.rosters[user] = without_shift(roster, shift_id)
        if verdict.place is not None:
            user, wish = verdict.place
            self.rosters[user] = with_shift(self.roster(user), shift_id, wish)
