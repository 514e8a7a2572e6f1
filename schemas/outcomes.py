"""What Google was seen to hold, and what a mutation came to.

Comes in: Google's answers as `planning` read them. Goes out: `Observed` and the closed union `Outcome`. Adjectives:
an outcome says how things are now.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Moment, Shape
from schemas.cause import Cause


class Observed(Shape):
    """One event as Google holds it; ours, by its id. Instants are UTC; an all-day end is 00:00 UTC of the end day.

    `fingerprint` is of the fields we own as they stand; `generation` the n of its id; `tagged` whether its private
    properties still name us.
    """

    event_id: str
    calendar_id: str
    shift_id: str
    generation: int
    etag: str
    fingerprint: str
    version: int
    start: Moment
    end: Moment
    tagged: bool = True


class Stored(Shape):
    """The event stands as wished. `echo` is the fingerprint of what Google answered, which may spell things its way."""

    outcome: Literal["stored"] = "stored"
    action: Literal["inserted", "patched", "adopted"]
    event_id: str
    calendar_id: str
    shift_id: str
    generation: int
    etag: str
    fingerprint: str
    echo: str
    version: int
    start: Moment
    end: Moment
    at: Moment
    cause: Cause | None = None


class Removed(Shape):
    """The event is gone, or `left` where it stands because it is history there."""

    outcome: Literal["removed"] = "removed"
    event_id: str
    calendar_id: str
    shift_id: str
    version: int
    left: bool = False
    at: Moment
    cause: Cause | None = None


class Refused(Shape):
    """Google will never take this; `fingerprint` is what it refused (empty: a removal), so that it is not tried again."""

    outcome: Literal["refused"] = "refused"
    event_id: str
    calendar_id: str
    shift_id: str
    version: int
    fingerprint: str
    error: str
    end: Moment
    at: Moment
    cause: Cause | None = None


Outcome = Annotated[Stored | Removed | Refused, Field(discriminator="outcome")]
