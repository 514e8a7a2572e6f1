"""The rules by which the product can be judged, each tried through the whole flow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from planning.identity import event_id
from schemas.mutations import EventBody
from schemas.policy import Policy
from tests.planning.messages import BEGIN, publication
from tests.planning.world import Who, World

METRO = "metro"
ANN, BOB = (METRO, "ann"), (METRO, "bob")
RED, BLUE = "red", "blue"


class Town(World):
    """A world of two users, in which things go on until nothing moves."""

    def __init__(self, policy: Policy | None = None) -> None:
        super().__init__({METRO: policy or Policy()})
        self.connect(ANN, RED)
        self.connect(BOB, BLUE)
        self.produce("calendar-published", publication(METRO, "dec"))

    def shift(self, shift_id: str = "1", version: int = 1, calendar: str = "dec", **fields: Any) -> None:
        start = self.now + timedelta(days=1)
        body = {
            "shift_id": shift_id,
            "version": version,
            "user_id": "ann",
            "title": "Day",
            "time_zone": "UTC",
        }
        body |= {"start": start.isoformat(), "end": (start + timedelta(hours=8)).isoformat()}
        self.change({"op": "upsert", "shift": body | fields}, calendar=calendar)

    def change(self, *changes: dict[str, Any], calendar: str = "dec") -> None:
        names = {"event_id": "e", "occurred_at": BEGIN.isoformat(), "agency_id": METRO}
        self.produce("schedule-changed", names | {"calendar_id": calendar, "changes": list(changes)})

    def unpublish(self, version: int, reason: str = "unpublished", **fields: Any) -> None:
        names = {"event_id": "e", "occurred_at": BEGIN.isoformat(), "agency_id": METRO, "calendar_id": "dec"}
        self.produce("calendar-unpublished", names | {"version": version, "reason": reason} | fields)

    def publish(self, version: int, **fields: Any) -> None:
        self.produce("calendar-published", publication(METRO, "dec") | {"version": version} | fields)

    def rest(self) -> Town:
        for index in self.undelivered:
            self.deliver(index)
        for _ in range(200):
            while self.read_calendars < len(self.calendar_facts):
                self.fold_calendar()
            while self.read_users < len(self.user_facts):
                self.fold_users()
            worked = [self.work(who) for who in (ANN, BOB)]
            if not any(worked) and self.read_users == len(self.user_facts):
                return self
        raise AssertionError("this never comes to rest")

    def look_again(self, who: Who = ANN) -> Town:
        self.command(who, "resync", self.tick(300))
        return self.rest()

    def titles(self, account: str = RED) -> list[str]:
        return sorted(event["summary"] for event in self.google.standing(account).values())

    def made(self) -> list[str]:
        """Return the calls since the last time that this was asked."""
        calls: list[str] = [call.call for _, call in self.google.calls]
        self.google.calls.clear()
        return calls


ID = event_id(METRO, "dec", "1")


def test_shift_versions() -> None:
    """The highest version of a shift wins, whatever comes after it."""
    town = Town()
    town.shift(version=2, title="Second")
    town.rest()
    town.shift(version=1, title="First")
    assert town.rest().titles() == ["Second"]
    town.change({"op": "delete", "shift_id": "1", "version": 3})
    town.rest()
    town.shift(version=3, title="Third")
    assert town.rest().titles() == []


def test_a_shift_moves_to_another_calendar() -> None:
    """It is a delete there and an upsert here: one event goes, one comes, in either order."""
    town = Town()
    town.produce("calendar-published", publication(METRO, "jan"))
    town.shift()
    town.rest()
    town.shift(calendar="jan", version=2)
    town.change({"op": "delete", "shift_id": "1", "version": 2})
    assert list(town.rest().google.standing(RED)) == [event_id(METRO, "jan", "1")]


def test_a_shift_moves_to_another_user() -> None:
    """It leaves the old user's calendar."""
    town = Town()
    town.shift()
    town.rest()
    town.shift(version=2, user_id="bob")
    town.rest()
    assert (town.titles(RED), town.titles(BLUE)) == ([], ["Day"])


def test_publication_versions() -> None:
    """The winning message alone says from when to when, over both topics."""
    town = Town()
    town.shift()
    town.unpublish(5)
    town.publish(4)
    assert town.rest().titles() == []
    town.publish(6)
    assert town.rest().titles() == ["Day"]


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": None},
        {"kind": "training"},
        {"start": "2027-03-01", "end": "2027-03-02"},
        {"start": "2026-10-01", "end": "2026-10-02"},
    ],
)
def test_a_shift_that_nobody_should_see(fields: dict[str, Any]) -> None:
    """Open, of another kind, beyond the published days, or long over: it is written nowhere."""
    town = Town()
    town.shift(**fields)
    assert town.rest().titles() == []


