"""Read an event as Google holds it: is it ours, which shift is it, and how does it stand.

Comes in: the JSON of a listing or a get. Goes out: `Observed`, or None for what is not ours. Ours is what has an id
derived from the shift that its own private properties name, or from a shift that we know. A user's copy of our event
has our properties but another id, and is theirs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from planning.body import event_fingerprint, event_instant
from planning.dress import covered
from planning.identity import generation_of
from schemas.outcomes import Observed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.mutations import DressField, EventBody

SHIFT_PREFIX = "BGS_"

#: The user may write anything into our property; only what a version can be is read as one.
_VERSION = re.compile(r"[0-9]{1,18}")


class Known(NamedTuple):
    """What we know an event to be; `worn`: the fields of its dress that are ours."""

    calendar_id: str
    shift_id: str
    generation: int
    worn: tuple[DressField, ...] = ()


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


def observe(event: EventBody, agency_id: str, known: Mapping[str, Known]) -> Observed | None:
    """Return what stands there, or None where the event is cancelled or not ours."""
    if event.get("status") == "cancelled":
        return None
    names: dict[str, str] = event.get("extendedProperties", {}).get("private", {})
    named = _named(str(event["id"]), names, agency_id)
    identity = named or known.get(str(event["id"]))
    if identity is None:
        return None
    version = names.get("bgsVersion", "")
    return Observed(
        event_id=event["id"],
        calendar_id=identity.calendar_id,
        shift_id=identity.shift_id,
        generation=identity.generation,
        etag=event.get("etag", ""),
        fingerprint=event_fingerprint(event, identity.worn),
        version=int(version) if _VERSION.fullmatch(version) else 0,
        start=event_instant(event, "start"),
        end=event_instant(event, "end"),
        tagged=named is not None,
    )


def worn_by(event: EventBody) -> tuple[DressField, ...] | None:
    """Return what of the event's dress our last write made ours; None where its account strips what we note."""
    names: dict[str, str] = event.get("extendedProperties", {}).get("private", {})
    return covered(names["bgsFingerprint"]) if "bgsFingerprint" in names else None


def _named(event_id: str, names: Mapping[str, str], agency_id: str) -> Known | None:
    calendar_id, tagged_shift = names.get("bgsCalendar", ""), names.get("bgsId", "")
    if names.get("bgsAgency") != agency_id or not tagged_shift.startswith(SHIFT_PREFIX):
        return None
    shift_id = tagged_shift.removeprefix(SHIFT_PREFIX)
    generation = generation_of(event_id, agency_id, calendar_id, shift_id)
    if generation is None:
        return None
    return Known(calendar_id, shift_id, generation, covered(names.get("bgsFingerprint", "")))
