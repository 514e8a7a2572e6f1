"""What must be true once everything is quiet, whatever went wrong before.

In: a story, the calendars, statuses and dead letters as they stand. Out: complaints, each naming what stands where; none
means that nothing was lost, doubled, left behind or taken from others.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.chaos.history import CALENDARS, SHIFTS, History, Message, Person
from tests.chaos.people import People
from tests.e2e.kafka import Record
from tests.e2e.messages import Json
from tests.e2e.world import INPUTS, World
from tests.planning.oracle import Expected, Said, expected, google_id, is_history, shown_as

#: More ids than a shift may have got.
GENERATIONS = 3
STATES = {
    "connected": "in_sync",
    "disconnected": "stopped",
    "deactivated": "deactivated",
    "none": "not_connected",
}


@dataclass
class Case:
    """Everything a judge looks at."""

    history: History
    world: World
    people: People

    def __post_init__(self) -> None:
        self.now = datetime.now(UTC)
        self.said = self.history.said
        self.names = {
            google_id(agency, calendar, f"s{number}", n): (agency, calendar, f"s{number}")
            for agency in self.history.rules
            for calendar in CALENDARS
            for number in range(SHIFTS)
            for n in range(GENERATIONS)
        }
        accounts = {person.account for person in self.history.people}
        self.standing = {account: self.world.google.events(account) for account in sorted(accounts)}
        statuses = self.world.records("sync-status")
        self.statuses: dict[str | None, Json] = {one.key: one.json for one in statuses if one.value}

    def truth(self, person: Person) -> Expected:
        """What the rules say about a person."""
        rules = self.history.rules_of(person.agency)
        return expected(self.said, (person.agency, person.user), rules, self.now)


def complaints(case: Case) -> list[str]:
    """Return everything that is wrong."""
    found = _others(case)
    for person in case.history.people:
        truth = case.truth(person)
        found += [
            f"{person.key}: {text}" for text in (*_told(case, person, truth), *_shown(case, person, truth))
        ]
    return found + _letters(case) + _calls(case)


def _others(case: Case) -> list[str]:
    """Events that are not ours stand exactly as their owners left them."""
    found = []
    for account, events in case.standing.items():
        theirs = {str(one["id"]): one for one in events if one["id"] not in case.names}
        left = {event: body for (owner, event), body in case.people.foreign.items() if owner == account}
        if theirs != left:
            odd = {event for event in theirs.keys() | left.keys() if theirs.get(event) != left.get(event)}
            found.append(f"{account}: events of somebody else's were touched: {sorted(odd)}")
    return found


def _shown(case: Case, person: Person, truth: Expected) -> list[str]:
    ours: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for event in case.standing[person.account]:
        agency, calendar, shift = case.names.get(event["id"], ("", "", ""))
        if agency == person.agency:
            ours[calendar, shift].append(event)
    found = [
        f"{'/'.join(name)} stands {len(events)} times" for name, events in ours.items() if len(events) > 1
    ]
    if truth.state == "connected":
        return found + _in_step(case, truth, ours)
    if truth.state == "none" and ours:
        return [*found, f"never connected, and has {sorted(ours)}"]
    rules = case.history.rules_of(person.agency)
    for name, events in ours.items():
        left = is_history(events[0], case.now)
        if truth.state == "disconnected" and truth.purge and _ended_once(case, person) and not left:
            found.append(f"{'/'.join(name)} was to be purged and stands there")
        future = datetime.fromisoformat(events[0]["start"].get("dateTime", f"{case.now:%Y-%m-%dT%H:%M:%S%z}"))
        leaves = truth.state == "deactivated" and rules.on_leave == "remove_future"
        if leaves and future > case.now and _ended_once(case, person):
            found.append(f"{'/'.join(name)} lies in the future of someone who left")
    return found


def _in_step(case: Case, truth: Expected, ours: dict[tuple[str, str], list[Json]]) -> list[str]:
    """Wanted is there, and as the newest version says; nothing else is."""
    found = []
    for name, wish in truth.wanted.items():
        if name not in ours:
            found.append(f"LOST {'/'.join(name)} v{truth.versions[name]}: {wish.summary}")
            continue
        event = ours[name][0]
        if (stands := shown_as(event, wish)) != wish:
            found.append(f"OLD {'/'.join(name)} v{truth.versions[name]}: {stands} and not {wish}")
        marked = int(event["extendedProperties"]["private"]["bgsVersion"])
        if marked > truth.versions[name]:
            found.append(
                f"{'/'.join(name)} says it is v{marked}, there is none beyond v{truth.versions[name]}"
            )
    for name, events in ours.items():
        if name not in truth.wanted and not (is_history(events[0], case.now) or name[0] in truth.frozen):
            found.append(f"LEFT {'/'.join(name)} should not stand there: {events[0].get('summary')}")
    return found


def _ended_once(case: Case, person: Person) -> bool:
    """Whether nothing else ended the connection since it began: an ending without purge may have come first."""
    turns = sorted(_turns(case.said, person))
    connects = [at for at, began in turns if began]
    return bool(connects) and len({at for at, began in turns if not began and at > connects[-1]}) == 1


def _turns(said: list[Said], person: Person) -> list[tuple[datetime, bool]]:
    return [
        (datetime.fromisoformat(one.value["occurred_at"]), one.value.get("command") == "connect")
        for one in said
        if (one.value["agency_id"], one.value.get("user_id")) == (person.agency, person.user)
        and (one.topic == "user-deactivated" or one.value.get("command") in {"connect", "disconnect"})
    ]


def _told(case: Case, person: Person, truth: Expected) -> list[str]:
    status = case.statuses.get(person.key)
    if status is None:
        return [] if truth.state == "none" and not truth.known else ["nobody was told a status"]
    if status["state"] == STATES[truth.state] and not status["pending"]:
        return []
    return [f"the status is {status}, and should be {STATES[truth.state]}"]


def _letters(case: Case) -> list[str]:
    """Each bad record has its letters, and no good one has any."""
    wanted: dict[bytes | None, int] = {
        one.value: one.letters for one in case.history.steps if isinstance(one, Message)
    }
    letters: dict[tuple[str, str, str], set[bytes | None]] = defaultdict(set)
    for letter in case.world.records("dead-letters"):
        where = letter.headers
        letters[where["source-topic"], where["source-partition"], where["source-offset"]].add(letter.value)
    found = []
    for name in INPUTS:
        for record in case.world.records(name):
            count = len(letters.pop(_place(record), set()))
            if count != wanted.get(record.value, 0):
                found.append(
                    f"{_place(record)}: {count} dead letters for {(record.value or b'null')[:200]!r}"
                )
    return found + [f"a dead letter names no record: {place}" for place in letters]


def _place(record: Record) -> tuple[str, str, str]:
    return record.topic, str(record.partition), str(record.offset)


def _calls(case: Case) -> list[str]:
    stats = case.world.google.stats()
    found = [f"inserted twice: {one}" for one in stats["duplicate_inserts"]]
    found += [f"not in Google's own description: {one}" for one in stats["violations"]]
    journal = case.world.google.journal()
    for (account, event_id), (colour, mark) in case.people.colours.items():
        removed = any(
            one["event_id"] == event_id and one["calendar"] == account and one["method"] == "events.delete"
            for one in journal[max(0, mark - 200) :]
        )
        event = next((one for one in case.standing[account] if one["id"] == event_id), None)
        if event is not None and not removed and event.get("colorId") != colour:
            found.append(f"{account}: the user's colour of {case.names[event_id]} is gone")
    return found