def test_history() -> None:
    """What ended 30 days ago stays as it stands, through edits, un-publishing and a purge."""
    town = Town()
    town.shift()
    town.rest()
    town.now += timedelta(days=32)
    town.shift(version=2, title="Late", start="2026-11-20", end="2026-11-21")
    town.unpublish(9)
    town.rest()
    town.command(ANN, "disconnect", town.tick(), purge=True)
    assert town.rest().titles() == ["Day"]


def test_a_shift_comes_back_out_of_history() -> None:
    """An edit that makes it wanted again patches its event where it stands."""
    town = Town()
    town.shift()
    town.rest()
    town.now += timedelta(days=40)
    town.shift(version=2, title="Again", start="2027-01-05", end="2027-01-06")
    town.rest()
    assert town.titles() == ["Again"]
    assert list(town.google.standing(RED)) == [ID]


def test_an_unpublished_calendar_is_kept() -> None:
    """Its events stand frozen, through edits, deletes, resyncs and connects, until it is published again."""
    town = Town(Policy(on_unpublish="keep"))
    town.shift()
    town.shift("2", title="Gone")
    town.rest()
    town.unpublish(1)
    town.shift(version=2, title="Edited")
    town.change({"op": "delete", "shift_id": "2", "version": 2})
    town.rest()
    town.connect(ANN, RED)
    town.rest()
    assert town.look_again().titles() == ["Day", "Gone"]
    town.publish(2)
    assert town.rest().titles() == ["Edited"]


@pytest.mark.parametrize("policy", [Policy(), Policy(on_unpublish="keep")])
def test_a_roll_back(policy: Policy) -> None:
    """What lies after its last day goes under either policy, the rest stays live."""
    town = Town(policy)
    town.shift("1", start="2026-11-24", end="2026-11-25")
    town.shift("2", start="2026-11-30", end="2026-12-01", title="Later")
    town.rest()
    town.unpublish(1, "rolled_back", published_through="2026-11-25")
    town.rest()
    town.shift("1", version=2, start="2026-11-24", end="2026-11-25", title="Live")
    assert town.rest().titles() == ["Live"]


def test_a_connect_finds_what_is_already_there() -> None:
    """Ours is adopted, what is missing comes, what differs is restored, what nobody wants goes."""
    town = Town()
    for shift_id in "123":
        town.shift(shift_id, title=f"Day {shift_id}")
    town.rest()
    town.google.alter(RED, event_id(METRO, "dec", "2"), {"summary": "Mine"})
    town.lose_everything()
    town.change({"op": "delete", "shift_id": "3", "version": 2})
    town.shift("4", title="New")
    town.made()
    town.rest()
    assert town.titles() == ["Day 1", "Day 2", "New"]
    assert sorted(town.made()) == ["delete", "insert", "patch"]


def test_a_disconnect() -> None:
    """The events stay, and nothing is written any more."""
    town = Town()
    town.shift()
    town.rest()
    town.made()
    town.command(ANN, "disconnect", town.tick())
    town.shift(version=2, title="Later")
    town.rest()
    assert (town.titles(), town.made(), ANN in town.tokens) == (["Day"], [], False)


