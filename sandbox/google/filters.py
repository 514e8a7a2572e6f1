"""The constraints of events.list, read from the query and applied to events.

In: the decoded query. Out: a `Filter`, or the refusal of a bad value.
Repeated property constraints are AND'ed, as the discovery document says (the guide says OR: use one).
https://developers.google.com/workspace/calendar/api/v3/reference/events/list
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.google.errors import GoogleError, Json, invalid
from sandbox.google.models import Stored
from sandbox.google.times import parse_instant

UPDATED_MIN_DAYS = 28


@dataclass(frozen=True, slots=True)
class Filter:
    """The constraints of one listing."""

    time_min: float | None
    time_max: float | None
    updated_min: float | None
    since_change: int | None
    show_deleted: bool
    properties: tuple[tuple[str, str, str], ...]
    uid: str | None
    text: str | None

    def keeps(self, stored: Stored) -> bool:
        """Whether the listing has this event."""
        resource = stored.resource
        if stored.cancelled and not self.show_deleted:
            return False
        if self.since_change is not None and stored.changed <= self.since_change:
            return False
        if self.time_min is not None and stored.end <= self.time_min:
            return False
        if self.time_max is not None and stored.start >= self.time_max:
            return False
        if self.updated_min is not None and stored.updated < self.updated_min:
            return False
        if self.uid is not None and resource["iCalUID"] != self.uid:
            return False
        for scope, name, value in self.properties:
            if resource.get("extendedProperties", {}).get(scope, {}).get(name) != value:
                return False
        return self.text is None or self.text in _words(resource)


def read_filter(query: Mapping[str, Sequence[str]], since: int | None) -> Filter:
    """The constraints of a query; `since` is the change that a sync token stands for."""
    time_min, time_max, updated_min = (_instant(query, name) for name in ("timeMin", "timeMax", "updatedMin"))
    if time_min is not None and time_max is not None and time_max <= time_min:
        raise GoogleError(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")
    if updated_min is not None and updated_min < time.time() - UPDATED_MIN_DAYS * 86400:
        message = "The requested minimum modification time lies too far in the past."
        raise GoogleError(410, "updatedMinTooLongAgo", message, domain="calendar")
    text = one(query, "q")
    return Filter(
        time_min,
        time_max,
        updated_min,
        since,
        show_deleted=flag(query, "showDeleted") or since is not None or updated_min is not None,
        properties=tuple(_properties(query)),
        uid=one(query, "iCalUID"),
        text=None if text is None else text.casefold(),
    )


def flag(query: Mapping[str, Sequence[str]], name: str) -> bool:
    """A boolean parameter; `True` is accepted beside `true`, as clients written in Python send it."""
    text = one(query, name)
    if text is not None and text.lower() not in ("true", "false"):
        raise invalid(f"Invalid boolean value: '{text}'.")
    return text is not None and text.lower() == "true"


def one(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    """The value of a parameter, the last one if it came twice."""
    values = query.get(name)
    return values[-1] if values else None


def _properties(query: Mapping[str, Sequence[str]]) -> list[tuple[str, str, str]]:
    found = []
    for parameter, scope in (("privateExtendedProperty", "private"), ("sharedExtendedProperty", "shared")):
        for constraint in query.get(parameter, ()):
            name, equals, value = constraint.partition("=")
            if not name or not equals:
                raise invalid(f"Invalid value for: {parameter}. Expected propertyName=value.")
            found.append((scope, name, value))
    return found


def _instant(query: Mapping[str, Sequence[str]], name: str) -> float | None:
    text = one(query, name)
    if text is None:
        return None
    instant = parse_instant(text)
    if instant is None:
        raise GoogleError(400, "badRequest", f"Bad Request: {name} must be an RFC3339 time with an offset.")
    return instant


def _words(resource: Json) -> str:
    return " ".join(str(resource.get(name, "")) for name in ("summary", "description", "location")).casefold()
