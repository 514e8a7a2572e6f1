"""Fold one fact about a user into the user's row, and say what the world should hear of it.

Comes in: the row (or none yet), a fact of `user-facts`, the agency's policy and `now`. Goes out: the row after it, the
results and the status. Folding a fact twice ends in the same row.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, assert_never, cast

from planning import breaker
from planning.agenda import outlook, pending
from planning.connection import fold_release, fold_resync, fold_trouble, fold_turn, fold_verify_due
from planning.contributed import contributed
from planning.drift import noted
from planning.identity import shift_key
from planning.inheriting import inherit
from planning.preferences import preferred
from planning.record import record
from planning.results import results
from planning.status import status
from planning.verify import fold_seen
from planning.window import without_forgotten
from schemas.facts import (
    CalendarSeen,
    CallsAnswered,
    Connected,
    Contribution,
    Deactivated,
    Disconnected,
    Inherited,
    PreferencesSet,
    ResyncAsked,
    TokenReleased,
    TroubleFound,
    UserFact,
    UserReleased,
    VerifyDue,
)
from schemas.rows import Connection, UserRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from schemas.mutations import Mutation
    from schemas.outputs import SyncResult, SyncStatus
    from schemas.policy import Policy


class Terms(NamedTuple):
    """What a fold depends on beside the row and the fact: the agency's policy, the clock, the resync cool-down.

    `unsure`: the shifts about which a call may have been made that no outcome tells of; None: perhaps any.
    """

    policy: Policy
    now: datetime
    cooldown: timedelta = timedelta(seconds=60)
    unsure: frozenset[str] | None = frozenset()


class Folded(NamedTuple):
    """The row after the fact, what became of changes, the status where the world may not have heard it yet.

    `held`: how many removals wait for an operator.
    """

    row: UserRow
    results: tuple[SyncResult, ...]
    status: SyncStatus | None
    held: int = 0


def fold(before: UserRow | None, fact: UserFact, terms: Terms) -> Folded:
    """Return what one fact does to one user."""
    row = before or UserRow(agency_id=fact.agency_id, user_id=fact.user_id)
    planned = _planned(row, terms) if isinstance(fact, Contribution | PreferencesSet) else frozenset()
    folded = _folded(row, fact, terms)
    # After a crash between a row and its status, facts come again on a row that knows them already, and may change it
    # there and back: only telling every time tells surely. Of somebody who never connected nothing changes by that.
    told = row.connection.state != "none" or folded == row
    row = breaker.without_ended(_without_forgotten(folded, terms.now))
    found = outlook(row, terms.policy, terms.now)
    row = _without_settled(_with_doubts(row, planned - _shifts(found.todo)), (*found.todo, *found.held))
    now_is = status(row, found, terms.now)
    changed = row.status is None or row.status != now_is
    return Folded(
        _with(row, status=now_is) if changed else row,
        results(fact) if isinstance(fact, CallsAnswered) else (),
        now_is if changed or told else None,
        len(found.held),
    )


def fold_all(before: UserRow | None, facts: Iterable[UserFact], terms: Terms) -> Folded:
    """Return what several facts do, in their order; of the statuses in between only the last is worth telling."""
    row, telling, told, held = before, list["SyncResult"](), False, 0
    for fact in _with_reports_joined(facts):
        folded = fold(row, fact, terms)
        row = folded.row
        telling += folded.results
        told, held = told or folded.status is not None, folded.held
    if row is None:
        raise ValueError("there is nothing to fold")
    return Folded(row, tuple(telling), row.status if told else None, held)


def _with_reports_joined(facts: Iterable[UserFact]) -> Iterator[UserFact]:
    """Yield the facts, reports that follow upon each other as one: nobody is planned anew for each."""
    for are_reports, some in groupby(facts, lambda fact: isinstance(fact, CallsAnswered)):
        if are_reports:
            reports = cast("list[CallsAnswered]", list(some))
            outcomes = tuple(outcome for report in reports for outcome in report.outcomes)
            yield reports[0].model_copy(update={"outcomes": outcomes})
        else:
            yield from some


def _folded(row: UserRow, fact: UserFact, terms: Terms) -> UserRow:
    connection = row.connection
    match fact:
        case Contribution():
            return contributed(row, fact, terms.policy, terms.now)
        case Connected() | Disconnected() | Deactivated():
            turned = fold_turn(connection, fact)
            ended = {
                "connection": turned,
                "open": {},
                "refused": {},
                "doubts": (),
                "drift": {},
                "let_go": False,
            }
            return row if turned is connection else _with(row, **ended)
        case ResyncAsked() | VerifyDue() | TroubleFound() | TokenReleased():
            after = _connection(connection, fact, terms)
            return row if after is connection else _with(row, connection=after)
        case UserReleased():
            return breaker.let_go(row, fact, terms.policy)
        case PreferencesSet():
            return preferred(row, fact)
        case CalendarSeen():
            return _seen(row, fact, terms)
        case Inherited():
            return inherit(row, fact)
        case CallsAnswered(outcomes=outcomes):
            for outcome in outcomes:
                row = record(row, outcome)
            told = {shift_key(o.calendar_id, o.shift_id) for o in outcomes}
            return _with(row, doubts=tuple(d for d in row.doubts if d not in told)) if row.doubts else row
        case _:
            assert_never(fact)


def _connection(
    connection: Connection, fact: ResyncAsked | VerifyDue | TroubleFound | TokenReleased, terms: Terms
) -> Connection:
    match fact:
        case ResyncAsked():
            return fold_resync(connection, fact, terms.cooldown)
        case VerifyDue():
            return fold_verify_due(connection, fact)
        case TroubleFound():
            return fold_trouble(connection, fact)
        case TokenReleased():
            return fold_release(connection, fact)


def _seen(row: UserRow, fact: CalendarSeen, terms: Terms) -> UserRow:
    """Fold a look. Of a shift of which a write was under way or due, nobody can say what was done by hand."""
    ours = _shifts(pending(row, terms.policy, terms.now)).union(row.open, row.doubts)
    after = breaker.looked_at(row, fold_seen(row, fact), terms.now)
    return _with(after, drift=noted(row, after, terms.policy, ours))


def _planned(row: UserRow, terms: Terms) -> frozenset[str]:
    """Return the shifts of which a write was planned and may have been made, though nobody has told what came of it."""
    connection = row.connection
    if connection.state != "connected" or connection.verify is not None:
        return frozenset()  # nothing is written, or a look is to come that sees whatever was
    planned = _shifts(pending(row, terms.policy, terms.now))
    # A lane that waits for a problem to pass has ended, and forgotten what it was unsure of.
    return planned if terms.unsure is None or connection.problem is not None else planned & terms.unsure


def _with_doubts(row: UserRow, overtaken: frozenset[str]) -> UserRow:
    """Note that nobody would ever find out what became of these writes: the wish has changed, and no write is planned."""
    if overtaken.issubset(row.doubts):
        return row
    return _with(row, doubts=tuple(sorted(overtaken.union(row.doubts))))


def _shifts(mutations: Sequence[Mutation]) -> frozenset[str]:
    return frozenset(shift_key(m.calendar_id, m.shift_id) for m in mutations)


def _without_settled(row: UserRow, waiting: Sequence[Mutation]) -> UserRow:
    """Forget the causes of differences that are none any more, and that of a look once all it found is repaired."""
    if row.connection.state != "connected":
        return _with(row, open={}) if row.open else row
    if row.connection.verify is not None:
        return row
    still = _shifts(waiting).union(row.doubts)
    if not still.issuperset(row.open):
        row = _with(row, open={key: o for key, o in row.open.items() if key in still})
    if not still and row.connection.default_cause is not None:
        row = _with(row, connection=row.connection.model_copy(update={"default_cause": None}))
    return row


def _without_forgotten(row: UserRow, now: datetime) -> UserRow:
    """Drop what ended more than 31 days ago; an empty contribution stays, as the proof that one was received."""
    changes: dict[str, Any] = {}
    kept = {calendar: without_forgotten(wish.wishes, now) for calendar, wish in row.calendars.items()}
    if any(kept[calendar] is not wish.wishes for calendar, wish in row.calendars.items()):
        changes["calendars"] = {
            calendar: wish.model_copy(update={"wishes": kept[calendar]})
            for calendar, wish in row.calendars.items()
        }
    for name in ("applied", "burnt", "refused", "drift"):
        known = getattr(row, name)
        if (still := without_forgotten(known, now)) is not known:
            changes[name] = still
    return _with(row, **changes) if changes else row


def _with(row: UserRow, **changes: Any) -> UserRow:
    return row.model_copy(update=changes)
