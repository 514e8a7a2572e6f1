"""One week of every calendar, laid out for the page.

In: the state and a Monday. Out: plain JSON: per calendar the blocks of each day with their minutes and lanes.
Not here: HTTP, HTML, colours.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sandbox.google.errors import Json

if TYPE_CHECKING:
    from sandbox.google.calendars import State
    from sandbox.google.models import Calendar, Stored

DAY_MINUTES = 1440
# The ids that the product derives: "bgs" and the base32hex of a SHA-256.
_OURS = re.compile(r"bgs[0-9a-v]{52}", re.ASCII)


def monday(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def week(state: State, start: date) -> Json:
    """The week that begins on `start`."""
    return {
        "start": start.isoformat(),
        "previous": (start - timedelta(days=7)).isoformat(),
        "next": (start + timedelta(days=7)).isoformat(),
        "days": [(start + timedelta(days=n)).strftime("%a %d %b") for n in range(7)],
        "calendars": [_calendar(calendar, start) for calendar in state.calendars.values()],
    }


def _calendar(calendar: Calendar, start: date) -> Json:
    tz = ZoneInfo(calendar.time_zone)
    blocks: list[Json] = []
    for stored in calendar.events.values():
        if not stored.cancelled:
            blocks += _blocks(stored, start, tz)
    for day in range(7):
        _lanes([block for block in blocks if block["day"] == day and not block["all_day"]])
    blocks.sort(key=lambda block: (block["day"], block["from"], block["id"]))
    return {
        "id": calendar.id,
        "title": calendar.summary,
        "owner": calendar.owner,
        "time_zone": calendar.time_zone,
        "blocks": blocks,
    }


def _blocks(stored: Stored, start: date, tz: ZoneInfo) -> list[Json]:
    """An event's share of each day of the week."""
    begin, end = datetime.fromtimestamp(stored.start, tz), datetime.fromtimestamp(stored.end, tz)
    if end.date() < start or begin.date() >= start + timedelta(days=7):
        return []
    found = []
    for day in range(7):
        today = start + timedelta(days=day)
        minutes = _minutes(begin, today), _minutes(end, today)
        if minutes[0] < minutes[1]:
            found.append({**_looks(stored, begin, end), "day": day, "from": minutes[0], "to": minutes[1]})
    return found


def _minutes(moment: datetime, today: date) -> int:
    """The moment as minutes of that day, 0 before it and 1440 after it."""
    if moment.date() != today:
        return 0 if moment.date() < today else DAY_MINUTES
    return moment.hour * 60 + moment.minute


def _looks(stored: Stored, begin: datetime, end: datetime) -> Json:
    resource = stored.resource
    return {
        "id": resource["id"],
        "version": stored.changed,
        "ours": _OURS.fullmatch(resource["id"]) is not None,
        "all_day": "date" in resource["start"],
        "title": resource.get("summary", "(no title)"),
        "location": resource.get("location", ""),
        "color": resource.get("colorId", ""),
        "hours": f"{begin:%H:%M}-{end:%H:%M}",
        "lane": 0,
        "lanes": 1,
    }


def _lanes(blocks: list[Json]) -> None:
    """Put blocks that overlap side by side."""
    cluster: list[Json] = []
    reach = 0
    for block in sorted(blocks, key=lambda block: (block["from"], -block["to"], block["id"])):
        if cluster and block["from"] >= reach:
            _share(cluster)
            cluster, reach = [], 0
        taken = {other["lane"] for other in cluster if other["to"] > block["from"]}
        block["lane"] = next(lane for lane in range(len(cluster) + 1) if lane not in taken)
        cluster.append(block)
        reach = max(reach, block["to"])
    _share(cluster)


def _share(cluster: list[Json]) -> None:
    lanes = max((block["lane"] for block in cluster), default=0) + 1
    for block in cluster:
        block["lanes"] = lanes


def parse_start(text: str | None) -> date:
    """The Monday that a query asks for; today's week without one. ValueError if it is no date."""
    return monday(datetime.now(UTC).date() if text is None else date.fromisoformat(text))
