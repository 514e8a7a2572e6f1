"""What people do in their own Google calendars while we work, and what of it must still stand there in the end.

In: `Edit`s of a story, the stand-in. Out: `People`, who remember what is theirs. Which event is picked depends on what
stands there at that moment, so two runs of one seed may differ here.
"""

from __future__ import annotations

import urllib.error
from datetime import UTC, datetime, timedelta

from tests.chaos.history import Edit
from tests.e2e.google import Google
from tests.e2e.messages import Json


class People:
    """Everybody with a calendar. `foreign`: events that nobody but their owner may touch, as they were left."""

    def __init__(self, google: Google) -> None:
        self.google = google
        self.foreign: dict[tuple[str, str], Json] = {}
        #: (account, event): the colour that its user gave it, and where the journal stood.
        self.colours: dict[tuple[str, str], tuple[str, int]] = {}
        self.done: list[str] = []

    def act(self, edit: Edit) -> None:
        """Do it, if there is an event to do it with."""
        if edit.what == "own":
            self._add(edit.account, {"summary": "Dentist", **_day(5)})
            return
        if edit.what == "expire":
            self.google.ask("POST", f"accounts/{edit.account}/expire")
            return
        events = self.google.events(edit.account)
        ours = [one for one in events if (edit.account, one["id"]) not in self.foreign]
        if not ours:
            return
        event = ours[edit.salt % len(ours)]
        try:
            self._alter(edit, event)
        except urllib.error.HTTPError as error:
            with error:
                if error.code not in {404, 410, 412}:  # it was deleted in this very moment
                    raise
        self.done.append(f"{edit.what} {edit.account} {event['id'][:12]} {event.get('summary')}")

    def _alter(self, edit: Edit, event: Json) -> None:
        account, event_id = edit.account, str(event["id"])
        match edit.what:
            case "delete":
                self.google.delete(account, event_id)
            case "rename":
                self.google.alter(account, event_id, {"summary": "Mine!", "description": "and this"})
            case "colour":
                colour = str(edit.salt % 11 + 1)
                self.google.alter(account, event_id, {"colorId": colour})
                self.colours[account, event_id] = (colour, self.google.mark())
            case "move":
                self.google.alter(account, event_id, _day(7))
            case "past":
                self.google.alter(account, event_id, _day(-40))
            case _:
                self._add(account, {key: value for key, value in event.items() if key not in _OWN})

    def _add(self, account: str, body: Json) -> None:
        made = self.google.add(account, body)
        self.foreign[account, made["id"]] = made


#: A copy has our properties and everything else, but is another event.
_OWN = {"id", "etag", "iCalUID", "htmlLink", "created", "updated", "sequence", "kind", "creator", "organizer"}


def _day(days: int) -> Json:
    day = (datetime.now(UTC) + timedelta(days=days)).date()
    none = {"dateTime": None, "timeZone": None}
    return {
        "start": none | {"date": f"{day}"},
        "end": none | {"date": f"{day + timedelta(days=1)}"},
    }
