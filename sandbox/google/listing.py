"""events.list: filters, pages, incremental sync.

In: a calendar and the decoded query. Out: one page, as Google words it.
Not here: the constraints (`filters.py`), HTTP, and the check of parameter names (`discovery.py`).

The rules: https://developers.google.com/workspace/calendar/api/v3/reference/events/list and .../guides/sync.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.google.errors import Json, full_sync_required, invalid
from sandbox.google.filters import flag, one, read_filter
from sandbox.google.times import render, render_utc, zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.google.calendars import State
    from sandbox.google.models import Calendar, Stored

DEFAULT_PAGE = 250
LARGEST_PAGE = 2500
NOT_WITH_SYNC_TOKEN = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)

Key = tuple[float, int]


def list_events(state: State, calendar: Calendar, query: Mapping[str, Sequence[str]]) -> Json:
    """One page of a calendar."""
    wanted = read_filter(query, _since(state, calendar, query))
    order = one(query, "orderBy")
    if order not in (None, "startTime", "updated"):
        raise invalid("Invalid value for: orderBy.")
    if order == "startTime" and not flag(query, "singleEvents"):
        raise invalid("The requested ordering is not available for the particular query.")
    mark, after, full = _resume(state, query)
    # Without orderBy the key of an event never changes, so a page that is read while events change neither
    # repeats one nor skips one.
    keyed = sorted(
        ((_key(stored, order), stored) for stored in calendar.events.values()), key=lambda pair: pair[0]
    )
    rest = [
        (key, stored)
        for key, stored in keyed
        if (after is None or key > after)
        and calendar.burnt.get(stored.resource["id"]) != "gone"
        and wanted.keeps(stored)
    ]
    size = min(_page_size(query), state.switches.page_cap or LARGEST_PAGE)
    page = [] if state.switches.empty_pages and full else rest[:size]
    answer = _envelope(state, calendar)
    tz = one(query, "timeZone")
    answer["items"] = [visible(state, stored, tz) for _, stored in page]
    if len(page) < len(rest):
        last = page[-1][0] if page else after
        answer["nextPageToken"] = _seal([state.sync_epoch, mark, last, bool(page), _signature(query)])
    elif not any(name in query for name in NOT_WITH_SYNC_TOKEN):
        answer["nextSyncToken"] = _seal([state.sync_epoch, calendar.id, mark])
    return answer


def visible(state: State, stored: Stored, time_zone: str | None = None) -> Json:
    """An event as it is answered: cancelled ones possibly bare, times in the zone that was asked for."""
    resource = stored.resource
    if stored.cancelled and state.switches.bare_cancelled:
        return {key: resource[key] for key in ("kind", "etag", "id", "status")}
    if time_zone is None or "date" in resource["start"]:
        return resource
    tz = zone(time_zone)
    if tz is None:
        raise invalid("Invalid time zone.")
    start = {**resource["start"], "dateTime": render(stored.start, tz)}
    return {**resource, "start": start, "end": {**resource["end"], "dateTime": render(stored.end, tz)}}


def _since(state: State, calendar: Calendar, query: Mapping[str, Sequence[str]]) -> int | None:
    token = one(query, "syncToken")
    if token is None:
        return None
    for name in NOT_WITH_SYNC_TOKEN:
        if name in query:
            raise invalid(f"Sync token cannot be used together with {name}.")
    if "showDeleted" in query and not flag(query, "showDeleted"):
        raise invalid("Sync token cannot be used with showDeleted=false.")
    match _open(token):
        case [int(epoch), str(calendar_id), int(mark)] if calendar_id == calendar.id:
            if epoch != state.sync_epoch:
                raise full_sync_required()
            return mark
        case _:
            raise invalid("Invalid sync token value.")


def _resume(state: State, query: Mapping[str, Sequence[str]]) -> tuple[int, Key | None, bool]:
    """The sync mark of the first page, the key to go on after, and whether the page before had items."""
    token = one(query, "pageToken")
    if token is None:
        return state.changes, None, True
    match _open(token):
        case [int(epoch), int(mark), last, bool(full), int(signature)] if signature == _signature(query):
            if epoch == state.sync_epoch:
                return mark, None if last is None else (last[0], last[1]), full
    raise invalid("Invalid page token value.")


def _key(stored: Stored, order: str | None) -> Key:
    match order:
        case "startTime":
            return stored.start, stored.ordinal
        case "updated":
            return float(stored.changed), stored.ordinal
        case _:
            return 0.0, stored.ordinal


def _signature(query: Mapping[str, Sequence[str]]) -> int:
    """Pages of one listing must be asked for with the same parameters."""
    same = sorted(
        (name, list(values)) for name, values in query.items() if name not in ("pageToken", "maxResults")
    )
    return zlib.crc32(orjson.dumps(same))


def _page_size(query: Mapping[str, Sequence[str]]) -> int:
    text = one(query, "maxResults")
    if text is None:
        return DEFAULT_PAGE
    if not text.isdecimal() or int(text) < 1:
        raise invalid(f"Invalid value '{text}'. Values must be within the range: [1, {LARGEST_PAGE}]")
    return min(int(text), LARGEST_PAGE)


def _envelope(state: State, calendar: Calendar) -> Json:
    newest = max((stored.updated for stored in calendar.events.values()), default=0.0)
    return {
        "kind": "calendar#events",
        "etag": f'"p{state.changes}"',
        "summary": calendar.summary,
        "updated": render_utc(newest),
        "timeZone": calendar.time_zone,
        "accessRole": "owner",
        "defaultReminders": [{"method": "popup", "minutes": 30}],
    }


def _seal(content: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def _open(token: str) -> Any:
    try:
        return orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, binascii.Error):
        return None
