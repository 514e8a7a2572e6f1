"""Whom a part of the history concerns.

In: readings of input messages, and keys and rows of two tables' changelogs. Out: users. A publication concerns
everybody who ever had a shift in its calendar, a change of a shift everybody who ever had that shift, whether or not
the messages that said so are in the part that is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from schemas.facts import CalendarReleased, PublicationChanged, ShiftsChanged
from schemas.messages import Upsert
from schemas.rows import AssignmentRow
from streams import codec

if TYPE_CHECKING:
    from planning.intake import Reading


class Concerned:
    """Users by agency, while they are found."""

    def __init__(self) -> None:
        self.users: set[tuple[str, str]] = set()
        self._calendars: set[bytes] = set()
        self._shifts: set[bytes] = set()

    def add(self, reading: Reading) -> None:
        """Take a message into account."""
        for fact in reading.calendar_facts:
            match fact:
                case ShiftsChanged(agency_id=agency, calendar_id=calendar):
                    for change in fact.changes:
                        self._shifts.add(codec.key(agency, calendar, change.shift_id))
                        if isinstance(change, Upsert) and change.shift.user_id is not None:
                            self.users.add((agency, change.shift.user_id))
                case PublicationChanged() | CalendarReleased():
                    self._calendars.add(codec.key(fact.agency_id, fact.calendar_id))
                case _:
                    assert_never(fact)
        for told in reading.user_facts:
            self.users.add((told.agency_id, told.user_id))

    @property
    def asks_for_members(self) -> bool:
        """Whether the changelog of rosters has something to say."""
        return bool(self._calendars)

    @property
    def asks_for_holders(self) -> bool:
        """Whether the changelog of assignments has something to say."""
        return bool(self._shifts)

    def roster(self, key: bytes) -> None:
        """Take a row of `rosters` into account: its key, agency/calendar/user, makes its user a member."""
        calendar, _, user = key.rpartition(b"/")
        if calendar in self._calendars:
            self.users.add((_agency(key), user.decode()))

    def assignment(self, key: bytes, row: bytes) -> None:
        """Take a row of `assignments` into account: everybody who ever held the shift."""
        if key in self._shifts:
            holders = codec.decode(AssignmentRow, row).holders
            self.users.update((_agency(key), user) for user in holders)


def _agency(key: bytes) -> str:
    return key.partition(b"/")[0].decode()
