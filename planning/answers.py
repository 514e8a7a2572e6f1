"""One mutation, from its first call to its outcome: what to call next, given what Google answered.

Comes in: a mutation, then answers. Goes out: an `Attempt` (the next call) or an outcome. A 409 on insert, a 412, a 404
or 410 are answers here, never errors.

==========  ===========  =========================================================================================
call        answer       next
==========  ===========  =========================================================================================
insert      held         stored
insert      duplicate    get: the id is taken, by what?
get         held         standing: adopt it if equal, else patch or delete with its etag;
                         cancelled: revive it with its etag, or nothing to delete
get         missing      the id is burnt: insert the next generation; or insert; or nothing to delete
patch       held         stored
patch       changed      get: somebody altered or removed it
patch       missing      insert; after a revival the id is burnt: insert the next generation
patch       denied       refused; after a revival the id is burnt: insert the next generation
delete      done         removed
delete      missing      removed
delete      changed      get: somebody altered it; it is still ours
any         denied       refused
==========  ===========  =========================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from planning.body import as_patch, event_fingerprint, event_instant, insert_body
from planning.identity import GENERATIONS, event_id
from planning.observation import names_of, worn_by
from planning.window import is_history
from schemas.answers import Answer, Changed, Denied, Done, Duplicate, Held, Missing
from schemas.mutations import (
    Call,
    DeleteEvent,
    Get,
    Insert,
    InsertEvent,
    Mutation,
    Patch,
    PatchEvent,
    Remove,
)
from schemas.outcomes import Outcome, Refused, Removed, Stored

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.mutations import DressField, EventBody

#: So often may somebody else write the event between our read and our write, before the lane plans anew.
CONFLICTS = 5


class Attempt(NamedTuple):
    """A mutation under way: the next call, and how often somebody was faster."""

    mutation: Mutation
    call: Call
    conflicts: int = 0


class Unsettled(NamedTuple):
    """Google's answers do not fit together now; the difference stays open and is planned again."""

    mutation: Mutation


def begin(mutation: Mutation) -> Attempt:
    """Return the first call of a mutation: one write, and no read."""
    event, generation = mutation.event_id, mutation.generation
    match mutation:
        case DeleteEvent():
            return Attempt(mutation, Remove(event_id=event, generation=generation, etag=mutation.etag))
        case PatchEvent():
            body = as_patch(_body(mutation, event), mutation.undress)
            return Attempt(
                mutation, Patch(event_id=event, generation=generation, etag=mutation.etag, body=body)
            )
        case _:
            return Attempt(
                mutation, Insert(event_id=event, generation=generation, body=_body(mutation, event))
            )


def proceed(attempt: Attempt, answer: Answer, now: datetime) -> Attempt | Unsettled | Outcome:
    """Return what an answer means for the mutation under way."""
    call = attempt.call
    match call, answer:
        case Get(), Held(event=event):
            return _read(attempt, event, now)
        case (Insert(), Held(event=event)) | (Patch(), Held(event=event)):
            return _stored(attempt, event, now)
        case Remove(), Done() | Missing():
            return _removed(attempt, now)
        case Insert(), Duplicate():
            return attempt._replace(call=Get(event_id=call.event_id, generation=call.generation, taken=True))
        case ((Patch() | Remove()), Changed()):
            return _again(attempt, Get(event_id=call.event_id, generation=call.generation))
        case ((Get() | Patch()), Missing()):
            return _missing(attempt, now)
        case Patch(revives=True), Denied():
            return _insert(attempt, call.generation + 1, now)
        case _, Denied(status=status, reason=reason):
            return _refused(attempt, f"Google answered {status} {reason}", now)
        case _:
            return Unsettled(attempt.mutation)


