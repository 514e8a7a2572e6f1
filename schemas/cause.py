"""Where a change came from.

Comes in: the coordinates of an input message. Goes out: `Cause`, carried by every fact, difference and result.
"""

from __future__ import annotations

from pydantic import AwareDatetime

from schemas.base import Shape


class Cause(Shape):
    """The input message behind a fact. `at` is the broker's timestamp, from which latency is counted."""

    topic: str
    partition: int
    offset: int
    event_id: str
    occurred_at: AwareDatetime
    at: AwareDatetime
