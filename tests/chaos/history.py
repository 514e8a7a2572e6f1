"""What happens in one story, drawn from a seed alone: who sends what, who consents, who edits what at Google.

In: a seed (and today's date, since the window is measured in real time). Out: `History`, the same one every time. Not
here: what goes wrong meanwhile; a broken machine changes no message.

Messages come in any order and more than once. Only turns of a connection (connect, disconnect, deactivation) never come
before they happened, because a consent is stored before it is announced; late and again they may well come.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.chaos.bad import spoiled
from tests.planning.oracle import Rules, Said

Json = dict[str, Any]

ZONES = ("America/New_York", "Europe/Berlin", "Asia/Tokyo", "Asia/Kolkata")
POLICIES: tuple[Json, ...] = ({}, {"on_unpublish": "keep"}, {"on_leave": "remove_future"})
CALENDARS = ("north", "south")
USERS, SHIFTS = 5, 20

#: The first two change nothing of ours.
EDITS = ("own", "expire", "delete", "rename", "colour", "move", "past", "copy")

#: How far a message may come before or after its place, in messages.
LATE = 60


class Person(NamedTuple):
    """A user of an agency, and the Google account that is theirs."""

    agency: str
    user: str
    account: str

    @property
    def key(self) -> str:
        return f"{self.agency}/{self.user}"


class Message(NamedTuple):
    """One record. `said`: what of it counts; None where nothing does. `letters`: how many dead letters it must come to."""

    topic: str
    key: bytes | None
    value: bytes | None
    said: Said | None
    letters: int = 0


class Consent(NamedTuple):
    """A person connects: a token goes into the vault, which announces the connect."""

    person: Person
    at: datetime


class Edit(NamedTuple):
    """A person does something in the own Google calendar; `salt` picks the event among those that stand there then."""

    what: str
    account: str
    salt: int


Step = Message | Consent | Edit


@dataclass
class History:
    """A story in the order in which it is told."""

    seed: int
    people: list[Person]
    rules: dict[str, Json]
    steps: list[Step]
    last: datetime
    """Later than every command."""
    edited: bool
    """Whether people edit what is theirs, and ours. If not, nothing has to be looked at again in the end."""

    @property
    def said(self) -> list[Said]:
        """What counts, in the order of the first delivery; connects too, which the vault announces."""
        found = [one.said for one in self.steps if isinstance(one, Message) and one.said is not None]
        consents = [one for one in self.steps if isinstance(one, Consent)]
        return found + [Said("sync-commands", command(one.person, "connect", one.at)) for one in consents]

    def rules_of(self, agency: str) -> Rules:
        """The policies of an agency as the oracle takes them."""
        return Rules(**self.rules[agency])


def command(person: Person, what: str, at: datetime, **more: Any) -> Json:
    """One of `sync-commands`."""
    return envelope(person.agency, at) | {"user_id": person.user, "command": what} | more


def envelope(agency: str, at: datetime) -> Json:
    """What every message has."""
    return {"event_id": f"e{at:%d%H%M%S}", "occurred_at": at.isoformat(), "agency_id": agency}


@dataclass
class _Tale:
    """A story while it is made up."""

    dice: random.Random
    noon: datetime
    people: list[Person]
    edits: tuple[str, ...]
    seconds: int = 0
    versions: dict[tuple[str, str, str], int] = field(default_factory=dict)
    placed: list[tuple[float, int, Step]] = field(default_factory=list)

    def tick(self) -> datetime:
        """The time of the next thing that happens; up to a minute after the one before."""
        self.seconds += self.dice.randint(1, 60)
        return self.noon - timedelta(days=3) + timedelta(seconds=self.seconds)

    def put(self, place: float, step: Step) -> None:
        self.placed.append((place, len(self.placed), step))

    def next_version(self, *name: str) -> int:
        key = (name[0], name[1], name[2])
        self.versions[key] = self.versions.get(key, 0) + self.dice.choice((1, 1, 1, 5))
        return self.versions[key]


def tell(seed: int, messages: int = 500, today: datetime | None = None) -> History:
    """Make up the story of a seed."""
    dice = random.Random(seed)
    noon = (today or datetime.now(UTC)).replace(hour=12, minute=0, second=0, microsecond=0)
    agencies = [f"agency{number}" for number in range(dice.choice((2, 3)))]
    rules = {agency: dice.choice(POLICIES) for agency in agencies}
    people = [
        # The first of each agency is one and the same person at Google.
        Person(agency, f"u{n}", "twins@example.com" if n == 0 else f"u{n}.{agency}@example.com")
        for agency in agencies
        for n in range(USERS)
    ]
    edited = dice.random() < 0.5
    tale = _Tale(dice, noon, people, EDITS if edited else EDITS[:2])
    for person in people:
        if dice.random() < 0.85:
            tale.put(-1, Consent(person, tale.tick()))
    for agency in agencies:
        for calendar in CALENDARS:
            _deliver(tale, 0, _publication(tale, agency, calendar, "publish"))
    for index in range(round(messages * 0.8)):
        _invent(tale, float(index), agencies)
    steps = [step for _, _, step in sorted(tale.placed, key=lambda one: one[:2])]
    return History(seed, people, rules, steps, tale.tick() + timedelta(hours=1), edited)


def _invent(tale: _Tale, place: float, agencies: list[str]) -> None:
    """One thing happens."""
    dice = tale.dice
    agency, calendar = dice.choice(agencies), dice.choice(CALENDARS)
    match dice.choices(("shifts", "publication", "turn", "resync", "bad", "edit"), (70, 8, 6, 4, 5, 7))[0]:
        case "shifts":
            _deliver(tale, place, _schedule(tale, agency, calendar))
        case "publication":
            what = dice.choices(("publish", "back", "unpublish"), (60, 22, 18))[0]
            _deliver(tale, place, _publication(tale, agency, calendar, what))
        case "turn":
            _turn(tale, place)
        case "resync":
            person = dice.choice(tale.people)
            _deliver(tale, place, _message("sync-commands", command(person, "resync", tale.tick())), least=0)
        case "bad":
            value, said, letters, topic = spoiled(dice, _schedule(tale, agency, calendar).value or b"")
            good = None if said is None else Said(topic, said)
            _deliver(tale, place, Message(topic, _key(dice), value, good, letters))
        case _:
            tale.put(
                place, Edit(dice.choice(tale.edits), dice.choice(tale.people).account, dice.randrange(10_000))
            )


def _deliver(tale: _Tale, place: float, message: Message, least: float = -LATE) -> None:
    """Somewhere around its place, and perhaps again."""
    dice = tale.dice
    first = place + (dice.uniform(max(0, least), 400) if dice.random() < 0.08 else dice.uniform(least, LATE))
    tale.put(first, message)
    while dice.random() < 0.2:
        tale.put(dice.uniform(max(first, place), first + 300), message)


def _turn(tale: _Tale, place: float) -> None:
    """A connection begins or ends."""
    dice, person = tale.dice, tale.dice.choice(tale.people)
    what = dice.choices(("connect", "disconnect", "purge", "deactivate"), (55, 18, 17, 10))[0]
    at = tale.tick()
    match what:
        case "connect":
            tale.put(place, Consent(person, at))
            while dice.random() < 0.3:
                _deliver(tale, place, _message("sync-commands", command(person, "connect", at)), least=0)
        case "deactivate":
            value = envelope(person.agency, at) | {"user_id": person.user}
            _deliver(tale, place, _message("user-deactivated", value), least=0)
        case _:
            more = {"purge": True} if what == "purge" else {}
            _deliver(
                tale, place, _message("sync-commands", command(person, "disconnect", at, **more)), least=0
            )


def _message(topic: str, value: Json, key: bytes | None = None) -> Message:
    if topic == "sync-commands":  # the one topic whose key is agreed upon
        key = f"{value['agency_id']}/{value['user_id']}".encode()
    return Message(topic, key, json.dumps(value).encode(), Said(topic, value))


def _key(dice: random.Random) -> bytes:
    """Producers may use any key: here one that says nothing, so that nothing keeps its order."""
    return f"{dice.randrange(1_000)}".encode()


def _schedule(tale: _Tale, agency: str, calendar: str) -> Message:
    dice = tale.dice
    names = dice.sample(range(SHIFTS), dice.choice((1, 1, 1, 2, 3, 8)))
    changes = [_change(tale, agency, calendar, f"s{number}") for number in names]
    value = envelope(agency, tale.tick()) | {"calendar_id": calendar, "changes": changes}
    return _message("schedule-changed", value, _key(dice))


def _change(tale: _Tale, agency: str, calendar: str, name: str) -> Json:
    dice = tale.dice
    version = tale.next_version(agency, calendar, name)
    if dice.random() < 0.14:
        return {"op": "delete", "shift_id": name, "version": version}
    users = [person.user for person in tale.people if person.agency == agency]
    shift = {
        "shift_id": name,
        "version": version,
        # Most edits leave a shift with whom it was given to first.
        "user_id": dice.choices((users[int(name[1:]) % len(users)], dice.choice(users), None), (55, 40, 5))[
            0
        ],
        "kind": dice.choices(("shift", "training"), (93, 7))[0],
        "title": f"{calendar} {name} v{version}" if dice.random() < 0.8 else f"{calendar} {name}",
        "location": dice.choice((None, "Station 4", "Station 7")),
        "notes": dice.choice((None, None, "Bring the new radio", "n" * 9_000)),
    }
    return {"op": "upsert", "shift": shift | _times(tale)}


def _times(tale: _Tale) -> Json:
    dice = tale.dice
    # Far from every border of the window, so that a story ends alike however long it takes.
    days = dice.choices((-45, -20, -2, 1, 2, 3, 9, 25, 60), (3, 4, 6, 15, 15, 15, 17, 15, 10))[0]
    start = tale.noon + timedelta(days=days, hours=dice.randrange(12))
    if dice.random() < 0.15:
        first = start.date()
        return {"start": f"{first}", "end": f"{first + timedelta(days=dice.choice((1, 2)))}"}
    end = start + timedelta(hours=dice.choice((4, 8, 12)))
    return {"start": start.isoformat(), "end": end.isoformat(), "time_zone": dice.choice(ZONES)}


def _publication(tale: _Tale, agency: str, calendar: str, what: str) -> Message:
    dice = tale.dice
    value = envelope(agency, tale.tick()) | {
        "calendar_id": calendar,
        "version": tale.next_version(agency, calendar, "publication"),
    }
    through = (tale.noon + timedelta(days=dice.choice((4, 15, 400, 400, 400, 400)))).date()
    since = dice.choice((*[None] * 4, (tale.noon - timedelta(days=10)).date(), tale.noon.date()))
    bounds = {"published_through": f"{through}"} | ({} if since is None else {"published_from": f"{since}"})
    match what:
        case "publish":
            return _message("calendar-published", value | bounds, _key(dice))
        case "back":
            more = bounds if dice.random() < 0.8 else {}
            return _message("calendar-unpublished", value | {"reason": "rolled_back"} | more, _key(dice))
        case _:
            return _message("calendar-unpublished", value | {"reason": "unpublished"}, _key(dice))
