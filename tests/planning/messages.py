"""Messages as upstream might send them, from a world small enough that everything meets everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

#: The day on which every story begins.
BEGIN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

AGENCIES = ("metro", "rural")
CALENDARS = ("dec", "jan")
SHIFTS = ("1", "2", "3")
USERS = ("ann", "bob", "cyd")

#: Around both edges of the window, and on the nights when clocks are turned: 25 October in Berlin, 1 November in New York.
_DAYS = (-62, -33, -31, -30, -29, -22, -1, 0, 1, 5, 20, 40)
_ZONES = ("America/New_York", "Europe/Berlin", "Pacific/Auckland", "Asia/Kolkata", "UTC")
_KINDS = ("shift", "shift", "shift", "training")


@st.composite
def shifts(draw: st.DrawFn, shift_id: str | None = None) -> dict[str, Any]:
    """Return one shift."""
    day = BEGIN.date() + timedelta(days=draw(st.sampled_from(_DAYS)))
    shift: dict[str, Any] = {
        "shift_id": shift_id or draw(st.sampled_from(SHIFTS)),
        "version": draw(st.integers(0, 5)),
        "user_id": draw(st.sampled_from((*USERS, *USERS, None))),
        "kind": draw(st.sampled_from(_KINDS)),
        "title": draw(st.sampled_from(("Day", "Night", ""))),
        "location": draw(st.sampled_from((None, "Station 4", "None"))),
    }
    if draw(st.integers(0, 3)) == 0:
        shift |= {
            "start": day.isoformat(),
            "end": (day + timedelta(days=draw(st.integers(1, 2)))).isoformat(),
        }
        return shift
    zone = draw(st.sampled_from(_ZONES))
    hour, minutes = draw(st.sampled_from(((0, 30), (2, 60), (7, 720), (7, 1440), (23, 90))))
    start = datetime(day.year, day.month, day.day, hour, 30, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    # An offset that disagrees with the zone now and then: the instant wins.
    written_in = ZoneInfo(draw(st.sampled_from((zone, zone, "UTC", "Asia/Kolkata"))))
    end = start + timedelta(minutes=minutes)
    return shift | {
        "start": start.astimezone(written_in).isoformat(),
        "end": end.astimezone(written_in).isoformat(),
        "time_zone": zone,
    }


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """Return one change of one shift."""
    if draw(st.integers(0, 4)) == 0:
        shift, version = draw(st.sampled_from(SHIFTS)), draw(st.integers(0, 5))
        return {"op": "delete", "shift_id": shift, "version": version}
    return {"op": "upsert", "shift": draw(shifts())}


@st.composite
def schedules(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return a topic and a value that changes shifts of one calendar."""
    return "schedule-changed", _envelope(draw) | {
        "changes": draw(st.lists(changes(), min_size=1, max_size=4))
    }


@st.composite
def publications(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return a topic and a value that publishes, un-publishes or rolls back one calendar."""
    value = _envelope(draw) | {"version": draw(st.integers(0, 5))}
    through = {"published_through": _day(draw, (-29, -1, 0, 1, 5, 20, 60))}
    since = {"published_from": _day(draw, (-90, -29, 0, 1, 5))} if draw(st.booleans()) else {}
    match draw(st.integers(0, 5)):
        case 0:
            return "calendar-unpublished", value | {"reason": "unpublished"}
        case 1:
            return "calendar-unpublished", value | {"reason": "rolled_back"}
        case 2:
            return "calendar-unpublished", value | {"reason": "rolled_back"} | through | since
        case _:
            return "calendar-published", value | through | since


def publication(agency: str, calendar: str) -> dict[str, Any]:
    """Return the first publication of a calendar, for a long time."""
    through = (BEGIN.date() + timedelta(days=60)).isoformat()
    names = {"event_id": "p", "occurred_at": BEGIN.isoformat(), "agency_id": agency, "calendar_id": calendar}
    return names | {"version": 0, "published_through": through}


def _envelope(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "event_id": "e",
        "occurred_at": BEGIN.isoformat(),
        "agency_id": draw(st.sampled_from((AGENCIES[0], AGENCIES[0], AGENCIES[1]))),
        "calendar_id": draw(st.sampled_from(CALENDARS)),
    }


def _day(draw: st.DrawFn, offsets: tuple[int, ...]) -> str:
    return (BEGIN.date() + timedelta(days=draw(st.sampled_from(offsets)))).isoformat()
