"""What should stand in each user's Google calendar: worked out from the rules alone, knowing nothing of the code.

Comes in: the messages in the order of their first delivery, the agencies' policies and the time. Goes out: `Expected`
for a user. It starts from scratch each time, reads raw JSON, folds nothing, and shares no line with what it judges. The
order counts in one case only: of two contents of one version, an error upstream, the first stands.
"""

from __future__ import annotations

import hashlib
from base64 import b32hexencode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Json = Mapping[str, Any]
ShiftName = tuple[str, str]  # calendar, shift


@dataclass(frozen=True)
class Said:
    """One message: the topic without prefix, and its JSON."""

    topic: str
    value: Json


#: In the order of Google's palette, from 1.
COLOURS = (
    *("lavender", "sage", "grape", "flamingo", "banana", "tangerine"),
    *("peacock", "graphite", "blueberry", "basil", "tomato"),
)


@dataclass(frozen=True)
class Look:
    """How events look to one user: a colour by kind (`*`: any other), None and "": the user's own affair."""

    colours: Mapping[str, str] = field(default_factory=dict)
    show_as: str | None = None
    titles_only: bool = False

    def dress(self, kind: str) -> dict[str, str]:
        """Return the fields of Google's that are ours on events of this kind, and what must stand there."""
        colour = self.colours.get(kind, self.colours.get("*"))
        worn = {} if colour is None else {"colorId": str(COLOURS.index(colour) + 1)}
        match self.show_as:
            case "busy":
                return worn | {"transparency": "opaque"}
            case "free":
                return worn | {"transparency": "transparent"}
            case _:
                return worn


def look_of(policy: Any, preferences: Any) -> Look:
    """Return what an agency's policy and a user's preferences come to."""
    chosen = {name: getattr(preferences, name) for name in policy.user_may_choose}
    chosen = {name: choice for name, choice in chosen.items() if choice is not None}
    return Look(
        {"*": chosen["colour"]} if "colour" in chosen else dict(policy.colour),
        chosen.get("show_as", policy.show_as),
        chosen.get("details", policy.details) == "title_only",
    )


@dataclass(frozen=True)
class Rules:
    """The policies of an agency, as far as they decide what stands where."""

    synced_kinds: frozenset[str] = frozenset({"shift"})
    on_unpublish: str = "remove"
    on_leave: str = "keep"
    look: Look = Look()


@dataclass(frozen=True)
class Event:
    """The fields that an event must show. A moment is an instant in UTC and a zone, or a day and no zone.

    `dress`: colour and transparency, those of them that are ours.
    """

    summary: str
    location: str
    description: str
    start: tuple[str, str]
    end: tuple[str, str]
    dress: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Expected:
    """What is true for one user. `known`: some message spoke of a shift of theirs, whatever became of it.

    `withdrawn`: shifts of theirs that an un-publish or a roll-back leaves unpublished.
    """

    state: str
    purge: bool = False
    known: bool = False
    wanted: Mapping[ShiftName, Event] = field(default_factory=dict)
    versions: Mapping[ShiftName, int] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()
    withdrawn: frozenset[ShiftName] = frozenset()
    memberships: frozenset[str] = frozenset()


def expected(said: Sequence[Said], who: tuple[str, str], rules: Rules, now: datetime) -> Expected:
    """Return what should be true for this user once everything has come to rest."""
    agency, user = who
    own = [message for message in said if message.value["agency_id"] == agency]
    state, purge = _standing([m for m in own if m.value.get("user_id") == user])
    changes = _changes(own)
    calendars = {calendar for calendar, _ in changes} | {
        m.value["calendar_id"] for m in own if m.topic in {"calendar-published", "calendar-unpublished"}
    }
    publications = {calendar: _publication(own, calendar) for calendar in calendars}
    wanted, versions, withdrawn = {}, {}, set()
    for (calendar, shift), candidates in changes.items():
        winner = _winner(candidates)
        versions[calendar, shift] = int(_version(winner))
        publication = publications[calendar]
        if (
            winner["op"] == "upsert"
            and winner["shift"].get("user_id") == user
            and _withdraws(publication, winner["shift"])
        ):
            withdrawn.add((calendar, shift))
        if winner["op"] == "delete" or publication is None or _is_unpublished(publication):
            continue
        body = winner["shift"]
        is_theirs = body.get("user_id") == user and body.get("kind", "shift") in rules.synced_kinds
        if is_theirs and _is_published(publication.value, body) and _end(body) > now - timedelta(days=30):
            wanted[calendar, shift] = _event(body, rules.look)
    memberships = frozenset(
        calendar
        for (calendar, _), candidates in changes.items()
        if any(c["op"] == "upsert" and c["shift"].get("user_id") == user for c in candidates)
    )
    frozen = frozenset(
        calendar
        for calendar, publication in publications.items()
        if rules.on_unpublish == "keep" and publication is not None and _is_unpublished(publication)
    )
    return Expected(
        state, purge, bool(memberships), wanted, versions, frozen, frozenset(withdrawn), memberships
    )


def newest_version(said: Iterable[Said], agency: str, calendar: str, shift: str) -> int | None:
    """Return the version of the shift that stands."""
    changes = _changes(m for m in said if m.value["agency_id"] == agency).get((calendar, shift), [])
    return max((int(_version(change)) for change in changes), default=None)


