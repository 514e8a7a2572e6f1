"""Read an event as Google holds it: is it ours, which shift is it, and how does it stand.

Comes in: the JSON of a listing or a get. Goes out: `Observed`, or None for what is not ours. Ours is what has an id
derived from the shift that its own private properties name, or from a shift that we know. A user's copy of our event
has our properties but another id, and is theirs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from planning.body import event_fingerprint, event_instant
from planning.identity import generation_of
from schemas.outcomes import Observed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.mutations import EventBody

SHIFT_PREFIX = "BGS_"

#: The user may write anything into our property; only what a version can be is read as one.
_VERSION = re.compile(r"[0-9]{1,18}")


def names_of(
    agency_id: str, calendar_id: str, shift_id: str, version: int, fingerprint: str
) -> dict[str, str]:
    """Return the private properties that name an event as ours."""
    return {
        "bgsId": SHIFT_PREFIX + shift_id,
        "bgsAgency": agency_id,
        "bgsCalendar": calendar_id,
        "bgsVersion": str(version),
        "bgsFingerprint": fingerprint,
    }


def observe(event: EventBody, agency_id: str, known: Mapping[str, tuple[str, str, int]]) -> Observed | None:
    """Return what stands there, or None where the event is cancelled or not ours."""
    if event.get("status") == "cancelled":
        return None
    names: dict[str, str] = event.get("extendedProperties", {}).get("private", {})
    named = _named(str(event["id"]), names, agency_id)
    identity = named or known.get(str(event["id"]))
    if identity is None:
        return None
    calendar_id, shift_id, generation = identity
    version = names.get("bgsVersion", "")
    return Observed(
        event_id=event["id"],
        calendar_id=calendar_id,
        shift_id=shift_id,
        generation=generation,
        etag=event.get("etag", ""),
        fingerprint=event_fingerprint(event),
        version=int(version) if _VERSION.fullmatch(version) else 0,
        start=event_instant(event, "start"),
        end=event_instant(event, "end"),
        tagged=named is not None,
    )


def _named(event_id: str, names: Mapping[str, str], agency_id: str) -> tuple[str, str, int] | None:
    calendar_id, tagged_shift = names.get("bgsCalendar", ""), names.get("bgsId", "")
    if names.get("bgsAgency") != agency_id or not tagged_shift.startswith(SHIFT_PREFIX):
        return None
    shift_id = tagged_shift.removeprefix(SHIFT_PREFIX)
    generation = generation_of(event_id, agency_id, calendar_id, shift_id)
    return None if generation is None else (calendar_id, shift_id, generation)