def test_a_disconnect_that_purges() -> None:
    """Ours are removed first, others' events stay."""
    town = Town()
    town.google.add(
        RED, {"summary": "Dentist", "start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}
    )
    town.shift()
    town.rest()
    town.command(ANN, "disconnect", town.tick(), purge=True)
    assert town.rest().titles() == ["Dentist"]
    assert ANN not in town.tokens


def test_a_disconnect_older_than_the_connect() -> None:
    """It is old news, however late it comes."""
    town = Town()
    town.shift()
    town.rest()
    town.command(ANN, "disconnect", BEGIN - timedelta(days=2), purge=True)
    town.rest()
    assert (town.titles(), ANN in town.tokens) == (["Day"], True)


def test_a_google_calendar_changes_hands() -> None:
    """It belongs to the second user, and the first is told why theirs has stopped."""
    town = Town()
    town.shift()
    town.shift("2", user_id="bob", title="Bob's")
    town.rest()
    town.connect(BOB, RED)
    town.rest()
    assert town.titles() == ["Bob's"]
    status = town.statuses[ANN]
    assert status.last_error is not None
    assert (status.state, status.last_error.code) == ("stopped", "calendar_moved")


def test_a_connect_without_a_token() -> None:
    """The user has to grant access again."""
    town = Town()
    town.rest()
    del town.tokens[ANN]
    town.command(ANN, "connect", town.tick())
    town.rest()
    assert town.statuses[ANN].state == "needs_reauthorization"


@pytest.mark.parametrize(("on_leave", "left"), [("keep", ["Day", "Now"]), ("remove_future", ["Now"])])
def test_a_user_leaves(on_leave: Any, left: list[str]) -> None:
    """The events stay, or those that have not begun go, as the agency wishes."""
    town = Town(Policy(on_leave=on_leave))
    town.shift()
    town.shift("2", title="Now", start="2026-11-23T08:00:00Z", end="2026-11-23T18:00:00Z")
    town.rest()
    town.command(ANN, "deactivate", town.tick())
    town.rest()
    assert (town.titles(), town.statuses[ANN].state) == (left, "deactivated")


def test_a_deactivation_older_than_the_connect() -> None:
    """It changes nothing."""
    town = Town()
    town.shift()
    town.command(ANN, "deactivate", BEGIN - timedelta(days=2))
    assert town.rest().titles() == ["Day"]


def test_a_resync() -> None:
    """What the user deleted comes back, what they altered is restored, what is theirs stays."""
    town = Town()
    town.shift("1")
    town.shift("2", title="Other")
    town.rest()
    town.google.alter(RED, ID, {"summary": "Mine", "colorId": "7", "reminders": {"useDefault": False}})
    town.google.delete(RED, event_id(METRO, "dec", "2"))
    town.look_again()
    event = town.google.standing(RED)[ID]
    assert town.titles() == ["Day", "Other"]
    assert (event["colorId"], event["reminders"]) == ("7", {"useDefault": False})


def test_a_resync_too_soon() -> None:
    """It is refused in the status, and repairs nothing."""
    town = Town()
    town.shift()
    town.rest().look_again()
    town.google.delete(RED, ID)
    town.command(ANN, "resync", town.tick(30))
    town.rest()
    status = town.statuses[ANN]
    assert status.last_error is not None
    assert (town.titles(), status.last_error.code) == ([], "resync_cooldown")


@pytest.mark.parametrize("look", [True, False])
def test_others_events(look: bool) -> None:  # noqa: FBT001
    """A user's own event, and their copy of one of ours, are never written."""
    town = Town()
    town.shift()
    town.rest()
    copy: EventBody = {k: v for k, v in town.google.standing(RED)[ID].items() if k not in {"id", "etag"}}
    own = [town.google.add(RED, copy | {"summary": "Copy"}), town.google.add(RED, copy | {"summary": "Own"})]
    town.change({"op": "delete", "shift_id": "1", "version": 2})
    town.rest()
    if look:
        town.look_again()
    assert [town.google.standing(RED)[event["id"]] for event in own] == own
    assert len(town.titles()) == 2


def test_an_account_that_strips_our_names() -> None:
    """Nothing is doubled or lost there: the known ids are read one by one."""
    town = Town()
    town.google.strip_properties(RED)
    town.shift("1")
    town.shift("2", title="Other")
    town.rest()
    town.google.delete(RED, ID)
    assert town.look_again().titles() == ["Day", "Other"]
    town.made()
    town.look_again()
    assert town.made() == ["get", "get"]


def test_a_replay_with_state() -> None:
    """Every message again, and no call at all."""
    town = Town()
    town.shift()
    town.shift(version=2, title="Second")
    town.rest().look_again()
    town.made()
    for index in reversed(range(len(town.inputs))):
        town.deliver(index)
    looked = town.looked
    town.rest()
    assert (town.made(), town.looked, town.titles()) == ([], looked, ["Second"])


def test_a_start_without_state() -> None:
    """The same calendars, and not one write."""
    town = Town()
    town.shift()
    town.shift("2", title="Other")
    town.rest()
    town.made()
    town.lose_everything()
    town.rest()
    assert (town.titles(), town.made()) == (["Day", "Other"], [])


def test_one_call_for_each_net_change() -> None:
    """One write and no read; several changes that wait cost one, one that is undone costs none."""
    town = Town()
    town.rest()
    town.made()
    town.shift(version=1)
    town.rest()
    assert town.made() == ["insert"]
    for version in (2, 3, 4):
        town.shift(version=version, title=f"T{version}")
    town.rest()
    assert town.made() == ["patch"]
    town.shift(version=5, title="Undone")
    town.shift(version=6, title="T4")
    town.rest()
    assert town.made() == []
    town.change({"op": "delete", "shift_id": "1", "version": 7})
    town.rest()
    assert town.made() == ["delete"]
    town.shift(version=8)
    town.rest()
    assert town.made() == ["insert", "get", "patch"]


def test_a_crash_with_a_call_in_flight() -> None:
    """The call is made once more, the event stands once."""
    town = Town()
    town.rest()
    town.shift()
    town.deliver(town.undelivered[0])
    while town.read_calendars < len(town.calendar_facts):
        town.fold_calendar()
    while town.read_users < len(town.user_facts):
        town.fold_users()
    town.work(ANN)
    town.work(ANN, "after")
    town.crash(3)
    town.made()
    town.rest()
    assert (town.titles(), town.made()) == (["Day"], ["insert", "get"])


def test_deadline_first() -> None:
    """Of what waits the soonest shift is written first."""
    town = Town()
    town.rest()
    town.shift("1", start="2026-12-20", end="2026-12-21", title="Late")
    town.shift("2", start="2026-11-24", end="2026-11-25", title="Soon")
    town.rest()
    written = [event["summary"] for event in town.google.calendar(RED).events.values()]
    assert written == ["Soon", "Late"]
