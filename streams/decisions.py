"""What the log says of decisions: one line each, with the coordinates of the message behind it.

Comes in: what records came to, and what folds have made of rows. Goes out: lines, whose fields docs/logs.md lists. Coordinates
stand where an id of a user or a shift would: who may read the topic finds both there.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from schemas.facts import (
    CalendarReleased,
    CalendarSeen,
    Connected,
    Deactivated,
    Disconnected,
    ResyncAsked,
    TokenReleased,
    TroubleFound,
    UserReleased,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faust.types import Message

    from planning.calendars import Folded as FoldedCalendar
    from planning.intake import Reading
    from planning.users import Folded as FoldedUser
    from schemas.cause import Cause
    from schemas.facts import CalendarFact, UserFact
    from schemas.outputs import SyncResult
    from schemas.rows import Connection, UserRow

log = logging.getLogger(__name__)


def at(place: Cause | Message, decision: str, agency: str | None, **more: Any) -> dict[str, Any]:
    """Return the fields of a line."""
    said = {"decision": decision, "agency": agency, **more}
    for name in ("topic", "partition", "offset"):
        said[name] = getattr(place, name)
    return {name: value for name, value in said.items() if value is not None}


def took_in(reading: Reading) -> None:
    """What of an input message could not be read."""
    for letter in reading.letters:
        said = {
            "decision": "dead_letter",
            "agency": reading.agency_id,
            "calendar": reading.calendar_id,
            "topic": letter.source_topic,
            "partition": letter.source_partition,
            "offset": letter.source_offset,
            "reason": letter.reason,
        }
        known = {name: value for name, value in said.items() if value is not None}
        log.warning("dead letter: %s", letter.error, extra=known)


def folded_calendar(folded: FoldedCalendar, fact: CalendarFact, record: Message) -> None:
    """Versions that came with two contents, an error upstream; and removals that an operator has let go."""
    about: dict[str, Any] = {"agency": fact.agency_id, "calendar": fact.calendar_id}
    for cause, count in Counter(folded.conflicts).items():
        fields = at(cause, "version_conflict", **about, count=count)
        log.warning("versions came again with another content", extra=fields)
    if isinstance(fact, CalendarReleased):
        log.info("an operator lets a calendar's removals go", extra=at(record, "released", **about))


def folded_user(
    before: UserRow | None, facts: Sequence[UserFact], folded: FoldedUser, record: Message
) -> None:
    """What became of a user's connection, of a look, of what is held, and of changes."""
    for fact in facts:
        match fact:
            case Connected() | Disconnected() | Deactivated():
                _turned(before, fact, folded.row.connection)
            case ResyncAsked():
                _resync(fact, folded.row.connection)
            case TroubleFound():
                _trouble(before, fact, record)
            case TokenReleased():
                log.info("a token is erased", extra=at(record, "token_erased", fact.agency_id))
            case UserReleased():
                log.info(
                    "an operator lets a user's removals go", extra=at(record, "released", fact.agency_id)
                )
            case CalendarSeen():
                _seen(before, fact, folded, record)
            case _:
                pass
    _held(before, folded, record)
    for result in folded.results:
        _result(result)


def _turned(before: UserRow | None, fact: Connected | Disconnected | Deactivated, now: Connection) -> None:
    """Only the newest turn counts; and once, however often it is delivered."""
    same = now.occurred_at == fact.cause.occurred_at and now.state == fact.fact
    if same and (
        before is None
        or (before.connection.occurred_at, before.connection.state) != (now.occurred_at, now.state)
    ):
        log.info("a user is %s", fact.fact, extra=at(fact.cause, fact.fact, fact.agency_id))


def _resync(fact: ResyncAsked, now: Connection) -> None:
    taken = now.resync_at == fact.cause.occurred_at
    decision = "resync" if taken else "resync_refused"
    line = (
        "a resync is asked for"
        if taken
        else "a resync is not made: the last one was too close, or nobody is connected"
    )
    log.info(line, extra=at(fact.cause, decision, fact.agency_id))


def _trouble(before: UserRow | None, fact: TroubleFound, record: Message) -> None:
    if before is not None and before.connection.problem == fact.problem:
        return
    fields = at(record, fact.problem.state, fact.agency_id, reason=fact.problem.code)
    log.warning("nothing is written for a user now: %s", fact.problem.message, extra=fields)


def _seen(before: UserRow | None, fact: CalendarSeen, folded: FoldedUser, record: Message) -> None:
    """A look that somebody asked for, or that has found something; the others are many, and say nothing."""
    verify = before.connection.verify if before else None
    cause = verify.cause if verify and verify.ticket == fact.verify else None
    left = folded.status.pending if folded.status else 0
    level = logging.INFO if cause is not None or left else logging.DEBUG
    fields = at(cause or record, "verified", fact.agency_id, count=len(fact.observed), pending=left)
    log.log(level, "Google was looked at", extra=fields)


def _held(before: UserRow | None, folded: FoldedUser, record: Message) -> None:
    was, now = _is_held(before), _is_held(folded.row)
    if now and not was:
        fields = at(record, "held", folded.row.agency_id, count=folded.held)
        log.warning("removals of a user wait for an operator", extra=fields)
    elif was and not now:
        log.info("nothing of a user is held any more", extra=at(record, "hold_ended", folded.row.agency_id))


def _is_held(row: UserRow | None) -> bool:
    error = row.status.last_error if row and row.status else None
    return error is not None and error.code == "held"


def _result(result: SyncResult) -> None:
    refused = result.action == "refused"
    if not refused and not log.isEnabledFor(logging.DEBUG):
        return
    fields: dict[str, Any] = {
        "decision": "refused" if refused else "written",
        "agency": result.agency_id,
        "calendar": result.calendar_id,
        "version": result.version,
        "action": result.action,
    }
    if (cause := result.caused_by) is not None:
        fields |= {"topic": cause.topic, "partition": cause.partition, "offset": cause.offset}
    if refused:
        log.warning("Google refuses a change for good: %s", result.error, extra=fields)
    else:
        log.debug("a change is written", extra=fields)
