"""A month of rosters of a made-up agency.

In: a first and a last day. Out: the shifts of those days, as upstream describes them in `schedule-changed`.
Not here: messages and changes (`data.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

TIME_ZONE: Final = "America/New_York"
ROSTER: Final = "field-ops"
STANDBY: Final = "standby"

Json = dict[str, Any]


class Person(NamedTuple):
    """A user of the agency, and the Google account that belongs to the same person."""

    user_id: str
    name: str
    account: str


PEOPLE: Final = (
    Person("u-11", "Ana Reyes", "ana.reyes@example.org"),
    Person("u-12", "Ben Okafor", "ben.okafor@example.org"),
    Person("u-13", "Chloe Lindqvist", "chloe.lindqvist@example.org"),
)
_ZONE: Final = ZoneInfo(TIME_ZONE)
_PATTERN: Final = ("day", "day", "night", "night", None, None)
_TITLES: Final = {
    "day": "Medic 12 Day",
    "night": "Medic 12 Night",
    "standby": "Stadium standby",
    "on-call": "On call",
}


@dataclass(slots=True)
class Entry:
    """A shift and the calendar it is planned in."""

    calendar: str
    shift: Json


def month(first: date, last: date) -> Iterator[Entry]:
    """Rosters of twelve hours, two days and two nights and two off; on weekends standby for who is off."""
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for index, person in enumerate(PEOPLE):
            what = _PATTERN[(number + 2 * index) % len(_PATTERN)]
            if what is not None:
                hour = 7 if what == "day" else 19
                yield timed(ROSTER, f"{what}-{day}", person.user_id, _TITLES[what], (day, hour, 12))
            elif make := _WEEKEND.get(day.weekday()):
                yield make(day, person.user_id)
        if day.weekday() == 2:
            yield timed(ROSTER, f"open-{day}", None, "Medic 14 Day (open)", (day, 7, 12))


def timed(
    calendar: str, shift_id: str, user_id: str | None, title: str, when: tuple[date, int, int]
) -> Entry:
    """Plan a shift; `when` is its day, the hour it begins, and how many hours it lasts."""
    day, hour, hours = when
    start = datetime.combine(day, time(hour), _ZONE)
    # Clocks on the wall: a night of twelve hours ends at seven, also when summer time does.
    end = start + timedelta(hours=hours)
    shift = {
        "shift_id": shift_id,
        "version": 1,
        "user_id": user_id,
        "kind": "shift",
        "title": title,
        "start": start.isoformat(),
        "end": end.isoformat(),
        "time_zone": TIME_ZONE,
        "location": "Station 4",
    }
    return Entry(calendar, shift)


def _round_the_clock(day: date, user_id: str) -> Entry:
    return timed(STANDBY, f"standby-{day}", user_id, _TITLES["standby"], (day, 7, 24))


def _all_day(day: date, user_id: str) -> Entry:
    end = (day + timedelta(days=1)).isoformat()
    times = {"start": day.isoformat(), "end": end}
    shift = {
        "shift_id": f"on-call-{day}",
        "version": 1,
        "user_id": user_id,
        "kind": "shift",
        "title": _TITLES["on-call"],
        **times,
    }
    return Entry(STANDBY, shift)


_WEEKEND: Final[dict[int, Callable[[date, str], Entry]]] = {5: _round_the_clock, 6: _all_day}
