"""Whatever happens, in whatever order: once all is quiet, every calendar is what the oracle says.

A story is a list of steps: messages, crashes, commands, and what people do in their own calendars. After each time of
quiet the calendars are compared with the oracle, and nothing that belongs to somebody else may have changed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule

from planning.agenda import Rest, agenda, pending
from schemas.facts import CalendarReleased, UserReleased
from schemas.mutations import Call, EventBody
from schemas.policy import HoldRemovals, Policy
from schemas.preferences import Preferences
from tests.planning.messages import AGENCIES, CALENDARS, SHIFTS, USERS, publication, publications, schedules
from tests.planning.oracle import (
    Event,
    Expected,
    Rules,
    expected,
    google_id,
    is_history,
    look_of,
    shown,
    shown_as,
)
from tests.planning.sightings import Sightings
from tests.planning.world import Who, World, calls_that_write

EVERYBODY: tuple[Who, ...] = tuple((agency, user) for agency in AGENCIES for user in USERS)
ACCOUNTS = ("red", "blue", "gold", "stripping")
GENERATIONS = 6

#: Event id -> agency, calendar, shift, for every event that can be ours in this world.
OURS = {
    google_id(agency, calendar, shift, n): (agency, calendar, shift)
    for agency in AGENCIES
    for calendar in CALENDARS
    for shift in SHIFTS
    for n in range(GENERATIONS)
}

_who = st.sampled_from(EVERYBODY)
_account = st.sampled_from((*ACCOUNTS[:3], *ACCOUNTS))
_salt = st.integers(0, 96)
_few = st.integers(1, 4)
_policy = st.builds(
    Policy,
    synced_kinds=st.sampled_from((["shift"], ["shift", "training"])),
    on_unpublish=st.sampled_from(("remove", "keep")),
    on_leave=st.sampled_from(("keep", "remove_future")),
    on_drift=st.sampled_from(("restore", "respect_deletion", "report")),
    hold_removals_over=st.sampled_from((None, None, HoldRemovals(share=0.4, count=1))),
    colour=st.sampled_from(((), (), (("shift", "tangerine"),), (("*", "tomato"), ("training", "basil")))),
    details=st.sampled_from(("full", "full", "title_only")),
    show_as=st.sampled_from((None, None, "busy", "free")),
    user_may_choose=st.sets(st.sampled_from(("colour", "details", "show_as"))).map(frozenset),
)
_preferences = st.builds(
    Preferences,
    colour=st.sampled_from((None, "blueberry")),
    details=st.sampled_from((None, "full", "title_only")),
    show_as=st.sampled_from((None, "busy", "free")),
)
#: None of them is a colour that people choose by hand in these stories.
OUR_COLOURS = {"6", "9", "10", "11"}


class Story(RuleBasedStateMachine):
    """One deployment and its users, from the first message on."""

    people = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        self.foreign: dict[tuple[str, str], EventBody] = {}
        self.personal: dict[tuple[str, str], dict[str, Any]] = {}
        self.choices = 0
        self.lost: set[str] = set()
        self.sightings = Sightings()
        self.sighted = 0
        self.quiet = False
        self.sound = False

    @initialize(metro=_policy, rural=_policy, shifts=st.lists(schedules(), min_size=2, max_size=6), calm=_few)
    def begin(
        self, metro: Policy, rural: Policy, shifts: list[tuple[str, dict[str, Any]]], calm: int
    ) -> None:
        """Begin with a deployment at work: most users connected, most calendars published, some shifts."""
        self.world = World({"metro": metro, "rural": rural})
        self.world.google.strip_properties("stripping")
        for who, account in zip(EVERYBODY, (*ACCOUNTS, "red", "blue"), strict=True):
            if who[1] != "cyd" or calm > 2:
                self.world.connect(who, account)
        for agency in AGENCIES:
            for calendar in CALENDARS[: 2 if calm > 1 else 1]:
                self.world.produce("calendar-published", publication(agency, calendar))
        for message in shifts:
            self.world.produce(*message)
        if calm > 1:
            self._settle(calm)
        self.sound = True

    # --- messages ---

    @rule(message=schedules())
    def shifts_change(self, message: tuple[str, dict[str, Any]]) -> None:
        self.world.produce(*message)
        self.quiet = False

    @rule(message=publications())
    def a_publication_changes(self, message: tuple[str, dict[str, Any]]) -> None:
        self.world.produce(*message)
        self.quiet = False

    @rule(who=_who, account=_account)
    def a_user_connects(self, who: Who, account: str) -> None:
        self.world.connect(who, account)
        if account == "stripping":
            self._forgotten_where_names_are_stripped()
        self.quiet = False

    @rule(
        who=_who,
        command=st.sampled_from(("connect", "disconnect", "disconnect", "deactivate", "resync", "resync")),
        late=st.sampled_from((0, 0, 5, 5, 10, 30, 60, 90)),
        purge=st.booleans(),
    )
    def a_command_comes(self, who: Who, command: str, late: int, purge: bool) -> None:  # noqa: FBT001
        at = self.world.tick(5) - timedelta(seconds=late)
        self.world.command(who, command, at, **({"purge": True} if purge and command == "disconnect" else {}))
        self.quiet = False

    @rule(agency=st.sampled_from(AGENCIES), calendar=st.sampled_from(CALENDARS), salt=st.integers(0, 999))
    def an_operator_releases_a_calendar(self, agency: str, calendar: str, salt: int) -> None:
        fact = CalendarReleased(agency_id=agency, calendar_id=calendar, release_id=str(salt))
        self.world.calendar_facts.append(fact)
        self.quiet = False

    @rule(who=_who, salt=st.integers(0, 999))
    def an_operator_releases_a_user(self, who: Who, salt: int) -> None:
        self.world.user_facts.append(UserReleased(agency_id=who[0], user_id=who[1], release_id=str(salt)))
        self.quiet = False

    @rule(who=_who, preferences=_preferences, late=st.sampled_from((0, 0, 5, 60)))
    def a_user_chooses_how_events_look(self, who: Who, preferences: Preferences, late: int) -> None:
        self.choices += 1
        at = self.world.tick(5) - timedelta(seconds=late) + timedelta(microseconds=self.choices)
        self.world.prefer(who, preferences, at)
        self.quiet = False

    @rule(salt=_salt, few=_few, together=st.booleans())
    def messages_arrive(self, salt: int, few: int, together: bool) -> None:  # noqa: FBT001
        self._deliver(_shuffled(self.world.undelivered, salt)[:few], together=together)

    @rule(salt=_salt, few=_few, together=st.booleans())
    def messages_arrive_again(self, salt: int, few: int, together: bool) -> None:  # noqa: FBT001
        seen = [index for index, record in enumerate(self.world.inputs) if record.delivered]
        self._deliver(_shuffled(seen, salt)[:few], together=together)
        self.quiet = False

    def _deliver(self, indices: list[int], *, together: bool) -> None:
        self._note_looks()
        if together:
            self.world.deliver(*indices)
        else:
            for index in indices:
                self.world.deliver(index)
        self.sightings.go_on(self.world.said, self.world.read_users)

    # --- the machinery, one step at a time, and its accidents ---

    @rule(calendars=st.integers(0, 4), users=st.integers(0, 6), together=st.booleans())
    def agents_go_on(self, calendars: int, users: int, together: bool) -> None:  # noqa: FBT001
        world = self.world
        for _ in range(min(calendars, len(world.calendar_facts) - world.read_calendars)):
            world.fold_calendar()
        if together:
            world.fold_users(users)
            return
        for _ in range(min(users, len(world.user_facts) - world.read_users)):
            world.fold_users()

    @rule(who=_who, steps=_few, fault=st.sampled_from(("none", "none", "before", "after")), choice=_salt)
    def a_lane_works(self, who: Who, steps: int, fault: Any, choice: int) -> None:
        for step in range(steps):
            self.world.work(who, fault if step == steps - 1 else "none", choice)

    @rule(behind=st.integers(0, 8), lost=st.booleans())
    def the_worker_crashes(self, behind: int, lost: bool) -> None:  # noqa: FBT001
        self.world.crash(behind, statuses_lost=lost)
        self.quiet = False

    @rule(ahead=_few, kept=st.tuples(*[st.integers(0, 4)] * 4))
    def the_worker_crashes_between_two_tables(self, ahead: int, kept: tuple[int, int, int, int]) -> None:
        self.world.crash_in_calendars(ahead, kept)
        self.quiet = False

    @rule()
    def all_state_is_lost(self) -> None:
        self._note_looks()
        self.world.lose_everything()
        self.sightings.forget()
        self._forgotten_where_names_are_stripped()
        self.quiet = False

    @rule(
        passes=st.sampled_from(
            (timedelta(hours=7), timedelta(days=1), timedelta(days=25), timedelta(days=31))
        )
    )
    def time_passes(self, passes: timedelta) -> None:
        self.world.now += passes

    @rule(agency=st.sampled_from(AGENCIES), policy=_policy)
    def an_agency_changes_its_policies(self, agency: str, policy: Policy) -> None:
        self.world.policies[agency] = policy
        for (_, event_id), own in self.personal.items():
            if OURS[event_id][0] == agency:
                for name in _may_be_set(policy):
                    own.pop(name, None)
        self.world.crash(0)
        self.quiet = False

    # --- people in their own calendars, and Google's oddities ---

    @rule(account=_account, salt=_salt, what=st.integers(0, 9))
    def somebody_alters_an_event_of_ours(self, account: str, salt: int, what: int) -> None:
        google = self.world.google
        if (event := self._pick(account, salt)) is None:
            return
        changes: EventBody = {}
        altered = what > 3
        if what <= 3:
            changes = {"colorId": str(what), "reminders": {"useDefault": False}}
            changes |= {"transparency": "transparent"} if what == 3 else {}
            ours = self._dress_that_may_be_ours(account, event)
            altered = not ours.isdisjoint(changes)
            own = {name: value for name, value in changes.items() if name not in ours}
            self.personal[account, event["id"]] = self.personal.get((account, event["id"]), {}) | own
        elif what <= 5:
            changes = {"summary": f"mine {what}", "location": None}
        elif what == 6:
            changes = {"extendedProperties": {"private": {"bgsVersion": "99999999999999999999999"}}}
        else:
            days = {7: -40, 8: 3, 9: 90}[what]
            if account == "stripping" and is_history(event, self.world.now):
                self.lost.add(
                    event["id"]
                )  # no listing shows that it came out of history, and nobody reads history
            start = (self.world.now + timedelta(days=days)).date()
            day = {"dateTime": None, "timeZone": None}
            changes = {
                "start": day | {"date": start.isoformat()},
                "end": day | {"date": (start + timedelta(days=1)).isoformat()},
            }
        google.alter(account, event["id"], changes)
        if altered:
            self.sightings.act(account, OURS[event["id"]], "altered")
        self._touched(account)

    @rule(account=_account, salt=_salt)
    def somebody_deletes_an_event_of_ours(self, account: str, salt: int) -> None:
        if (event := self._pick(account, salt)) is not None:
            self.world.google.delete(account, event["id"])
            self.sightings.act(account, OURS[event["id"]], "deleted")
            self._touched(account)

    @rule(account=st.sampled_from(ACCOUNTS[:3]), salt=_salt)
    def somebody_takes_an_event_out_of_the_bin(self, account: str, salt: int) -> None:
        calendar = self.world.google.calendar(account)
        bin_ = [
            e
            for e in calendar.events.values()
            if e["status"] == "cancelled" and e["id"] not in calendar.burnt
        ]
        if bin_:
            self._note_looks()
            event = bin_[salt % len(bin_)]
            self.world.google.alter(account, event["id"], {"status": "confirmed"})
            self.sightings.act(account, OURS[event["id"]], "altered")
            self._touched(account)

    @rule(account=_account, salt=_salt)
    def somebody_copies_an_event_of_ours(self, account: str, salt: int) -> None:
        if (event := self._pick(account, salt)) is not None:
            copy = {key: value for key, value in event.items() if key not in {"id", "etag"}}
            self._add_foreign(account, copy)

    @rule(account=_account)
    def somebody_adds_an_event_of_their_own(self, account: str) -> None:
        day = self.world.now.date()
        end = day + timedelta(days=1)
        self._add_foreign(
            account, {"summary": "Dentist", "start": {"date": str(day)}, "end": {"date": str(end)}}
        )

    @rule(account=_account, salt=_salt, how=st.sampled_from(("gone", "forbidden")))
    def google_burns_an_id(self, account: str, salt: int, how: Any) -> None:
        event_id = sorted(OURS)[salt % len(OURS)] if salt % 3 else None
        event = self._pick(account, salt)
        event_id = event["id"] if event else event_id
        generations = [google_id(*OURS[event_id], n) for n in range(3)] if event_id else []
        if event_id in generations:
            self.world.google.burn(account, event_id, how)
            self.sightings.act(account, OURS[event_id], "deleted")
            self.personal.pop((account, event_id), None)
            self._touched(account)

    @rule(account=_account, salt=_salt)
    def google_forgets_an_id(self, account: str, salt: int) -> None:
        if (event := self._pick(account, salt)) is not None:
            self.world.google.purge(account, event["id"])
            self.sightings.act(account, OURS[event["id"]], "deleted")
            self.personal.pop((account, event["id"]), None)
            self._touched(account)

    # --- quiet ---

    @rule(salt=_salt, replay=st.integers(0, 2))
    def all_is_quiet(self, salt: int, replay: int) -> None:
        self._settle(salt)
        if replay == 0:
            calls, looked, before = len(self.world.google.calls), self.world.looked, self._everything()
            for index in _shuffled(range(len(self.world.inputs)), salt):
                self.world.deliver(index)
            self._run(salt)
            assert len(self.world.google.calls) == calls, "a message delivered again made a call"
            assert self.world.looked == looked, "a message delivered again made a look"
            assert self._everything() == before

    @precondition(lambda self: self.quiet)
    @rule(messages=st.lists(schedules() | publications(), min_size=1, max_size=3), salt=_salt)
    def one_change_comes_into_the_quiet(self, messages: list[tuple[str, dict[str, Any]]], salt: int) -> None:
        """Each net change costs one write, and nothing is read."""
        world = self.world
        before, begun, looked = self._standing(), len(world.google.calls), world.looked
        taken = {
            (account, event_id)
            for account in ACCOUNTS
            for event_id in world.google.calendar(account).events
            if not any(
                event_id in row.applied and self._account(who) == account for who, row in world.rows.items()
            )
        }
        for message in messages:
            world.produce(*message)
        self._run(salt)
        after, calls = self._standing(), world.google.calls[begun:]
        changed = {place for place in before.keys() | after.keys() if before.get(place) != after.get(place)}
        names = {(account, OURS[event_id]) for account, event_id in changed}
        by_name: dict[tuple[str, tuple[str, str, str]], list[Call]] = {}
        for account, call in calls:
            by_name.setdefault((account, OURS[call.event_id]), []).append(call)
        assert world.looked == looked, "a change made a look"
        assert names <= by_name.keys()
        for (account, name), made in by_name.items():
            odd = any((account, google_id(*name, n)) in taken for n in range(GENERATIONS))
            assert odd or ((account, name) in names and len(made) == 1), made
            # What Google holds as cancelled, or in the past, costs a 409 and a read more.
            assert len(made) <= 3 or world.google.calendar(account).burnt, made
        assert calls_that_write(calls) >= len(names)
        self._check()

    @precondition(lambda self: self.quiet)
    @rule(account=_account, salt=_salt, what=st.sampled_from(("deleted", "altered")))
    def a_look_finds_what_somebody_did_in_the_quiet(self, account: str, salt: int, what: str) -> None:
        """It is put right, let stand, or told, just as the agency wants it."""
        world, event = self.world, self._pick(account, salt)
        who = self._in_step(account, event)
        if event is None or who is None:
            return
        if what == "deleted":
            world.google.delete(account, event["id"])
        else:
            world.google.alter(account, event["id"], {"summary": "mine"})
        self.sightings.act(account, OURS[event["id"]], what)
        self._touched(account)
        self._settle(salt)
        on_drift, stands = world.policies[who[0]].on_drift, world.google.standing(account)
        left = on_drift == "report" or (on_drift, what) == ("respect_deletion", "deleted")
        shows = stands[event["id"]].get("summary", "") if event["id"] in stands else None
        assert shows == ({"deleted": None, "altered": "mine"}[what] if left else event.get("summary", ""))
        error = world.statuses[who].last_error
        if on_drift == "report" and error is not None:
            assert error.code in {"drift", "resync_cooldown", "refused"}
        assert on_drift != "report" or error is not None

    def _in_step(self, account: str, event: EventBody | None) -> Who | None:
        """Return whose event this is, if it is shown just as it should be."""
        if event is None:
            return None
        agency, *name = OURS[event["id"]]
        for who in EVERYBODY:
            truth = self._truth(who)
            if who[0] == agency and self._account(who) == account and truth.state == "connected":
                same = [
                    e
                    for e in self.world.google.standing(account).values()
                    if OURS.get(e["id"]) == (agency, *name)
                ]
                wish = truth.wanted.get((name[0], name[1]))
                return who if wish and [shown_as(e, wish) for e in same] == [wish] else None
        return None

    def teardown(self) -> None:
        if self.sound:
            self._settle(7)

    def _settle(self, salt: int) -> None:
        self.sound = False  # a story that went wrong is told once
        self._run(salt)
        # A look shows what people did; nothing else needs one.
        for who in EVERYBODY:
            if who in self.world.touched:
                self.world.verify(who)
        self._run(salt)
        self._check()
        self.quiet = True
        self.sound = True

    def _run(self, salt: int) -> None:
        """Let everything go on until nothing moves any more."""
        world = self.world
        self._deliver(_shuffled(world.undelivered, salt), together=False)
        for _ in range(300):
            while world.read_calendars < len(world.calendar_facts):
                world.fold_calendar()
            while world.read_users < len(world.user_facts):
                world.fold_users()
            worked = [world.work(who, "none", salt) for who in EVERYBODY]
            if not any(worked) and world.read_users == len(world.user_facts):
                return
        raise AssertionError("this never comes to rest")

    # --- what must be true ---

    def _check(self) -> None:
        world = self.world
        self._note_looks()
        for (account, event_id), event in self.foreign.items():
            assert world.google.calendar(account).events[event_id] == event, (
                "an event of somebody else's changed"
            )
        for (account, event_id), own in self.personal.items():
            event = world.google.calendar(account).events[event_id]
            assert {key: event[key] for key in own} == own, "a user's own choice is gone"
        for who in EVERYBODY:
            policy, truth = world.policies[who[0]], self._truth(who)
            row = world.rows.get(who)
            if row is None:
                assert truth.state == "none"
                assert not truth.known
                continue
            assert world.statuses[who] == row.status
            assert row.connection.state == truth.state
            assert isinstance(agenda(row, policy, world.now), Rest)
            if truth.state != "connected":
                assert who not in world.tokens or self._is_newer(who)
            elif who not in world.tokens:
                assert world.statuses[who].state == "needs_reauthorization"
            else:
                assert pending(row, policy, world.now) == ()
                self._check_calendar(who, truth)

    def _check_calendar(self, who: Who, truth: Expected) -> None:
        world, account = self.world, self._account(who)
        standing: dict[tuple[str, str], list[EventBody]] = {}
        for event in world.google.standing(str(account)).values():
            agency, calendar, shift = OURS.get(event["id"], (None, "", ""))
            if agency == who[0]:
                standing.setdefault((calendar, shift), []).append(event)
        if not truth.known:
            return  # nobody ever spoke of this user: whatever stands there is held
        for name, wish in truth.wanted.items():
            live = standing.pop(name, [])
            if self._may_be_left(who, name, live, wish):
                continue
            if len(live) > 1:
                live = [e for e in live if not is_history(e, world.now) and e["id"] not in self.lost]
            assert [shown_as(event, wish) for event in live] == [wish], (name, live, wish)
            names = live[0].get("extendedProperties", {}).get("private", {})
            self._check_given_back(str(account), live[0], wish)
            if account != "stripping" and int(names["bgsVersion"]) < 10**18:
                assert int(names["bgsVersion"]) <= truth.versions[name]
                assert names["bgsId"] == f"BGS_{name[1]}"
        for (calendar, shift), events in standing.items():
            for event in events:
                left = is_history(event, world.now) or calendar in truth.frozen or event["id"] in self.lost
                held = world.policies[who[0]].hold_removals_over and (calendar, shift) in truth.withdrawn
                assert not held or world.statuses[who].state == "paused" or left
                assert left or held, f"{calendar}/{shift} should not stand there"

    def _check_given_back(self, account: str, event: EventBody, wish: Event) -> None:
        """Of the dress only what is wished for is ours, and nothing of what we ever set there is left."""
        if account == "stripping":
            return  # once nobody remembers what was written there, nobody can give it back
        written = event["extendedProperties"]["private"]["bgsFingerprint"]
        assert _dress_in(written) == {name for name, _ in wish.dress}
        assert "colorId" in dict(wish.dress) or event.get("colorId") not in OUR_COLOURS

    def _dress_that_may_be_ours(self, account: str, event: EventBody) -> set[str]:
        names = event.get("extendedProperties", {}).get("private", {})
        written = _dress_in(names.get("bgsFingerprint", ""))
        ours = _may_be_set(self.world.policies[OURS[event["id"]][0]]) | written
        return {"colorId", "transparency"} if account == "stripping" else ours

    def _may_be_left(self, who: Who, name: tuple[str, str], live: list[EventBody], wish: Event) -> bool:
        """Say whether somebody did to the event what the agency lets stand."""
        if [shown_as(event, wish) for event in live] == [wish]:
            self.sightings.settled(who, (who[0], *name))
            return False
        done = self.sightings.may_differ(who, str(self._account(who)), (who[0], *name), self.world.said)
        match self.world.policies[who[0]].on_drift:
            case "report":
                return bool(done)
            case "respect_deletion":
                return "deleted" in done and not live
            case _:
                return False

    def _truth(self, who: Who) -> Expected:
        policy = self.world.policies[who[0]]
        chosen = self.world.chosen.get(who)
        look = look_of(policy, chosen.preferences if chosen else Preferences())
        rules = Rules(policy.synced_kinds, policy.on_unpublish, policy.on_leave, look)
        return expected(self.world.said, who, rules, self.world.now)

    def _is_newer(self, who: Who) -> bool:
        row = self.world.rows[who]
        assert row.connection.occurred_at is not None
        return self.world.tokens[who][1] >= row.connection.occurred_at

    # --- helpers ---

    def _forgotten_where_names_are_stripped(self) -> None:
        """What stands there unwanted is nobody's from now on: no listing shows it, and only the row knew the ids."""
        self.lost |= set(self.world.google.standing("stripping"))

    def _account(self, who: Who) -> str | None:
        return self.world.tokens.get(who, (None,))[0]

    def _note_looks(self) -> None:
        """Whatever was looked at since the last time has shown what was done before."""
        for who, account, told_at in self.world.looks[self.sighted :]:
            self.sightings.look(who, account, told_at, self.world.said)
        self.sighted = len(self.world.looks)

    def _pick(self, account: str, salt: int) -> EventBody | None:
        self._note_looks()
        events = [e for e in self.world.google.standing(account).values() if e["id"] in OURS]
        return events[salt % len(events)] if events else None

    def _touched(self, account: str) -> None:
        self.world.touched |= {who for who in EVERYBODY if self._account(who) == account}
        self.quiet = False

    def _add_foreign(self, account: str, body: EventBody) -> None:
        event = self.world.google.add(account, body)
        self.foreign[account, event["id"]] = event

    def _standing(self) -> dict[tuple[str, str], Any]:
        return {
            (account, event_id): shown(event)
            for account in ACCOUNTS
            for event_id, event in self.world.google.standing(account).items()
            if event_id in OURS
        }

    def _everything(self) -> Any:
        return {account: self.world.google.standing(account) for account in ACCOUNTS}


def _may_be_set(policy: Policy) -> set[str]:
    """Return the fields of the dress that somebody sets or may set."""
    colour = {"colorId"} if policy.colour or "colour" in policy.user_may_choose else set[str]()
    blocks = policy.show_as is not None or "show_as" in policy.user_may_choose
    return colour | ({"transparency"} if blocks else set())


def _dress_in(fingerprint: str) -> set[str]:
    """Return the fields of the dress that were written with an event."""
    words = {"c": "colorId", "b": "transparency", "f": "transparency"}
    return {words[part[0]] for part in fingerprint.split(".")[1:]}


def _shuffled(indices: Any, salt: int) -> list[int]:
    return sorted(indices, key=lambda index: (index * (salt + 1) * 7919) % 97) if salt else list(indices)


TestStory = Story.TestCase
#: CI tells as many stories as are promised, and shorter ones; at every desk as many as other properties have examples.
EXAMPLES, STEPS = (
    (2_000, 20) if settings.get_current_profile_name() == "ci" else (settings().max_examples, 30)
)
TestStory.settings = settings(stateful_step_count=STEPS, max_examples=EXAMPLES)