def _read(attempt: Attempt, event: EventBody, now: datetime) -> Attempt | Unsettled | Outcome:
    """The event was read, since the first call said that it is not what we thought."""
    mutation, call = attempt.mutation, attempt.call
    place: dict[str, Any] = {"event_id": call.event_id, "generation": call.generation, "etag": event["etag"]}
    cancelled = event.get("status") == "cancelled"
    if isinstance(mutation, DeleteEvent):
        if cancelled:
            return _removed(attempt, now)
        if is_history(event_instant(event, "end"), now):
            return _removed(attempt, now, left=True)  # the user moved it into the past, where it stays
        return attempt._replace(call=Remove(**place))
    wears = _worn(mutation, event)
    body = as_patch(
        _body(mutation, call.event_id), [field for field in wears if field not in mutation.rendered.dress]
    )
    if cancelled:
        return attempt._replace(call=Patch(**place, body=body | {"status": "confirmed"}, revives=True))
    if event_fingerprint(event, {*wears, *mutation.rendered.dress}) == mutation.rendered.fingerprint:
        return _stored(attempt, event, now, adopted=True)
    return attempt._replace(call=Patch(**place, body=body))


def _worn(mutation: InsertEvent | PatchEvent, event: EventBody) -> tuple[DressField, ...]:
    """Return what of a standing event's dress is ours, as it says itself, or as far as we know."""
    if (said := worn_by(event)) is not None:
        return said
    return mutation.undress if isinstance(mutation, PatchEvent) else ()


def _again(attempt: Attempt, call: Call) -> Attempt | Unsettled:
    if attempt.conflicts >= CONFLICTS:
        return Unsettled(attempt.mutation)
    return attempt._replace(call=call, conflicts=attempt.conflicts + 1)


def _missing(attempt: Attempt, now: datetime) -> Attempt | Unsettled | Outcome:
    """There is no such event. Where its id is taken, or could not be revived, all the same, the id is burnt."""
    mutation, call = attempt.mutation, attempt.call
    if isinstance(mutation, DeleteEvent):
        return _removed(attempt, now)
    burnt = (isinstance(call, Get) and call.taken) or (isinstance(call, Patch) and call.revives)
    following = _insert(attempt, call.generation + burnt, now)
    return _again(attempt, following.call) if isinstance(following, Attempt) and not burnt else following


def _insert(attempt: Attempt, generation: int, now: datetime) -> Attempt | Outcome:
    mutation = attempt.mutation
    if isinstance(mutation, DeleteEvent) or generation >= GENERATIONS:
        return _refused(attempt, "Google has burnt every id that this shift may have", now)
    event = event_id(mutation.agency_id, mutation.calendar_id, mutation.shift_id, generation)
    return attempt._replace(call=Insert(event_id=event, generation=generation, body=_body(mutation, event)))


def _stored(attempt: Attempt, event: EventBody, now: datetime, *, adopted: bool = False) -> Outcome:
    mutation, call = attempt.mutation, attempt.call
    if isinstance(mutation, DeleteEvent):
        raise TypeError("a removal stores nothing")
    inserted = isinstance(call, Insert) or (isinstance(call, Patch) and call.revives)
    return Stored(
        **_names(attempt),
        action="adopted" if adopted else "inserted" if inserted else "patched",
        generation=call.generation,
        etag=event["etag"],
        fingerprint=mutation.rendered.fingerprint,
        echo=event_fingerprint(event, mutation.rendered.dress),
        start=mutation.start,
        end=mutation.end,
        at=now,
    )


def _removed(attempt: Attempt, now: datetime, *, left: bool = False) -> Outcome:
    return Removed(**_names(attempt), left=left, at=now)


def _refused(attempt: Attempt, error: str, now: datetime) -> Outcome:
    mutation = attempt.mutation
    fingerprint = "" if isinstance(mutation, DeleteEvent) else mutation.rendered.fingerprint
    return Refused(**_names(attempt), fingerprint=fingerprint, error=error, end=mutation.end, at=now)


def _body(mutation: InsertEvent | PatchEvent, event: str) -> EventBody:
    """Return the body of an insert; made when it is called for, since thousands of mutations may wait."""
    rendered = mutation.rendered
    names = names_of(
        mutation.agency_id,
        mutation.calendar_id,
        mutation.shift_id,
        mutation.version,
        rendered.fingerprint,
    )
    return insert_body(event, rendered, names)


def _names(attempt: Attempt) -> dict[str, Any]:
    mutation = attempt.mutation
    # A removal is about the event that stood there, whatever ids were tried on the way.
    event = mutation.event_id if isinstance(mutation, DeleteEvent) else attempt.call.event_id
    return {
        "event_id": event,
        "calendar_id": mutation.calendar_id,
        "shift_id": mutation.shift_id,
        "version": mutation.version,
        "cause": mutation.cause,
    }
