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
from schemas.mutations import Call, EventBody
from schemas.policy import Policy
from tests.planning.messages import AGENCIES, CALENDARS, SHIFTS, USERS, publication, publications, schedules
from tests.planning.oracle import Expected, Rules, expected, google_id, is_history, shown
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
)


class Story(RuleBasedStateMachine):
    """One deployment and its users, from the first message on."""

    people = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        self.foreign: dict[tuple[str, str], EventBody] = {}
        self.personal: dict[tuple[str, str], dict[str, Any]] = {}
        self.lost: set[str] = set()
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

    @rule(salt=_salt, few=_few, together=st.booleans())
    def messages_arrive(self, salt: int, few: int, together: bool) -> None:  # noqa: FBT001
        self._deliver(_shuffled(self.world.undelivered, salt)[:few], together=together)

    @rule(salt=_salt, few=_few, together=st.booleans())
    def messages_arrive_again(self, salt: int, few: int, together: bool) -> None:  # noqa: FBT001
        seen = [index for index, record in enumerate(self.world.inputs) if record.delivered]
        self._deliver(_shuffled(seen, salt)[:few], together=together)
        self.quiet = False

    def _deliver(self, indices: list[int], *, together: bool) -> None:
        if together:
            self.world.deliver(*indices)
        else:
            for index in indices:
                self.world.deliver(index)

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
        self.world.lose_everything()
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
        self.world.crash(0)
        self.quiet = False

    # --- people in their own calendars, and Google's oddities ---

    @rule(account=_account, salt=_salt, what=st.integers(0, 9))
    def somebody_alters_an_event_of_ours(self, account: str, salt: int, what: int) -> None:
        google = self.world.google
        if (event := self._pick(account, salt)) is None:
            return
        changes: EventBody = {}
        if what <= 3:
            changes = {"colorId": str(what), "reminders": {"useDefault": False}}
            self.personal[account, event["id"]] = changes
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
        self._touched(account)

    @rule(account=_account, salt=_salt)
    def somebody_deletes_an_event_of_ours(self, account: str, salt: int) -> None:
        if (event := self._pick(account, salt)) is not None:
            self.world.google.delete(account, event["id"])
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
            self.world.google.alter(account, bin_[salt % len(bin_)]["id"], {"status": "confirmed"})
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
            self.personal.pop((account, event_id), None)
            self._touched(account)

    @rule(account=_account, salt=_salt)
    def google_forgets_an_id(self, account: str, salt: int) -> None:
        if (event := self._pick(account, salt)) is not None:
            self.world.google.purge(account, event["id"])
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
        for index in _shuffled(world.undelivered, salt):
            world.deliver(index)
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
        for (account, event_id), event in self.foreign.items():
            assert world.google.calendar(account).events[event_id] == event, (
                "an event of somebody else's changed"
            )
        for (account, event_id), own in self.personal.items():
            event = world.google.calendar(account).events[event_id]
            assert {key: event[key] for key in own} == own, "a user's own choice is gone"
        for who in EVERYBODY:
            policy = world.policies[who[0]]
            rules = Rules(policy.synced_kinds, policy.on_unpublish, policy.on_leave)
            truth = expected(world.said, who, rules, world.now)
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
            if len(live) > 1:
                live = [e for e in live if not is_history(e, world.now) and e["id"] not in self.lost]
            assert [shown(event) for event in live] == [wish], (name, live, wish)
            names = live[0].get("extendedProperties", {}).get("private", {})
            if account != "stripping" and int(names["bgsVersion"]) < 10**18:
                assert int(names["bgsVersion"]) <= truth.versions[name]
                assert names["bgsId"] == f"BGS_{name[1]}"
        for (calendar, shift), events in standing.items():
            for event in events:
                left = is_history(event, world.now) or calendar in truth.frozen or event["id"] in self.lost
                assert left, f"{calendar}/{shift} should not stand there"

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

    def _pick(self, account: str, salt: int) -> EventBody | None:
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


def _shuffled(indices: Any, salt: int) -> list[int]:
    return sorted(indices, key=lambda index: (index * (salt + 1) * 7919) % 97) if salt else list(indices)


TestStory = Story.TestCase
TestStory.settings = settings(stateful_step_count=30)
