"""The whole flow in one thread: messages, agents, tables, lanes, a vault, and Google in memory.

Comes in: messages, and what happens to machines and calendars. Goes out: what stands in the calendars. Each agent and
each lane moves one step at a time, so that a story may put anything between two steps; whatever travels or is stored
goes through JSON. No decision is made here: those are of `planning`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter

from gcal.memory import MemoryGoogle
from planning import answers, calendars, users
from planning.agenda import Look, Release, Rest, Write, agenda, pending
from planning.connection import daily_look
from planning.gathering import gathered
from planning.identity import shift_key
from planning.intake import Reading, Source, read
from planning.observation import observe
from planning.problems import no_token
from planning.steps import whole
from planning.verify import ids_to_read, known_ids
from planning.window import listed_from
from schemas.answers import Held
from schemas.facts import (
    CalendarFact,
    CalendarReleased,
    CalendarSeen,
    CallsAnswered,
    PreferencesSet,
    PublicationChanged,
    ShiftsChanged,
    TokenReleased,
    TroubleFound,
    UserFact,
)
from schemas.mutations import Call, EventBody, Get, Insert, Patch, Remove
from schemas.outcomes import Observed
from schemas.outputs import SyncResult, SyncStatus
from schemas.policy import Policy
from schemas.preferences import Preferences
from schemas.rows import AssignmentRow, PublicationRow, RosterRow, UserRow
from tests.planning.messages import BEGIN
from tests.planning.oracle import Said, is_history, look_of

Who = tuple[str, str]
Fault = Literal["none", "before", "after"]

_CALENDAR_FACT: TypeAdapter[CalendarFact] = TypeAdapter(CalendarFact)
_USER_FACT: TypeAdapter[UserFact] = TypeAdapter(UserFact)


@dataclass
class Input:
    """A record of an input topic."""

    topic: str
    value: dict[str, Any]
    at: datetime
    delivered: bool = False


@dataclass
class Tables:
    """What the calendars agent stores."""

    publications: dict[Who, PublicationRow] = field(default_factory=dict)
    assignments: dict[tuple[str, str, str], AssignmentRow] = field(default_factory=dict)
    rosters: dict[tuple[str, str, str], RosterRow] = field(default_factory=dict)

    def copy(self) -> Tables:
        return Tables(dict(self.publications), dict(self.assignments), dict(self.rosters))


@dataclass
class Lane:
    """What a lane knows and a crash forgets. `told`: the offset of its last report. `unsure`: shifts of which a call may
    have been made whose outcome is not folded.
    """

    attempt: answers.Attempt | None = None
    told: int = -1
    unsure: set[str] = field(default_factory=set)


class Rows:
    """The rows of one calendar, as `planning.calendars` asks for them."""

    def __init__(self, tables: Tables, place: Who) -> None:
        self._tables, self._place = tables, place

    def publication(self) -> PublicationRow | None:
        return self._tables.publications.get(self._place)

    def assignment(self, shift_id: str) -> AssignmentRow | None:
        return self._tables.assignments.get((*self._place, shift_id))

    def roster(self, user_id: str) -> RosterRow | None:
        return self._tables.rosters.get((*self._place, user_id))

    def members(self) -> Iterable[str]:
        return [user for *place, user in self._tables.rosters if tuple(place) == self._place]


class World:
    """Everything there is. `looks`: whose, at which calendar, told as which fact; calls stand in `google.calls`."""

    def __init__(self, policies: dict[str, Policy]) -> None:
        self.now = BEGIN
        self.policies = policies
        self.google = MemoryGoogle(page_size=2)
        self.tokens: dict[Who, tuple[str, datetime]] = {}
        self.inputs: list[Input] = []
        self.looks: list[tuple[Who, str, int]] = []
        self.seconds = 0
        #: Users in whose calendar a person, or Google itself, did something that no look of theirs has shown yet.
        self.touched: set[Who] = set()
        self.results: list[SyncResult] = []
        #: The newest choices, as the database has them: told again when all state is lost.
        self.chosen: dict[Who, PreferencesSet] = {}
        self._forget_everything()

    @property
    def looked(self) -> int:
        """Return how many looks there were."""
        return len(self.looks)

    def _forget_everything(self) -> None:
        self.said: list[Said] = []
        self.calendar_facts: list[CalendarFact] = []
        self.user_facts: list[UserFact] = []
        self.read_calendars = self.read_users = 0
        self.tables = Tables()
        self.rows: dict[Who, UserRow] = {}
        self.statuses: dict[Who, SyncStatus] = {}
        self.lanes: dict[Who, Lane] = {}
        self.walked = True
        self.gate = 0
        self.rebuilding = False

    # --- messages ---

    def produce(self, topic: str, value: dict[str, Any]) -> None:
        self.inputs.append(Input(topic, value, self.now))

    def command(self, who: Who, command: str, at: datetime, **more: Any) -> None:
        value = {"event_id": "c", "occurred_at": at.isoformat(), "agency_id": who[0], "user_id": who[1]}
        if command == "deactivate":
            self.produce("user-deactivated", value)
        else:
            self.produce("sync-commands", value | {"command": command} | more)

    def tick(self, seconds: int = 30) -> datetime:
        """Return the time of a new command, later than all before."""
        self.seconds += seconds
        return BEGIN - timedelta(days=1) + timedelta(seconds=self.seconds)

    def connect(self, who: Who, calendar: str) -> None:
        """A user grants access; within an agency the calendar leaves whoever had it."""
        at = self.tick()
        for other, (taken, _) in list(self.tokens.items()):
            if taken == calendar and other[0] == who[0] and other != who:
                del self.tokens[other]
                self.command(other, "disconnect", at, reason="calendar_moved")
        self.tokens[who] = (calendar, at)
        self.command(who, "connect", at)

    def deliver(self, *indices: int) -> None:
        """Intake reads messages that wait together, perhaps not for the first time."""
        reading = gathered(self._read(index) for index in indices)
        assert reading.letters == (), reading.letters
        self.calendar_facts += [_CALENDAR_FACT.validate_json(_json(fact)) for fact in reading.calendar_facts]
        self.user_facts += [_again(fact) for fact in reading.user_facts]

    def _read(self, index: int) -> Reading:
        record = self.inputs[index]
        if not record.delivered:
            record.delivered = True
            self.said.append(Said(record.topic, record.value))
        raw = json.dumps(record.value).encode()
        return read(Source(record.topic, "p." + record.topic, 0, index, record.at, None, raw))

    @property
    def undelivered(self) -> list[int]:
        return [index for index, record in enumerate(self.inputs) if not record.delivered]

    # --- the calendars agent ---

    def fold_calendar(self) -> None:
        fact = self.calendar_facts[self.read_calendars]
        self.user_facts += _store(self.tables, fact, self.read_calendars, self.now)
        self.read_calendars += 1

    def crash_in_calendars(self, ahead: int, kept: tuple[int, int, int, int]) -> None:
        """Fold some facts of which each table keeps the first few only, and some contributions get away; then again."""
        begin, before = self.read_calendars, self.tables.copy()
        stages, sent = [before.copy()], []
        for offset in range(begin, min(begin + ahead, len(self.calendar_facts))):
            sent += _store(self.tables, self.calendar_facts[offset], offset, self.now)
            stages.append(self.tables.copy())
        publications, assignments, rosters, away = (min(k, len(stages) - 1) for k in kept)
        self.tables = Tables(
            stages[publications].publications, stages[assignments].assignments, stages[rosters].rosters
        )
        self.user_facts += sent[:away]
        self.crash(0)

    # --- the users agent ---

    def fold_users(self, count: int = 1) -> None:
        """Fold the next facts, those of one user in one go."""
        theirs: dict[Who, list[UserFact]] = {}
        for fact in self.user_facts[self.read_users : self.read_users + count]:
            theirs.setdefault((fact.agency_id, fact.user_id), []).append(fact)
            self.read_users += 1
        for who, facts in theirs.items():
            self._fold_user(who, facts)

    def _fold_user(self, who: Who, facts: list[UserFact]) -> None:
        terms = users.Terms(self.policies[who[0]], self.now, unsure=self._unsure(who))
        folded = users.fold_all(self.rows.get(who), facts, terms)
        self.rows[who] = folded.row
        for fact in facts:
            if isinstance(fact, CallsAnswered) and who in self.lanes:
                self.lanes[who].unsure -= {shift_key(o.calendar_id, o.shift_id) for o in fact.outcomes}
        if folded.status is not None:
            self.statuses[who] = folded.status
        self.results += folded.results

    def crash(self, behind: int, *, statuses_lost: bool = False) -> None:
        """The worker dies: lanes forget, rows come from disk, the last facts about users are delivered again."""
        self.lanes, self.walked = {}, False
        self.rows = {who: UserRow.model_validate_json(_row(row)) for who, row in self.rows.items()}
        self.tables = Tables(
            {k: PublicationRow.model_validate_json(_row(v)) for k, v in self.tables.publications.items()},
            {k: AssignmentRow.model_validate_json(_row(v)) for k, v in self.tables.assignments.items()},
            {k: RosterRow.model_validate_json(_row(v)) for k, v in self.tables.rosters.items()},
        )
        self.gate = len(self.user_facts)
        behind = min(behind, self.read_users)
        if statuses_lost:
            for fact in self.user_facts[self.read_users - behind : self.read_users]:
                self.statuses.pop((fact.agency_id, fact.user_id), None)
        self.read_users -= behind

    def lose_everything(self) -> None:
        """All state is gone; the input topics are read from their beginning, and lanes wait for all of it."""
        self._forget_everything()
        for record in self.inputs:
            record.delivered = False
        self.user_facts += [_again(fact) for fact in self.chosen.values()]
        self.rebuilding, self.walked = True, False

    # --- lanes ---

    def may_write(self) -> bool:
        if self.rebuilding and not self.undelivered and self.read_calendars == len(self.calendar_facts):
            self.rebuilding, self.gate = False, len(self.user_facts)
        return not self.rebuilding and self.read_users >= self.gate

    def _unsure(self, who: Who) -> frozenset[str] | None:
        if not self.walked:
            return None
        return frozenset(self.lanes[who].unsure) if who in self.lanes else frozenset()

    def _walk(self) -> None:
        """The gate is open: lanes inherit what was planned before, and may have been done."""
        self.walked = True
        for who, row in self.rows.items():
            for m in pending(row, self.policies[who[0]], self.now):
                self.lanes.setdefault(who, Lane()).unsure.add(shift_key(m.calendar_id, m.shift_id))

    def work(self, who: Who, fault: Fault = "none", choice: int = 0) -> bool:
        """Take one step of a lane; say whether there was one to take."""
        if self.may_write() and not self.walked:
            self._walk()
        row, lane = self.rows.get(who), self.lanes.setdefault(who, Lane())
        if row is None or not self.may_write() or lane.told >= self.read_users:
            return False
        if lane.attempt is not None:
            self._go_on(row, lane, fault)
            return True
        match agenda(row, self.policies[who[0]], self.now):
            case Rest():
                return False
            case Look(ticket=ticket):
                self._look(row, ticket, fault)
            case Release(ended_at=ended_at):
                if who in self.tokens and self.tokens[who][1] < ended_at:
                    self._check_purged(row)
                    del self.tokens[who]
                self._tell(who, TokenReleased(agency_id=who[0], user_id=who[1], ended_at=ended_at))
            case Write(mutations=mutations):
                lane.attempt = answers.begin(mutations[choice % len(mutations)])
        return True

    def _go_on(self, row: UserRow, lane: Lane, fault: Fault) -> None:
        attempt, who = lane.attempt, (row.agency_id, row.user_id)
        assert attempt is not None
        lane.attempt = None
        if attempt.mutation not in pending(row, self.policies[who[0]], self.now):
            return  # the wish changed; the next plan knows
        if who not in self.tokens:
            self._no_token(row)
            return
        if fault == "before":
            return
        self._check(row, self.tokens[who][0], attempt.call)
        answer = self.google.apply(self.tokens[who][0], attempt.call)
        lane.unsure.add(shift_key(attempt.mutation.calendar_id, attempt.mutation.shift_id))
        if fault == "after":
            return
        step = answers.proceed(attempt, answer, self.now)
        if isinstance(step, answers.Attempt):
            lane.attempt = step
        elif not isinstance(step, answers.Unsettled):
            self._tell(who, CallsAnswered(agency_id=who[0], user_id=who[1], outcomes=(step,)))

    def _look(self, row: UserRow, ticket: str, fault: Fault) -> None:
        who = (row.agency_id, row.user_id)
        if who not in self.tokens:
            self._no_token(row)
            return
        if fault != "none":
            return
        calendar, known = self.tokens[who][0], known_ids(row)
        self.now += timedelta(milliseconds=1)  # no two looks of one worker are at the same time
        self.looks.append((who, calendar, len(self.user_facts)))
        self.touched.discard(who)
        same = row.connection.target in {None, calendar}
        strips = row.connection.strips_properties and same
        found: dict[str, Observed] = {}
        token: str | None = None
        while not strips:
            page = self.google.list(calendar, who[0], listed_from(self.now), token)
            observed = [observe(event, who[0], known) for event in page.events]
            found |= {one.event_id: one for one in observed if one is not None}
            if (token := page.next_page_token) is None:
                break
        absent = []
        policy = self.policies[who[0]]
        for event_id in ids_to_read(row, found, self.now, policy) if same else ():
            answer = self.google.apply(
                calendar, Get(event_id=event_id, generation=known[event_id].generation)
            )
            stands = observe(answer.event, who[0], known) if isinstance(answer, Held) else None
            if stands is None:
                absent.append(event_id)
            else:
                found[event_id] = stands
                strips = strips or not stands.tagged
        self._tell(
            who,
            CalendarSeen(
                agency_id=who[0],
                user_id=who[1],
                verify=ticket,
                target=calendar,
                at=self.now,
                window_start=listed_from(self.now),
                observed=tuple(found.values()),
                absent=tuple(absent),
                strips_properties=strips,
            ),
        )

    def prefer(self, who: Who, preferences: Preferences, at: datetime) -> None:
        """The user chooses how events look."""
        fact = PreferencesSet(agency_id=who[0], user_id=who[1], preferences=preferences, occurred_at=at)
        self.user_facts.append(_again(fact))
        if who not in self.chosen or at > self.chosen[who].occurred_at:
            self.chosen[who] = fact

    def verify(self, who: Who) -> None:
        """The daily look is due."""
        row = self.rows.get(who)
        if row is not None and (due := daily_look(row, self.now + timedelta(days=2))) is not None:
            self.user_facts.append(due)

    def _no_token(self, row: UserRow) -> None:
        self._tell(
            (row.agency_id, row.user_id),
            TroubleFound(
                agency_id=row.agency_id,
                user_id=row.user_id,
                connected_at=row.connection.connected_at,
                problem=no_token(),
            ),
        )

    def _tell(self, who: Who, fact: UserFact) -> None:
        self.lanes.setdefault(who, Lane()).told = len(self.user_facts)
        self.user_facts.append(_again(fact))

    # --- what may never happen, whatever the story ---

    def _check(self, row: UserRow, calendar: str, call: Call) -> None:
        """Look at a call before it is made: history and frozen events are left alone, and what is not ours."""
        assert row.connection.state == "connected" or not row.connection.released
        if isinstance(call, Get):
            return
        policy = self.policies[row.agency_id]
        named = {event_id: (a.calendar_id, a.shift_id) for event_id, a in row.applied.items()}
        wanted = {
            (c, s)
            for c, wish in row.calendars.items()
            for s, w in wish.wishes.items()
            if w.kind in policy.synced_kinds
        }
        if isinstance(call, Insert):
            names = call.body["extendedProperties"]["private"]
            assert (names["bgsCalendar"], names["bgsId"].removeprefix("BGS_")) in wanted
            assert not is_history(call.body, self.now), "history was written"
            assert call.body["reminders"] == {"useDefault": True}
            assert not {"attendees", "source"} & set(call.body)
            self._check_dress(row, call.body, None)
            return
        if isinstance(call, Patch):
            assert not is_history(call.body, self.now), "history was written"
        event = self.google.calendar(calendar).events.get(call.event_id)
        if event is None or event["etag"] != call.etag:
            return
        if isinstance(call, Patch):
            assert not {"attendees", "source", "reminders", "id"} & set(call.body)
            self._check_dress(row, call.body, event)
            return
        place = named[call.event_id]
        assert not is_history(event, self.now), "history was deleted"
        if row.connection.state == "connected":
            assert row.calendars or row.let_go, "somebody of whom nobody ever spoke was emptied"
            frozen = policy.on_unpublish == "keep" and (wish := row.calendars.get(place[0])) is not None
            assert not (frozen and wish is not None and wish.standing == "unpublished"), (
                "a frozen event was deleted"
            )

    def _check_dress(self, row: UserRow, body: EventBody, event: EventBody | None) -> None:
        """Colour and transparency are written as set, and given back where a write of ours set them: nothing else."""
        names = body["extendedProperties"]["private"]
        wish = row.calendars[names["bgsCalendar"]].wishes[names["bgsId"].removeprefix("BGS_")]
        worn = look_of(self.policies[row.agency_id], row.preferences).dress(wish.kind)
        written = {name: body[name] for name in ("colorId", "transparency") if name in body}
        given_back = {name for name, value in written.items() if value is None}
        assert {name: value for name, value in written.items() if value is not None} == worn
        said = (event or {}).get("extendedProperties", {}).get("private", {}).get("bgsFingerprint")
        for name, mark in (("colorId", ".c"), ("transparency", ".busy"), ("transparency", ".free")):
            assert said is None or mark not in said or name in worn or name in given_back
        if event is None or said is not None:
            ours = {"colorId"} if ".c" in (said or "") else set()
            ours |= {"transparency"} if {"busy", "free"} & set((said or "").split(".")) else set()
            assert given_back <= ours, "a user's own choice was taken away"

    def _check_purged(self, row: UserRow) -> None:
        """A purge leaves nothing of ours but history, as far as anybody can know what is ours."""
        calendar = self.tokens[row.agency_id, row.user_id][0]
        if (
            not row.connection.purge
            or (row.agency_id, row.user_id) in self.touched
            or row.connection.problem is not None
        ):
            return
        left = [
            event
            for event in self.google.standing(calendar).values()
            if event["id"].startswith("bgs")
            and event.get("extendedProperties", {}).get("private", {}).get("bgsAgency") == row.agency_id
            and not is_history(event, self.now)
        ]
        assert left == []


def calls_that_write(calls: Iterable[tuple[str, Call]]) -> int:
    """Count the writes among calls."""
    return sum(isinstance(call, Insert | Patch | Remove) for _, call in calls)


def _store(tables: Tables, fact: CalendarFact, offset: int, now: datetime) -> list[UserFact]:
    place = (fact.agency_id, fact.calendar_id)
    rows = Rows(tables, place)
    match fact:
        case ShiftsChanged():
            folded = whole(calendars.fold_shifts(fact, offset, rows, now))
        case PublicationChanged():
            folded = whole(calendars.fold_standing(fact, offset, rows, now))
        case CalendarReleased():
            folded = whole(calendars.fold_release(fact, offset, rows))
    if folded.publication is not None:
        tables.publications[place] = folded.publication
    tables.assignments |= {(*place, shift): row for shift, row in folded.assignments.items()}
    tables.rosters |= {(*place, user): row for user, row in folded.rosters.items()}
    return [_again(told) for told in folded.contributions]


def _again(fact: UserFact) -> UserFact:
    return _USER_FACT.validate_json(_json(fact))


def _json(fact: BaseModel) -> str:
    return fact.model_dump_json(exclude_none=True)


def _row(row: BaseModel) -> str:
    return row.model_dump_json(exclude_defaults=True)
