"""What should stand on everybody's calendar, worked out anew from all messages, and how it differs from what stands there.

In: every message sent so far, who is connected, and the stand-in's calendars. Out: events by account, and lines for a person.
Not here: anything of the product. This is a second, slower way to the same result: no state, no increments.
Covered is what the demo's agency does: shifts of one zone, none older than the window, policies as they are unless set.
"""

from __future__ import annotations

from base64 import b32hexencode
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from sandbox.data import Message
from sandbox.month import Json

if TYPE_CHECKING:
    from sandbox.google.calendars import State


class Shown(NamedTuple):
    """The fields of an event that its user sees; times as instants, so that spelling does not count."""

    summary: str
    location: str
    description: str
    start: tuple[float | str, str]
    end: tuple[float | str, str]


Calendars = dict[str, dict[str, Shown]]
"""Events by account and event id."""


def expected(messages: Iterable[Message], accounts: Mapping[str, str]) -> Calendars:
    """The calendars of these users (user id -> account) after these messages, whatever their order."""
    shifts: dict[tuple[str, str, str], tuple[int, Json | None]] = {}
    published: dict[tuple[str, str], tuple[int, Json]] = {}
    for topic, value in messages:
        if topic == "schedule-changed":
            for key, version, shift in _changes(value):
                if version > shifts.get(key, (-1, None))[0]:
                    shifts[key] = version, shift
        elif topic.startswith("calendar-"):
            calendar = value["agency_id"], value["calendar_id"]
            if value["version"] > published.get(calendar, (-1, {}))[0]:
                published[calendar] = value["version"], value
    calendars: Calendars = {account: {} for account in accounts.values()}
    for (agency, calendar_id, shift_id), (_, shift) in shifts.items():
        _, publication = published.get((agency, calendar_id), (0, {}))
        if shift is not None and shift.get("user_id") in accounts and _visible(shift, publication):
            calendars[accounts[shift["user_id"]]][_event_id(agency, calendar_id, shift_id)] = _wanted(shift)
    return calendars


def standing(state: State) -> Calendars:
    """Every event with an id of our making that stands on an account's own calendar."""
    return {
        account: ours(
            stored.resource for stored in state.calendars[account].events.values() if not stored.cancelled
        )
        for account in state.accounts
    }


def ours(events: Iterable[Json]) -> dict[str, Shown]:
    """Those of a calendar's events that have an id of our making, by it."""
    return {event["id"]: _shown(event) for event in events if event["id"].startswith("bgs")}


def differences(wanted: Calendars, actual: Calendars) -> Iterator[str]:
    """A line for each event that is missing, too many, or not as it should be."""
    for account in sorted(wanted.keys() | actual.keys()):
        should, stands = wanted.get(account, {}), actual.get(account, {})
        for event_id in sorted(should.keys() | stands.keys()):
            event, found = should.get(event_id), stands.get(event_id)
            if found is None and event is not None:
                yield f"{account}: {_name(event)} is missing"
            elif event is None and found is not None:
                yield f"{account}: {_name(found)} should not be there"
            elif event is not None and found is not None and event != found:
                odd = [name for name in Shown._fields if getattr(event, name) != getattr(found, name)]
                yield f"{account}: {_name(event)} differs in {', '.join(odd)}"


def _changes(value: Json) -> Iterator[tuple[tuple[str, str, str], int, Json | None]]:
    for change in value["changes"]:
        shift = change.get("shift")
        body = change if shift is None else shift
        yield (value["agency_id"], value["calendar_id"], body["shift_id"]), body["version"], shift


def _visible(shift: Json, publication: Json) -> bool:
    """Of a synced kind, on a day that is published. The text of a start begins with the local day."""
    through, begin = publication.get("published_through"), publication.get("published_from")
    if shift.get("kind", "shift") != "shift" or through is None:
        return False
    day = shift["start"][:10]
    return bool(day <= through and (begin is None or day >= begin))


def _event_id(*ids: str) -> str:
    return "bgs" + b32hexencode(sha256("\x1f".join(ids).encode()).digest()).decode().rstrip("=").lower()


def _wanted(shift: Json) -> Shown:
    zone = shift.get("time_zone") or ""
    texts = shift["title"], shift.get("location") or "", shift.get("notes") or ""
    return Shown(*texts, _moment(shift["start"], zone), _moment(shift["end"], zone))


def _shown(event: Json) -> Shown:
    texts = event.get("summary", ""), event.get("location", ""), event.get("description", "")
    return Shown(*texts, *(_point(event[side]) for side in ("start", "end")))


def _point(point: Json) -> tuple[float | str, str]:
    return _moment(
        point.get("dateTime") or point["date"], point.get("timeZone", "") if "dateTime" in point else ""
    )


def _moment(text: str, zone: str) -> tuple[float | str, str]:
    return (
        (datetime.fromisoformat(text).timestamp(), zone)
        if "T" in text
        else (date.fromisoformat(text).isoformat(), "")
    )


def _name(event: Shown) -> str:
    start = event.start[0]
    day = start if isinstance(start, str) else f"{datetime.fromtimestamp(start).astimezone():%Y-%m-%d}"
    return f"{event.summary} of {day}"
