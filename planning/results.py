"""What the world hears of calls: one result for each change that reached Google, or that it refused for good.

Comes in: a user and the outcomes of one fact. Goes out: `SyncResult`s. They follow from the fact alone, so that one that
is delivered again after a crash tells them again rather than never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.outcomes import Outcome, Refused, Removed, Stored
from schemas.outputs import Action, CausedBy, SyncResult

if TYPE_CHECKING:
    from schemas.facts import CallsAnswered


def results(fact: CallsAnswered) -> tuple[SyncResult, ...]:
    """Return what is told of these outcomes; nothing where an event was left as history."""
    return tuple(
        _result(fact, outcome)
        for outcome in fact.outcomes
        if not (isinstance(outcome, Removed) and outcome.left)
    )


def _result(fact: CallsAnswered, outcome: Outcome) -> SyncResult:
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
        agency_id=fact.agency_id,
        user_id=fact.user_id,
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
