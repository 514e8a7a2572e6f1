"""What an event looks like: the fields we own, their fingerprint, and the bodies of insert and patch.

Comes in: a wish and its agency's policy, or an event as Google holds it. Goes out: JSON for Google, and fingerprints
that are equal exactly when the fields we own are: instants plus zone, never spelling.

Fields we never send: attendees, source; `reminders` only on insert. Colour and transparency are the event's dress
(`planning.dress`): ours only where somebody has set them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from planning import dress
from planning.shifts import content
from schemas.facts import Wish
from schemas.mutations import DressField, EventBody, Rendered
from schemas.policy import Policy

#: Longest texts we send, in characters. Google documents none; longer ones were seen refused or cut.
SUMMARY, LOCATION, DESCRIPTION = 1_024, 1_024, 8_000


def fingerprint(calendar_id: str, shift_id: str, wish: Wish, policy: Policy) -> str:
    """Return the fingerprint of `render`; remembered, since every plan asks for that of every shift."""
    key = _key(calendar_id, shift_id, wish, policy)
    if (known := _known.get(key)) is None:
        if len(_known) >= _KNOWN_MOST:
            _known.clear()
        known = _known[key] = render(calendar_id, shift_id, wish, policy).fingerprint
    return known


_known: dict[object, str] = {}
_KNOWN_MOST = 50_000


def _key(calendar_id: str, shift_id: str, wish: Wish, policy: Policy) -> object:
    """Return what the fingerprint depends on. A wish is known by what it says, its kind included."""
    look = policy.colour, policy.show_as, policy.details
    # Only a template can tell shifts of the same content apart.
    if policy.title is not None or policy.description is not None:
        return calendar_id, shift_id, content(wish), policy.title, policy.description, look
    return content(wish) if look == _PLAIN else (content(wish), look)


_PLAIN = (Policy().colour, Policy().show_as, Policy().details)


def render(calendar_id: str, shift_id: str, wish: Wish, policy: Policy) -> Rendered:
    """Return what the event of this wish should show under the agency's templates."""
    words = {
        "shift_id": shift_id,
        "title": wish.title,
        "location": wish.location or "",
        "notes": wish.notes or "",
        "kind": wish.kind,
        "calendar_id": calendar_id,
    }
    summary = _fill(_title(policy), words, wish.title)[:SUMMARY]
    location, description = "", ""
    if policy.details == "full":
        location = (wish.location or "")[:LOCATION]
        description = _fill(policy.description, words, wish.notes or "")[:DESCRIPTION]
    start, end = _moment(wish.start, wish.time_zone), _moment(wish.end, wish.time_zone)
    fields = [summary, location, description, *_spelled(start), *_spelled(end)]
    worn = dress.wanted(wish.kind, policy)
    return Rendered(
        summary, location, description, start, end, _fingerprint(fields) + dress.spelled(worn), worn
    )


def insert_body(event_id: str, rendered: Rendered, names: dict[str, str]) -> EventBody:
    """Return the body of an insert, our own id in it; `names` are our private properties."""
    body = {
        "id": event_id,
        "summary": rendered.summary,
        "location": rendered.location,
        "description": rendered.description,
        "start": _point(rendered.start),
        "end": _point(rendered.end),
        "reminders": {"useDefault": True},
        "extendedProperties": {"private": names},
    } | dict(rendered.dress)
    return {field: value for field, value in body.items() if value}


def as_patch(insert: EventBody, undress: Collection[DressField] = ()) -> EventBody:
    """Return the patch that gives a standing event the fields of this insert, and these fields back to its user.

    A patch merges, nested objects too, so whatever the insert lacks is set to null: an emptied text, the other kind of
    time (https://developers.google.com/workspace/calendar/api/guides/performance#patch-semantics).
    """
    nothing: EventBody = {"summary": None, "location": None, "description": None} | dict.fromkeys(undress)
    body = nothing | insert
    body |= {
        side: {"date": None, "dateTime": None, "timeZone": None} | insert[side] for side in ("start", "end")
    }
    return {field: value for field, value in body.items() if field not in {"id", "reminders"}}


def event_fingerprint(event: EventBody, worn: Collection[DressField] = ()) -> str:
    """Return the fingerprint of the fields we own, as they stand at Google; `worn`: those of the dress."""
    fields = [event.get("summary") or "", event.get("location") or "", event.get("description") or ""]
    for side in ("start", "end"):
        point: dict[str, Any] = event.get(side) or {}
        fields += _spelled((str(point.get("dateTime") or point.get("date") or ""), point.get("timeZone")))
    return _fingerprint(fields) + dress.spelled(dress.standing(event, worn))


def event_instant(event: EventBody, side: str) -> datetime:
    """Return when the event starts or ends (`side`), in UTC; a day stands for 00:00 UTC."""
    point = event[side]
    if text := point.get("dateTime"):
        return datetime.fromisoformat(text).astimezone(UTC)
    day = date.fromisoformat(point["date"])
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _moment(value: date, time_zone: str | None) -> tuple[str, str | None]:
    if isinstance(value, datetime):
        zone = time_zone or "UTC"
        # The instant wins over the offset that came with it, and is shown in the shift's zone.
        return value.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds"), zone
    return value.isoformat(), None


def _point(moment: tuple[str, str | None]) -> EventBody:
    text, zone = moment
    return {"date": text} if zone is None else {"dateTime": text, "timeZone": zone}


def _spelled(moment: tuple[str, str | None]) -> list[str]:
    """Spell a moment one way only: ``07:00-05:00`` and ``12:00Z`` in one zone are the same."""
    text, zone = moment
    if "T" not in text:
        return [text, ""]
    return [datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds"), zone or ""]


def _fingerprint(fields: list[str]) -> str:
    return sha256(orjson.dumps(fields)).hexdigest()[:16]


_TEMPLATES = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


def _title(policy: Policy) -> str | None:
    """Return the template of the title. One that tells more than a title gives way where no more is wanted."""
    if policy.title is None or policy.details == "full" or not _tells_details(policy.title):
        return policy.title
    return None


@lru_cache(maxsize=1_000)
def _tells_details(source: str) -> bool:
    try:
        return not meta.find_undeclared_variables(_TEMPLATES.parse(source)).isdisjoint({"location", "notes"})
    except TemplateError:
        return False  # it fails on every shift, and the plain title is shown


@lru_cache(maxsize=1_000)
def _compiled(source: str) -> Template:
    return _TEMPLATES.from_string(source)


def _fill(source: str | None, words: dict[str, str], plain: str) -> str:
    """Fill a template. One that fails on this shift's words shows the plain text: the shift matters more than its dress."""
    if source is None:
        return plain
    try:
        return _compiled(source).render(words)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError):
        return plain
