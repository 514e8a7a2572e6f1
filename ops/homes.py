"""Does a shift live in two calendars at once?

In: the readings of a file, line by line. Out: a warning for each such shift. A shift that moves is deleted in the one
calendar and upserted in the other; where the delete is missing, two events stand in its user's calendar.
"""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, NamedTuple

from schemas.facts import ShiftsChanged
from schemas.messages import Upsert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.intake import Reading


class _Home(NamedTuple):
    """The winning change of a shift in one calendar."""

    calendar: str
    version: int
    gone: bool
    line: int


class Homes:
    """The winning change of every shift, by calendar: a tuple each, so that a million of them fit."""

    def __init__(self) -> None:
        self._homes: dict[tuple[str, str], tuple[_Home, ...]] = {}

    def add(self, line: int, reading: Reading) -> None:
        """Take a line into account."""
        for fact in reading.calendar_facts:
            if isinstance(fact, ShiftsChanged):
                agency, calendar = intern(fact.agency_id), intern(fact.calendar_id)
                for change in fact.changes:
                    home = _Home(calendar, change.version, not isinstance(change, Upsert), line)
                    self._put((agency, change.shift_id), home)

    def warnings(self) -> Iterator[tuple[int, str]]:
        """The line and the text of each warning."""
        for (agency, shift), homes in self._homes.items():
            alive = [home for home in homes if not home.gone]
            if len(alive) > 1:
                where = " and ".join(f"{home.calendar} (line {home.line})" for home in alive)
                lives = f"shift {shift} of agency {agency} lives in {len(alive)} calendars, {where}"
                yield (
                    max(home.line for home in alive),
                    f"{lives}: where it moved, the calendar that it left needs a delete",
                )

    def _put(self, shift: tuple[str, str], home: _Home) -> None:
        homes = self._homes.get(shift, ())
        for number, known in enumerate(homes):
            if known.calendar == home.calendar:
                if (home.version, home.gone) > (known.version, known.gone):
                    self._homes[shift] = (*homes[:number], home, *homes[number + 1 :])
                return
        self._homes[shift] = (*homes, home)
