"""One user's state, in lines for a person and as a value for a script.

In: a `Due`. Out: lines, or plain data. Not here: reading, and what is due.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planning.due import Due

_NEXT = {
    "write": "its writes go out, soonest shift first, as Google's limits let them",
    "look": "what stands in the Google calendar is looked at; writes wait for that",
    "release": "the token is erased, and revoked at Google",
    "wait": "it waits until what is wrong has passed or is put right",
    "rest": "nothing: all is done",
}


def lines(found: Due) -> list[str]:
    """Say how the user stands."""
    one = found.status
    said = [f"{one.agency_id}/{one.user_id} is {one.state}"]
    if one.pending:
        counts = Counter(mutation.op for mutation in found.writes)
        counted = ", ".join(f"{count} {op}" for op, count in sorted(counts.items()))
        since = f", the oldest since {_at(one.oldest_pending_at)}" if one.oldest_pending_at else ""
        said.append(f"pending: {one.pending} ({counted}){since}")
    else:
        said.append("pending: nothing")
    said.append(f"last synced: {_at(one.last_synced_at) if one.last_synced_at else 'never'}")
    if one.last_error is not None:
        said.append(f"what is wrong: {one.last_error.code}: {one.last_error.message}")
        said.append(f"what to do: {one.last_error.what_to_do}")
    if found.problem is not None and found.problem.until is not None:
        said.append(f"waits until: {_at(found.problem.until)}")
    said.append(f"next: {_next(found)}")
    return [*said, *_staying(found)]


def _next(found: Due) -> str:
    if found.step == "rest" and found.held:
        return "nothing, before an operator releases what is held"
    if found.step == "rest" and found.status.state in {"not_connected", "stopped", "deactivated"}:
        return "nothing, before the user connects"
    if found.step == "rest" and found.problem is not None:
        return "nothing is written for now, and nothing is to be written"
    return _NEXT[found.step]


def _staying(found: Due) -> list[str]:
    agency, user = found.status.agency_id, found.status.user_id
    held = Counter(mutation.calendar_id for mutation in found.held)
    said = [
        f"held: {count} removals of calendar {calendar}; released by"
        + (
            f" `shiftcal release {agency} --user {user}`"
            if found.unheard
            else f" `shiftcal release {agency} --calendar {calendar}`, or for this user alone by"
            f" `shiftcal release {agency} --user {user}`"
        )
        for calendar, count in sorted(held.items())
    ]
    said += [
        f"kept: {count} events of calendar {calendar}, frozen until it is published again"
        for calendar, count in sorted(found.kept.items())
    ]
    if found.left:
        said.append(f"left: {found.left} differences that somebody made by hand")
    return said


def described(found: Due) -> dict[str, Any]:
    """Return the same for a script."""
    return found.status.model_dump(mode="json") | {
        "step": found.step,
        "writes": dict(Counter(mutation.op for mutation in found.writes)),
        "held": dict(Counter(mutation.calendar_id for mutation in found.held)),
        "kept": dict(found.kept),
        "left": found.left,
        "waits_until": found.problem.until if found.problem else None,
    }


def _at(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
