"""The dress of an event: its colour, and whether it blocks time. Ours only where an agency or the user has set it.

Comes in: a policy, an event as Google holds it, or a fingerprint. Goes out: Google's fields, and how a fingerprint spells
them. What is nobody's is spelled as nothing, so that whoever sets nothing has the fingerprints of old.

A fingerprint names the fields that it covers (``<hash>.c6.free``), and each event carries that of our last write. So it is
known of every event what of it is ours, after a lost state too: a colour that is not wanted any more is given back
once, and from then on is the user's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.preferences import COLOUR_IDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from schemas.mutations import DressField, EventBody
    from schemas.policy import Policy

_TRANSPARENCY = {"busy": "opaque", "free": "transparent"}


def wanted(kind: str, policy: Policy) -> dict[DressField, str]:
    """Return what events of this kind wear."""
    worn: dict[DressField, str] = {}
    if (colour := policy.colour_of(kind)) is not None:
        worn["colorId"] = COLOUR_IDS[colour]
    if policy.show_as is not None:
        worn["transparency"] = _TRANSPARENCY[policy.show_as]
    return worn


def standing(event: EventBody, fields: Collection[DressField]) -> dict[DressField, str]:
    """Return how these fields stand at Google, which leaves out what is at its default."""
    defaults: dict[DressField, str] = {"colorId": "", "transparency": "opaque"}
    return {field: str(event.get(field) or default) for field, default in defaults.items() if field in fields}


def spelled(worn: Mapping[DressField, str]) -> str:
    """Return the end of a fingerprint that covers these fields."""
    colour, transparency = worn.get("colorId"), worn.get("transparency")
    end = "" if colour is None else f".c{colour}"
    return end if transparency is None else end + (".free" if transparency == "transparent" else ".busy")


def covered(fingerprint: str) -> tuple[DressField, ...]:
    """Return the fields of the dress that a fingerprint covers. A user may have written it: anything can be read."""
    parts = fingerprint.split(".")[1:]
    colour: tuple[DressField, ...] = ("colorId",) if any(p.startswith("c") for p in parts) else ()
    blocks: tuple[DressField, ...] = ("transparency",) if not _TRANSPARENCY.keys().isdisjoint(parts) else ()
    return colour + blocks


def left_over(before: str, wished: str) -> tuple[DressField, ...]:
    """Return what an event with the one fingerprint wears of ours, and with the other one does not any more."""
    kept = covered(wished)
    return tuple(field for field in covered(before) if field not in kept)
