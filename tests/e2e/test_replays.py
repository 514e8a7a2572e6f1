"""Everything once more: with state it costs nothing, without it ends in the same calendars."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.e2e.google import Google
from tests.e2e.kafka import Record
from tests.e2e.messages import Json, gone, in_days, shift
from tests.e2e.world import INPUTS, Agency, User, World, policies

WRITES = ("events.insert", "events.patch", "events.update", "events.delete")


def story(world: World) -> list[User]:
    """Edits, deletes, re-assignments, roll-backs, a re-connect and a departure, over two agencies."""
    users: list[User] = []
    for name in ("metro", "county"):
        agency = Agency(world, name, "u1", "u2", "u3")
        users += agency.users
    world.connect(*users)
    for agency in (users[0].agency, users[3].agency):
        u1, u2, u3 = agency.users
        agency.publish(1)
        agency.schedule(*(shift(f"s{n}", 1, f"u{1 + n % 3}", start=in_days(1 + n)) for n in range(24)))
        agency.schedule(
            *(shift(f"s{n}", 2, f"u{1 + (n + 1) % 3}", start=in_days(1 + n)) for n in range(0, 24, 4))
        )
        agency.schedule(*(gone(f"s{n}", 3) for n in range(0, 24, 5)))
        world.settle()
        agency.unpublish(2)
        world.settle()
        agency.schedule(
            *(shift(f"s{n}", 4, "u1", start=in_days(1 + n), title=f"edited {n}") for n in range(0, 9, 2))
        )
        agency.publish(3)
        world.settle()
        agency.unpublish(4, in_days(15).date(), back=True)
        agency.publish(1, calendar="empty")
        u1.command("connect")
        u2.command("resync")
        u3.deactivate()
        world.settle()
        agency.schedule(
            shift("s3", 9, "u3", start=in_days(4)), shift("s4", 9, "u2", start=in_days(5), title="late")
        )
        world.send("schedule-changed", b"poison")
        world.settle()
    return users


def calendars(users: list[User]) -> dict[str, list[Json]]:
    """All that stands there, to the last etag."""
    return {user.account: user.google.events(user.account) for user in users}


def inputs(world: World) -> list[Record]:
    """Every input message so far."""
    return [record for name in INPUTS for record in world.records(name)]


def writes(google: Google, since: int) -> list[Json]:
    """Calls that would change a calendar."""
    return [one for one in google.journal(since) if one["method"] in WRITES]


def test_replays(new_world: Callable[..., World], tmp_path: Path) -> None:
    """Redelivered, replayed, with another state directory, rebuilt under a new name: the calendars stay as they are."""
    with Google() as google:
        world = new_world(google, resync_cooldown_s=1)
        world.must("topics", "create")
        first = world.start("first").wait_ready()
        users = story(world)
        before, since = calendars(users), google.mark()
        titles = {user.account: user.titles() for user in users}
        assert sum(map(len, titles.values())) > 12
        letters = len(world.records("dead-letters"))

        # Every message again, last ones first: not one call.
        for record in reversed(inputs(world)):
            world.send(record.topic.removeprefix(world.prefix), record.value, key="again")
        world.settle(seconds=90)
        assert google.journal(since) == []
        assert calendars(users) == before
        assert len(world.records("dead-letters")) == 2 * letters

        # The command reads them again: without a resync not one call either.
        world.must("replay", *INPUTS, "--no-resync")
        world.settle(seconds=90)
        assert google.journal(since) == []
        assert len(world.records("dead-letters")) == 2 * letters

        # With a resync it repairs what a user has deleted, and nothing else is written.
        lost = users[1]
        victim = before[lost.account][0]
        google.delete(lost.account, victim["id"])
        world.must("replay", "schedule-changed", "calendar-published", "calendar-unpublished")
        lost.shows(*titles[lost.account])
        world.settle(seconds=90)
        assert {str(one["event_id"]) for one in writes(google, since)} == {victim["id"]}
        before, since = calendars(users), google.mark()

        # A lost state directory is filled from the changelogs: not one call.
        assert first.stop() == 0, first.tail()
        second = world.start("second").wait_ready()
        world.settle(seconds=90)
        assert google.journal(since) == []
        users[0].agency.schedule(shift("fresh", start=in_days(6)))
        users[0].shows(*titles[users[0].account], "fresh")
        before, since = calendars(users), google.mark()
        assert second.stop() == 0, second.tail()

        # A changed policy is an ordinary difference at the next start, and so is its end.
        path = policies(tmp_path / "policies.toml", [("metro", {"title": "{{ title }} ({{ kind }})"})])
        dressed = world.start("second", policies=path).wait_ready()
        users[0].shows(*(f"{title} (shift)" for title in [*titles[users[0].account], "fresh"]))
        world.settle(seconds=90)
        assert {str(one["method"]) for one in writes(google, since)} == {"events.patch"}
        assert users[4].titles() == titles[users[4].account]
        assert dressed.stop() == 0, dressed.tail()
        plain = world.start("second").wait_ready()
        users[0].shows(*titles[users[0].account], "fresh")
        world.settle(seconds=90)
        before, since = calendars(users), google.mark()
        assert plain.stop() == 0, plain.tail()

        # A new APP_ID rebuilds everything from the inputs: it looks, and writes nothing.
        world.must("topics", "create", app_id="rebuilt")
        third = world.start("third", app_id="rebuilt").wait_ready()
        world.settle("rebuilt", seconds=90)
        assert writes(google, since) == []
        assert calendars(users) == before
        users[0].agency.schedule(shift("fresh", 2, start=in_days(6), title="rebuilt"))
        users[0].shows(*titles[users[0].account], "rebuilt")
        assert third.stop() == 0, third.tail()
        assert google.stats()["overlaps"] == []
        assert google.stats()["violations"] == []
