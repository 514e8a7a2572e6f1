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


class Scene:
    """A deployment after the story, and what stood on its calendars when it was last looked at."""

    def __init__(self, world: World) -> None:
        self.world, self.google = world, world.google
        self.users = story(world)
        self.titles = {user.account: user.titles() for user in self.users}
        self.look()

    def look(self) -> None:
        """From here on."""
        self.before, self.since = calendars(self.users), self.google.mark()

    def untouched(self, app_id: str = "shiftcal", *, calls: bool = False) -> None:
        """Wait until everything is done; nothing was written, and unless `calls` may be, nothing was asked."""
        self.world.settle(app_id, seconds=90)
        assert (writes(self.google, self.since) if calls else self.google.journal(self.since)) == []
        assert calendars(self.users) == self.before


def test_replays(new_world: Callable[..., World], tmp_path: Path) -> None:
    """Redelivered, replayed, with another state directory, rebuilt under a new name: the calendars stay as they are."""
    with Google() as google:
        world = new_world(google, resync_cooldown_s=1)
        world.must("topics", "create")
        worker = world.start("first").wait_ready()
        scene = Scene(world)
        assert sum(map(len, scene.titles.values())) > 12
        _everything_is_delivered_again(scene)
        _the_command_reads_it_again(scene)
        assert worker.stop() == 0, worker.tail()
        _the_state_directory_is_lost(scene)
        _the_policies_change(scene, tmp_path / "policies.toml")
        _the_name_changes(scene, tmp_path / "policies.toml")
        assert google.stats()["overlaps"] == []
        assert google.stats()["violations"] == []


def _everything_is_delivered_again(scene: Scene) -> None:
    """Last messages first: not one call, and the bad ones are dead letters once more."""
    world, letters = scene.world, len(scene.world.records("dead-letters"))
    for record in reversed(inputs(world)):
        world.send(record.topic.removeprefix(world.prefix), record.value, key="again")
    scene.untouched()
    assert len(world.records("dead-letters")) == 2 * letters


def _the_command_reads_it_again(scene: Scene) -> None:
    """Without a resync not one call either; with one it repairs what a user has deleted, and no more."""
    world, letters = scene.world, len(scene.world.records("dead-letters"))
    world.must("replay", *INPUTS, "--no-resync")
    scene.untouched()
    assert len(world.records("dead-letters")) == letters
    user = scene.users[1]
    victim = scene.before[user.account][0]
    scene.google.delete(user.account, victim["id"])
    world.must("replay", "schedule-changed", "calendar-published", "calendar-unpublished")
    user.shows(*scene.titles[user.account])
    world.settle(seconds=90)
    assert {str(one["event_id"]) for one in writes(scene.google, scene.since)} == {victim["id"]}
    scene.look()


def _the_state_directory_is_lost(scene: Scene) -> None:
    """It is filled from the changelogs: not one call, and changes go on as ever."""
    worker = scene.world.start("second").wait_ready()
    scene.untouched()
    user = scene.users[0]
    user.agency.schedule(shift("fresh", start=in_days(6)))
    scene.titles[user.account].append("fresh")
    user.shows(*scene.titles[user.account])
    assert user.calls(scene.since) == ["insert"]
    scene.look()
    assert worker.stop() == 0, worker.tail()


def _the_policies_change(scene: Scene, path: Path) -> None:
    """An ordinary difference at the next start, for that agency alone."""
    user, other = scene.users[0], scene.users[4]
    policies(path, [(user.agency.id, {"title": "{{ title }} ({{ kind }})", "user_may_choose": ["colour"]})])
    user.chooses(colour="basil")
    dressed = scene.world.start("second", policies=path).wait_ready()
    scene.titles[user.account] = [f"{title} (shift)" for title in scene.titles[user.account]]
    user.shows(*scene.titles[user.account])
    scene.world.settle(seconds=90)
    assert {str(one["method"]) for one in writes(scene.google, scene.since)} == {"events.patch"}
    assert other.titles() == scene.titles[other.account]
    assert dressed.stop() == 0, dressed.tail()
    scene.look()


def _the_name_changes(scene: Scene, path: Path) -> None:
    """A new `APP_ID` rebuilds everything from the inputs, and choices from the database: it looks, and writes nothing."""
    scene.world.must("topics", "create", app_id="rebuilt")
    worker = scene.world.start("third", app_id="rebuilt", policies=path).wait_ready()
    scene.untouched("rebuilt", calls=True)
    user = scene.users[0]
    assert {one.get("colorId") for one in scene.before[user.account]} == {"10"}
    user.agency.schedule(shift("fresh", 2, start=in_days(6), title="rebuilt"))
    user.shows(*scene.titles[user.account][:-1], "rebuilt (shift)")
    assert worker.stop() == 0, worker.tail()
