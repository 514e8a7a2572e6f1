"""Users with shifts, and the messages about them.

Comes in: how many. Goes out: messages as bytes, and the Google ids of their events. No chance in it: every run sends the same.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from planning.identity import event_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_EVENTS = itertools.count(1)
# Once, so that a bench may run over midnight and still send, and find, the same shifts.
_TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
_NOTES = "Bring the new radio. Relief at the station's back door; the gate code is with dispatch."

#: Changes of one message where many are sent at once.
BULK = 500


@dataclass(frozen=True, slots=True)
class Crew:
    """Users of one agency with shifts in one calendar; user `n` of the crew has shifts `n * each` and on."""

    agency: str
    users: int
    each: int
    calendar: str = "ops-2026-12"

    @property
    def shifts(self) -> range:
        """All shifts, by number."""
        return range(self.users * self.each)

    def names(self) -> list[str]:
        """The users."""
        return [self.user(n * self.each) for n in range(self.users)]

    def user(self, shift: int) -> str:
        """The user of a shift."""
        return f"u-{shift // self.each:05}"

    def shift_id(self, shift: int) -> str:
        """The shift's id upstream."""
        return _shift_id(shift)

    def account(self, user: str) -> str:
        """The Google account of a user."""
        return f"{user}.{self.agency}@example.com"

    def event(self, shift: int) -> str:
        """The id of the shift's event at Google."""
        return event_id(self.agency, self.calendar, _shift_id(shift))

    def spread(self, count: int) -> list[int]:
        """So many shifts, neighbours in the list belonging to different users."""
        ordered = [user * self.each + n for n in range(self.each) for user in range(self.users)]
        return list(itertools.islice(itertools.cycle(ordered), count))

    def changed(self, shifts: Iterable[int], version: int) -> bytes:
        """One `schedule-changed` message with these shifts in that version."""
        return self._message(changes=[self._upsert(shift, version) for shift in shifts])

    def all_changed(self, version: int) -> Iterator[bytes]:
        """Every shift in that version, in as few messages as a scheduler would send."""
        for first in range(0, len(self.shifts), BULK):
            yield self.changed(self.shifts[first : first + BULK], version)

    def published(self, version: int) -> bytes:
        """One `calendar-published` message, for all days."""
        through = datetime.now(UTC).date() + timedelta(days=3_000)
        return self._message(version=version, published_through=through.isoformat())

    def _message(self, **fields: Any) -> bytes:
        now = datetime.now(UTC).isoformat()
        envelope = {"event_id": f"bench-{next(_EVENTS)}", "occurred_at": now, "agency_id": self.agency}
        return orjson.dumps({**envelope, "calendar_id": self.calendar, **fields})

    def _upsert(self, shift: int, version: int) -> dict[str, Any]:
        return {"op": "upsert", "shift": self.shift(shift, version)}

    def shift(self, shift: int, version: int) -> dict[str, Any]:
        """Return the shift as a message tells it."""
        start = _TODAY + timedelta(days=1 + shift % self.each)
        return {
            "shift_id": _shift_id(shift),
            "version": version,
            "user_id": self.user(shift),
            "title": f"Medic {shift % 40} Day, revision {version}",
            "start": start.isoformat(),
            "end": (start + timedelta(hours=12)).isoformat(),
            "time_zone": "America/New_York",
            "location": f"Station {shift % 9}",
            "notes": _NOTES,
        }


def _shift_id(shift: int) -> str:
    return f"s-{shift:06}"
