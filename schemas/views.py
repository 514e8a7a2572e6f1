"""What a person is shown of the own row: how many shifts stand in Google, and the next ones with why they are there.

Comes in: nothing. Goes out: `View` and its parts, kept sealed since they hold a schedule. Not here: how a view is made.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime

from schemas.base import Shape
from schemas.facts import Published

#: `in_google`: as it should be. `waiting`: still to be written. `refused`: Google took it not. `left`: as a person made it.
Place = Literal["in_google", "waiting", "refused", "left"]


class NextShift(Shape):
    """One shift ahead. `title` is the one that its event shows; `published` the message by which it is there."""

    calendar_id: str
    shift_id: str
    version: int
    title: str
    location: str | None = None
    start: AwareDatetime | date
    end: AwareDatetime | date
    time_zone: str | None = None
    place: Place
    published: Published | None = None


class View(Shape):
    """A user's row, as far as it is shown.

    `wanted` counts the events that should stand in Google, `in_google` those of them that do, `ahead` the shifts that have
    not ended, of which `shifts` names the next. `held` and `kept` count, by calendar, events whose removal waits for an
    operator, and events that an un-publish left as they stand. `looked_at`: when Google was last looked at. `waits_until`:
    Google takes no calls until then.
    """

    wanted: int = 0
    in_google: int = 0
    ahead: int = 0
    shifts: tuple[NextShift, ...] = ()
    held: dict[str, int] = {}
    kept: dict[str, int] = {}
    looked_at: AwareDatetime | None = None
    waits_until: AwareDatetime | None = None
