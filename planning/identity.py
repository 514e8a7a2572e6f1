"""Who is who: Google event ids and table keys, derived from our own ids and from nothing else.

Comes in: ids. Goes out: the event id of a shift, of any generation, and its inverse. The id alone proves ownership,
since nobody else can make one by accident: the alphabet is base32hex, the length within Google's 5 to 1,024
(https://developers.google.com/workspace/calendar/api/v3/reference/events#id).
"""

from __future__ import annotations

from base64 import b32hexencode
from functools import lru_cache
from hashlib import sha256

#: How many generations of an id are tried before a shift is refused. Each one needs Google to have burnt the one before.
GENERATIONS = 64

_SEPARATOR = "\x1f"  # no id can hold it, so no two triples hash the same text


@lru_cache(maxsize=50_000)  # some 20 MB
def event_id(agency_id: str, calendar_id: str, shift_id: str, generation: int = 0) -> str:
    """Return the Google event id of a shift; `generation` n > 0 where Google has burnt the ids before it."""
    parts = [agency_id, calendar_id, shift_id, *([str(generation)] if generation else [])]
    digest = sha256(_SEPARATOR.join(parts).encode()).digest()
    return "bgs" + b32hexencode(digest).decode().rstrip("=").lower()


def generation_of(event: str, agency_id: str, calendar_id: str, shift_id: str) -> int | None:
    """Return the generation whose derived id is `event`; None where the event is not of that shift."""
    return next(
        (n for n in range(GENERATIONS) if event_id(agency_id, calendar_id, shift_id, n) == event), None
    )


def shift_key(calendar_id: str, shift_id: str) -> str:
    """Return the key of a shift within its agency; ids hold no slash."""
    return f"{calendar_id}/{shift_id}"
