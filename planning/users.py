"""Fold one fact about a user into the user's row, and say what the world should hear of it.

Comes in: the row (or none yet), a fact of `user-facts`, the agency's policy and `now`. Goes out: the row after it, the
results and the status. Folding a fact twice ends in the same row; results come from the fact alone, so that a fact
delivered again after a crash tells them again rather than never.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, assert_never

from planning.agenda import pending
from planning.connection import fold_release, fold_resync, fold_trouble, fold_turn, fold_verify_due
from planning.identity import shift_key
from planning.record import record
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
    ResyncAsked,
    TokenReleased,
    TroubleFound,
    UserFact,
    VerifyDue,
)
from schemas.outcomes import Outcome, Refused, Removed, Stored
from schemas.outputs import Action, CausedBy, SyncResult
from schemas.rows import CalendarWish, Connection, Open, UserRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schemas.mutations import Mutation
    from schemas.outputs import SyncStatus
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
    """The row after the fact, what became of changes, and the status where the world may not have heard it yet."""

    row: UserRow
    results: tuple[SyncResult, ...]
    status: SyncStatus | None


def fold(before: UserRow | None, fact: UserFact, terms: Terms) -> Folded:
    """Return what one fact does to one user."""
    row = before or UserRow(agency_id=fact.agency_id, user_id=fact.user_id)
    planned = _planned(row, terms) if isinstance(fact, Contribution) else frozenset()
    folded = _folded(row, fact, terms)
    # After a crash between a row and its status, facts come again on a row that knows them already, and may change it
    # there and back: only telling every time tells surely. Of somebody who never connected nothing changes by that.
    told = row.connection.state != "none" or folded == row
    row = _without_forgotten(folded, terms.now)
    waiting = pending(row, terms.policy, terms.now)
    row = _without_settled(_with_doubts(row, planned - _shifts(waiting)), waiting)
    now_is = status(row, waiting, terms.now)
    changed = row.status is None or row.status != now_is
    results = (
        tuple(_result(row, o) for o in fact.outcomes if _told(o)) if isinstance(fact, CallsAnswered) else ()
    )
    return Folded(_with(row, status=now_is) if changed else row, results, now_is if changed or told else None)


def fold_all(before: UserRow | None, facts: Iterable[UserFact], terms: Terms) -> Folded:
    """Return what several facts do, in their order; of the statuses in between only the last is worth telling."""
    row, results, told = before, list[SyncResult](), False
    for fact in facts:
        folded = fold(row, fact, terms)
        row = folded.row
        results += folded.results
        told = told or folded.status is not None
    if row is None:
        raise ValueError("there is nothing to fold")
    return Folded(row, tuple(results), row.status if told else None)


def _folded(row: UserRow, fact: UserFact, terms: Terms) -> UserRow:
    connection = row.connection
    match fact:
        case Contribution():
            return _contributed(row, fact)
        case Connected() | Disconnected() | Deactivated():
            turned = fold_turn(connection, fact)
            ended = {"connection": turned, "open": {}, "refused": {}, "doubts": ()}
            return row if turned is connection else _with(row, **ended)
        case ResyncAsked():
            return _connection(row, fold_resync(connection, fact, terms.cooldown))
        case VerifyDue():
            return _connection(row, fold_verify_due(connection, fact))
        case TroubleFound():
            return _connection(row, fold_trouble(connection, fact))
        case TokenReleased():
            return _connection(row, fold_release(connection, fact))
        case CalendarSeen():
            return fold_seen(row, fact)
        case CallsAnswered(outcomes=outcomes):
            for outcome in outcomes:
                row = record(row, outcome)
            told = {shift_key(o.calendar_id, o.shift_id) for o in outcomes}
            return _with(row, doubts=tuple(d for d in row.doubts if d not in told)) if row.doubts else row
        case _:
            assert_never(fact)


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


def _contributed(row: UserRow, fact: Contribution) -> UserRow:
    """Take a contribution whole. A lower revision is older news; an equal one is taken again, for crashes."""
    before = row.calendars.get(fact.calendar_id)
    if before is not None and fact.revision < before.revision:
        return row
    after = CalendarWish(revision=fact.revision, standing=fact.standing, wishes=fact.wishes)
    opened, changed = dict(row.open), set[str]()
    known = before.wishes if before else {}
    for shift in known.keys() | after.wishes.keys():
        old, new = known.get(shift), after.wishes.get(shift)
        if old is None or new is None or old.digest != new.digest:
            version = new.version if new else fact.touched.get(shift, old.version if old else 0)
            cause = fact.causes.get(shift, fact.cause)
            opened[shift_key(fact.calendar_id, shift)] = Open(cause=cause, version=version)
            changed.add(shift)
    row = _with(row, calendars={**row.calendars, fact.calendar_id: after}, open=opened)
    return _retried(row, fact.calendar_id, changed) if row.refused else row


def _retried(row: UserRow, calendar_id: str, shifts: set[str]) -> UserRow:
    """Forget the refused removals of shifts whose wish changed: the next removal is another one."""
    applied = row.applied
    refused = {
        name: refusal
        for name, refusal in row.refused.items()
        if (a := applied.get(name)) is None or a.calendar_id != calendar_id or a.shift_id not in shifts
    }
    return row if len(refused) == len(row.refused) else _with(row, refused=refused)


def _without_forgotten(row: UserRow, now: datetime) -> UserRow:
    """Drop what ended more than 31 days ago; an empty contribution stays, as the proof that one was received."""
    changes: dict[str, Any] = {}
    kept = {calendar: without_forgotten(wish.wishes, now) for calendar, wish in row.calendars.items()}
    if any(kept[calendar] is not wish.wishes for calendar, wish in row.calendars.items()):
        changes["calendars"] = {
            calendar: wish.model_copy(update={"wishes": kept[calendar]})
            for calendar, wish in row.calendars.items()
        }
    for name in ("applied", "burnt", "refused"):
        known = getattr(row, name)
        if (still := without_forgotten(known, now)) is not known:
            changes[name] = still
    return _with(row, **changes) if changes else row


def _told(outcome: Outcome) -> bool:
    return not (isinstance(outcome, Removed) and outcome.left)


def _result(row: UserRow, outcome: Outcome) -> SyncResult:
    cause = outcome.cause
    done: Action
    error: str | None = None
    match outcome:
        case Stored(action=action):
            done = action
        case Removed():
            done = "deleted"
        case Refused(error=error):
            done = "refused"
    return SyncResult(
        agency_id=row.agency_id,
        user_id=row.user_id,
        calendar_id=outcome.calendar_id,
        shift_id=outcome.shift_id,
        version=outcome.version,
        action=done,
        google_event_id=outcome.event_id,
        at=outcome.at,
        caused_by=CausedBy(**{name: getattr(cause, name) for name in CausedBy.model_fields})
        if cause
        else None,
        latency_ms=round((outcome.at - cause.at).total_seconds() * 1000) if cause else None,
        error=error,
    )


def _connection(row: UserRow, connection: Connection) -> UserRow:
    return row if connection is row.connection else _with(row, connection=connection)


def _with(row: UserRow, **changes: Any) -> UserRow:
    return row.model_copy(update=changes)