def newest_connect(said: Iterable[Said], who: tuple[str, str]) -> str:
    """Return when the newest connect of the user was."""
    return max(
        (
            _utc(m.value["occurred_at"]).isoformat()
            for m in said
            if m.topic == "sync-commands"
            and (m.value["agency_id"], m.value["user_id"]) == who
            and m.value["command"] == "connect"
        ),
        default="",
    )


def google_id(agency: str, calendar: str, shift: str, n: int = 0) -> str:
    """Return the id of the shift's event; n > 0 where Google has burnt the ones before."""
    text = f"{agency}\x1f{calendar}\x1f{shift}" + (f"\x1f{n}" if n else "")
    return "bgs" + b32hexencode(hashlib.sha256(text.encode()).digest()).decode().lower().rstrip("=")


def shown(event: Json, dress: Iterable[str] = ("colorId", "transparency")) -> Event:
    """Return the fields we own of an event as Google shows it; `dress`: which of the optional ones."""

    def moment(point: Json) -> tuple[str, str]:
        if "date" in point:
            return point["date"], ""
        return _utc(point["dateTime"]).isoformat(), point["timeZone"]

    return Event(
        event.get("summary", ""),
        event.get("location", ""),
        event.get("description", ""),
        moment(event["start"]),
        moment(event["end"]),
        tuple((name, event.get(name) or _DEFAULTS[name]) for name in sorted(dress)),
    )


_DEFAULTS = {"colorId": "", "transparency": "opaque"}


def shown_as(event: Json, wish: Event) -> Event:
    """Return an event as Google shows it, as far as the wish says anything of it."""
    return shown(event, [name for name, _ in wish.dress])


def is_history(event: Json, now: datetime) -> bool:
    """Say whether an event ended 30 days ago or longer, by the end it has at Google."""
    end = event["end"]
    instant = _utc(end["dateTime"]) if end.get("dateTime") else _utc(end["date"] + "T00:00:00+00:00")
    return instant <= now - timedelta(days=30)


def _standing(own: Iterable[Said]) -> tuple[str, bool]:
    """The newest of connects, disconnects and deactivations; on a tie the connect."""
    turns = []
    for message in own:
        at = _utc(message.value["occurred_at"])
        if message.topic == "user-deactivated":
            turns.append((at, 1, False, "deactivated"))
        elif message.topic == "sync-commands" and message.value["command"] == "connect":
            turns.append((at, 2, False, "connected"))
        elif message.topic == "sync-commands" and message.value["command"] == "disconnect":
            turns.append((at, 0, bool(message.value.get("purge")), "disconnected"))
    if not turns:
        return "none", False
    _, _, purge, state = max(turns)
    return state, purge


def _changes(own: Iterable[Said]) -> dict[ShiftName, list[Json]]:
    found: dict[ShiftName, list[Json]] = {}
    for message in own:
        if message.topic == "schedule-changed":
            for change in message.value["changes"]:
                shift = change["shift_id"] if change["op"] == "delete" else change["shift"]["shift_id"]
                found.setdefault((message.value["calendar_id"], shift), []).append(change)
    return found


def _version(change: Json) -> Any:
    return change["version"] if change["op"] == "delete" else change["shift"]["version"]


def _winner(candidates: Sequence[Json]) -> Json:
    top = max(_version(c) for c in candidates)
    best = [c for c in candidates if _version(c) == top]
    return next((c for c in best if c["op"] == "delete"), best[0])


def _publication(own: Iterable[Said], calendar: str) -> Said | None:
    told = [
        m
        for m in own
        if m.topic in {"calendar-published", "calendar-unpublished"} and m.value["calendar_id"] == calendar
    ]
    if not told:
        return None
    top = max(m.value["version"] for m in told)
    best = [m for m in told if m.value["version"] == top]
    return next((m for m in best if m.topic == "calendar-unpublished"), best[0])


def _is_unpublished(publication: Said) -> bool:
    return publication.topic == "calendar-unpublished" and publication.value["reason"] == "unpublished"


def _withdraws(publication: Said | None, body: Json) -> bool:
    return (
        publication is not None
        and publication.topic == "calendar-unpublished"
        and not _is_published(publication.value, body)
    )


def _is_published(publication: Json, body: Json) -> bool:
    if publication.get("published_through") is None:
        return False
    start = body["start"]
    day = _utc(start).astimezone(ZoneInfo(body["time_zone"])).date().isoformat() if "T" in start else start
    return bool((publication.get("published_from") or "") <= day <= publication["published_through"])


def _end(body: Json) -> datetime:
    end = body["end"]
    return _utc(end if "T" in end else end + "T00:00:00+00:00")


def _event(body: Json, look: Look) -> Event:
    def moment(text: str) -> tuple[str, str]:
        if "T" not in text:
            return date.fromisoformat(text).isoformat(), ""
        return _utc(text).isoformat(), body["time_zone"]

    return Event(
        body["title"][:1024],
        "" if look.titles_only else (body.get("location") or "")[:1024],
        "" if look.titles_only else (body.get("notes") or "")[:8000],
        moment(body["start"]),
        moment(body["end"]),
        tuple(sorted(look.dress(body.get("kind", "shift")).items())),
    )


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
