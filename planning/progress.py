"""The sentences of `planning.explain` about what is done: what stands in Google, what is to be written, what that waits for.

Comes in: what the sentence names. Goes out: a `Reason`. No decision is made here; none holds a title, a place or a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.grounds import message_of, spelled
from schemas.explanations import Message, Reason

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.explanations import Code, Evidence, Flow, Unread, Unreadable
    from schemas.facts import Problem
    from schemas.mutations import Mutation
    from schemas.policy import Policy
    from schemas.rows import Applied, Drift, PublicationRow

_PROBLEMS: dict[str, Code] = {
    "needs_reauthorization": "needs_reauthorization",
    "stopped": "cannot_write",
    "paused": "paused",
}

_WRITES: dict[str, tuple[Code, str]] = {
    "insert": ("to_insert", "Its event is still to be put on the calendar"),
    "patch": ("to_patch", "Its event is still to be altered"),
    "delete": ("to_delete", "Its event is still to be taken off"),
}


def there(known: Evidence, event: Applied) -> Reason:
    """It is there, as it should be."""
    result, placed = known.result, known.placed
    if result is None or result.action in {"deleted", "refused"}:
        sentence = (
            f"Its event stands in Google, last written with version {event.version}; when that was is not told any more"
            " (sync-results keeps what it is set to keep)."
        )
        return Reason(code="there", sentence=sentence)
    since = f" since {spelled(placed.at)}" if placed is not None else ""
    took = "" if result.latency_ms is None else f", {result.latency_ms} ms after the message came"
    sentence = f"Its event stands in Google{since}: last {result.action} on {spelled(result.at)}{took}."
    return Reason(code="there", sentence=sentence, message=behind_result(known))


def refused(error: str, message: Message | None) -> Reason:
    """Google does not take it."""
    sentence = (
        f"Google refused it for good: {error.rstrip('.')}. Correct the shift upstream, or ask for a re-sync."
    )
    return Reason(code="refused", sentence=sentence, message=message)


def drift(note: Drift, policy: Policy) -> Reason:
    """A person did it, and the agency lets it be."""
    code: Code = "drift_deleted" if note.kind == "deleted" else "drift_altered"
    sentence = (
        f"Somebody {note.kind} its event by hand, and the agency's policy on_drift = {policy.on_drift} lets that stand until the"
        " shift has a new version."
    )
    return Reason(code=code, sentence=sentence)


def to_write(mutation: Mutation) -> Reason:
    """A write is due."""
    code, what = _WRITES[mutation.op]
    sentence = f"{what}, for version {mutation.version}."
    return Reason(code=code, sentence=sentence, message=message_of(mutation.cause, mutation.version))


def history(end: datetime) -> Reason:
    """It stands there, and is let be."""
    sentence = (
        f"Its event stands in Google and is history: it ended on {spelled(end)}, and is not touched any more."
    )
    return Reason(code="history", sentence=sentence)


def kept(publication: PublicationRow | None) -> Reason:
    """The agency keeps what is un-published."""
    sentence = "Its event is kept as it stands: the agency's policy on_unpublish = keep freezes it until the calendar is published again."
    message = message_of(publication.cause, publication.version) if publication else None
    return Reason(code="kept", sentence=sentence, message=message)


def held(known: Evidence) -> Reason:
    """The removal is too large to be made without asking."""
    sentence = (
        "Its removal is held: the un-publish takes off more than the agency lets go at once. Publish the calendar again, or"
        f" release it: `shiftcal release {known.agency_id} --calendar {known.calendar_id}`."
    )
    publication = known.publication
    message = message_of(publication.cause, publication.version) if publication else None
    return Reason(code="held", sentence=sentence, message=message)


def unheard(known: Evidence) -> Reason:
    """Nobody ever spoke of this user's shifts."""
    sentence = (
        "Its event stands in Google, and no shift of this user was ever received; nothing is removed until an operator says so:"
        f" `shiftcal release {known.agency_id} --user {known.user_id}`."
    )
    return Reason(code="unheard", sentence=sentence)


def left_behind() -> Reason:
    """It stays where the sync has ended."""
    sentence = "Its event stayed when the sync ended, and is not kept in step any more."
    return Reason(code="left_behind", sentence=sentence)


def removal_refused(error: str) -> Reason:
    """Google does not let us take it off."""
    sentence = f"Google refused to take its event off: {error.rstrip('.')}. A re-sync tries again."
    return Reason(code="removal_refused", sentence=sentence)


# What stands in the way


def problem(found: Problem, message: Message | None) -> Reason:
    """Why nothing is written for this user at the moment."""
    until = f" It is tried again after {spelled(found.until)}." if found.until else ""
    sentence = (
        f"Nothing is written for this user now ({found.code}): {found.message} {found.what_to_do}{until}"
    )
    return Reason(code=_PROBLEMS[found.state], sentence=sentence, message=message)


def look_first(message: Message | None) -> Reason:
    """A look comes before writes."""
    sentence = "What stands in the Google calendar is looked at first; writes wait for that."
    return Reason(code="look_first", sentence=sentence, message=message)


def its_turn(ahead: int) -> Reason:
    """Nothing is in the way but others."""
    first = {0: "no write of this user's comes", 1: "one sooner write of this user's comes"}.get(
        ahead, f"{ahead} sooner writes of this user's come"
    )
    sentence = (
        f"It waits for its turn: {first} before it. Google's limits let so many calls through a minute, the soonest shifts"
        " first; where Google refuses or does not answer, it is tried again."
    )
    return Reason(code="its_turn", sentence=sentence)


# News on its way


def unread(found: Unread) -> Reason:
    """A message waits to be taken in."""
    about = {
        "shift": "this shift",
        "calendar": "the publication of its calendar",
        "user": "this user's connection",
    }
    sentence = f"A newer message about {about[found.about]} waits to be read by a worker."
    return Reason(code="unread", sentence=sentence, message=found.message)


def on_its_way(message: Message | None) -> Reason:
    """The calendar knows, the user's row does not yet."""
    return Reason(
        code="on_its_way", sentence="The newest word of it is on its way to this user.", message=message
    )


def unreadable(found: Unreadable) -> Reason:
    """A dead letter names it."""
    sentence = (
        f"A message that names it could not be read ({found.reason}): {found.error.rstrip('.')}. See `shiftcal dead-letters show"
        f" {found.number}`."
    )
    return Reason(code="unreadable", sentence=sentence, message=found.message)


def no_worker() -> Reason:
    """Nobody is there to do it."""
    return Reason(code="no_worker", sentence="No worker runs: start one with `shiftcal worker`.")


def rebuilding() -> Reason:
    """The state is not complete."""
    sentence = "The state is being rebuilt from the input topics; nothing is written before it is complete."
    return Reason(code="rebuilding", sentence=sentence)


def behind(flow: Flow) -> Reason:
    """Others come first."""
    parts = (
        (flow.inputs, "of the input topics"),
        (flow.calendar_facts, "of its calendar's partition"),
        (flow.user_facts, "of this user's partition"),
    )
    counted = ", ".join(f"{count} {where}" for count, where in parts if count)
    return Reason(
        code="behind", sentence=f"The workers are behind: messages wait to be processed, {counted}."
    )


def behind_result(known: Evidence) -> Message | None:
    """Return the message behind the newest result."""
    result = known.result
    if result is None or result.caused_by is None:
        return None
    return Message(version=result.version, **result.caused_by.model_dump())
