"""What Google answers to one call about one event, as far as the next step depends on it.

Comes in: nothing. Goes out: the closed union `Answer`. Whatever is not an answer (no grant, no quota, no Google) is an
exception of `schemas.errors`.
"""

from __future__ import annotations

from typing import Literal

from schemas.base import Shape
from schemas.mutations import EventBody


class Held(Shape):
    """200: the event as Google holds it now."""

    answer: Literal["held"] = "held"
    event: EventBody


class Done(Shape):
    """204: deleted."""

    answer: Literal["done"] = "done"


class Duplicate(Shape):
    """409: the id is taken, perhaps by a cancelled event."""

    answer: Literal["duplicate"] = "duplicate"


class Missing(Shape):
    """404 or 410: no such event (any more)."""

    answer: Literal["missing"] = "missing"


class Changed(Shape):
    """412: the event is not what the etag says."""

    answer: Literal["changed"] = "changed"


class Denied(Shape):
    """400, or a 403 about this event alone: Google will never take this call. `reason` is Google's word for it."""

    answer: Literal["denied"] = "denied"
    status: int
    reason: str


Answer = Held | Done | Duplicate | Missing | Changed | Denied
