"""A made-up agency: three users, a month of rosters around a day, and the messages its scheduling service would send.

In: the day that stands in the middle of things. Out: `Message`s, plain dicts with their topic's name, as any producer writes them.
Not here: Kafka, Google, and what should follow from a message (`expected.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import uuid4

from sandbox.month import PEOPLE, ROSTER, STANDBY, Entry, Json, Person, month, timed

AGENCY: Final = "metro-ems"
DAYS_BEFORE, DAYS_AFTER = 7, 23
ROLLED_BACK_DAYS: Final = 2
"""How many days from today a roll-back leaves published."""


class Message(NamedTuple):
    """One record of an input topic, its name without a prefix."""

    topic: str
    value: Json


class Upstream:
    """The scheduling service: it knows every shift with its version, and says what it changes."""

    def __init__(self, today: date, version: int = 0) -> None:
        """Plan a month; `version` is one that nothing sent before has reached, where this is not the first month."""
        self.today = today
        self.first, self.last = today - timedelta(days=DAYS_BEFORE), today + timedelta(days=DAYS_AFTER)
        self._shifts = {entry.shift["shift_id"]: entry for entry in month(self.first, self.last)}
        for entry in self._shifts.values():
            entry.shift["version"] += version
        self._published = version
        self._turn = 0
        self._later = False

    def rosters(self) -> list[Message]:
        """Everything planned so far, one message a calendar; nothing is published yet."""
        return [self._changed(calendar, self._of(calendar)) for calendar in (ROSTER, STANDBY)]

    def publish(self) -> list[Message]:
        """Publish the whole month of both calendars."""
        through, begin = self.last.isoformat(), self.first.isoformat()
        return [
            self._publication("calendar-published", calendar, published_through=through, published_from=begin)
            for calendar in (ROSTER, STANDBY)
        ]

    def unpublish(self) -> list[Message]:
        """Take the rosters back; the standby calendar stays."""
        return [self._publication("calendar-unpublished", ROSTER, reason="unpublished")]

    def roll_back(self) -> list[Message]:
        """Leave the rosters published for the next days only."""
        through, begin = self.today + timedelta(days=ROLLED_BACK_DAYS), self.first
        days = {"published_through": through.isoformat(), "published_from": begin.isoformat()}
        return [self._publication("calendar-unpublished", ROSTER, reason="rolled_back", **days)]

    def edit(self) -> list[Message]:
        """Move one coming shift to another station, each time another shift."""
        entry = self._next()
        station = int(entry.shift["location"].rpartition(" ")[2]) % 9 + 1
        title = f"{entry.shift['title'].partition(' (')[0]} (Station {station})"
        self._write(entry, title=title, location=f"Station {station}", notes="Mind the other station.")
        return [self._changed(entry.calendar, [entry])]

    def reassign(self) -> list[Message]:
        """Give one coming shift to the next colleague."""
        entry = self._next()
        users = [person.user_id for person in PEOPLE]
        self._write(entry, user_id=users[(users.index(entry.shift["user_id"]) + 1) % len(users)])
        return [self._changed(entry.calendar, [entry])]

    def mass_modify(self) -> list[Message]:
        """Begin every coming shift of the rosters half an hour later, or take that back: one message."""
        step = timedelta(minutes=-30 if self._later else 30)
        self._later = not self._later
        entries = self._coming()
        for entry in entries:
            start = datetime.fromisoformat(entry.shift["start"]) + step
            self._write(entry, start=start.isoformat())
        return [self._changed(ROSTER, entries)]

    def add_class(self) -> list[Message]:
        """Plan a class: of a kind that is never synced."""
        self._turn += 1
        person = PEOPLE[self._turn % len(PEOPLE)]
        day = self.today + timedelta(days=1)
        entry = timed(ROSTER, f"class-{self._turn}", person.user_id, "Airway class", (day, 13, 3))
        entry.shift["kind"] = "class"
        self._shifts[entry.shift["shift_id"]] = entry
        return [self._changed(ROSTER, [entry])]

    def resync(self, person: Person) -> list[Message]:
        """Ask for a look at what Google really holds for this person."""
        return [Message("sync-commands", {**_envelope(), "user_id": person.user_id, "command": "resync"})]

    # --- inside ---------------------------------------------------------------------------------------------

    def _of(self, calendar: str) -> list[Entry]:
        return [entry for entry in self._shifts.values() if entry.calendar == calendar]

    def _coming(self) -> list[Entry]:
        """Assigned shifts of the rosters from tomorrow on, soonest first."""
        tomorrow = (self.today + timedelta(days=1)).isoformat()
        return [
            entry
            for entry in self._of(ROSTER)
            if entry.shift["kind"] == "shift"
            and entry.shift.get("user_id")
            and entry.shift["start"] >= tomorrow
        ]

    def _next(self) -> Entry:
        """One shift after the other of the next days, so that they stand in the week that the page shows."""
        entries = self._coming()[:12]
        self._turn += 1
        return entries[self._turn % len(entries)]

    def _write(self, entry: Entry, **fields: Any) -> None:
        entry.shift = {**entry.shift, **fields, "version": entry.shift["version"] + 1}

    def _changed(self, calendar: str, entries: Iterable[Entry]) -> Message:
        changes = [{"op": "upsert", "shift": entry.shift} for entry in entries]
        return Message("schedule-changed", {**_envelope(), "calendar_id": calendar, "changes": changes})

    def _publication(self, topic: str, calendar: str, **fields: str) -> Message:
        self._published += 1  # one counter for both calendars: versions have to grow, not to be dense
        return Message(topic, {**_envelope(), "calendar_id": calendar, "version": self._published, **fields})


def _envelope() -> Json:
    return {"event_id": uuid4().hex, "occurred_at": datetime.now(UTC).isoformat(), "agency_id": AGENCY}
