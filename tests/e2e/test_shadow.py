"""A shadow beside the live group: what it does not touch, what it would do, and a cut-over that does just that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import NewWorld
from tests.e2e.google import Google
from tests.e2e.kafka import Record
from tests.e2e.messages import Json, gone, in_days, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import INPUTS, Agency, User, Worker, World, policies

SHADOW = "shiftcal-shadow"
TABLES = ("publications", "assignments", "rosters", "users")
LIVE = (
    *INPUTS,
    "sync-results",
    "sync-status",
    "dead-letters",
    "shiftcal-calendar-facts",
    "shiftcal-user-facts",
    "shiftcal-rebuild",
    *(f"shiftcal-{table}-changelog" for table in TABLES),
)

#: Where nobody listens: whoever would call Google there fails.
NOWHERE = {f"google_{name}_url": "http://127.0.0.1:1" for name in ("api", "token", "revoke", "auth")}


@pytest.fixture
def google() -> Iterator[Google]:
    """One of its own: everything that is asked of it is counted."""
    with Google() as google:
        yield google


def shadow_of(world: World, **settings: str) -> Worker:
    """A shadow that has no key, no client of Google's and no way to it."""
    nothing = dict.fromkeys(("vault_keys", "google_client_id", "google_client_secret"), "")
    return world.start("shadow", "--shadow", **{**nothing, **NOWHERE, **settings})


def new_agency(world: World, *users: str) -> Agency:
    """A live worker, and an agency whose users are connected."""
    world.must("topics", "create")
    world.start("live").wait_ready()
    agency = Agency(world, "metro-ems", *users)
    world.connect(*agency.users)
    return agency


def begin_shadow(world: World, **settings: str) -> Worker:
    """Make a shadow's topics, start it, and wait until it has caught up."""
    world.settle()
    world.must("topics", "create", "--shadow")
    return shadow_of(world, **settings).wait_ready(180)


def told(record: Record) -> tuple[object, ...]:
    """What a result says of a call, but for when it was made."""
    cause = record.json["caused_by"]
    place = None if cause is None else (cause["topic"], cause["partition"], cause["offset"])
    one = record.json
    return record.key, one["action"], one["google_event_id"], one["version"], place


def difference(world: World, *arguments: str, status: int) -> Json:
    """What `shadow diff` says, with the status that it has to end with."""
    done = world.shiftcal("shadow", "diff", *arguments, "--json")
    assert done.status == status, done
    found: Json = json.loads(done.out)
    return found


def ends(world: World, *topics: str) -> dict[str, int]:
    """Where topics end."""
    return world.broker.lag(world.prefix + "shiftcal", [world.prefix + name for name in topics])[1]


def the_usual(agency: Agency) -> None:
    """New shifts, edits, a delete, a re-assignment, another day of publication, a resync."""
    u1, u2 = agency.users[:2]
    agency.schedule(shift("s1", 2, title="edited"), shift("s3"), gone("s2", 2))
    u1.shows("edited", "s3")
    both(agency.world)
    agency.schedule(shift("s4", user="u2"), shift("s3", 2, user="u2"))
    u2.shows("s3", "s4")
    both(agency.world)
    agency.publish(2, since=in_days(2).date())
    u1.command("resync")
    both(agency.world)


def both(world: World) -> None:
    """Wait for both groups: whoever is behind joins changes into fewer calls, and rightly so."""
    world.settle()
    world.settle(SHADOW)


def test_side_by_side(new_world: NewWorld, google: Google) -> None:
    """One code, one policy: through connects, edits, an un-publish and a purge both make the same calls, Google sees one."""
    world = new_world(google)
    agency = new_agency(world, "u1", "u2")
    u1, u2 = agency.users
    agency.publish()
    agency.schedule(shift("s1"), shift("s2"), shift("last-year", start=in_days(-300)))
    u1.shows("s1", "s2")
    shadow = begin_shadow(world)
    assert world.records(f"{SHADOW}-calls") == []
    assert difference(world, status=0)["alike"] == 2

    mark, before = google.mark(), len(world.records("sync-results"))
    the_usual(agency)
    u3 = agency.user("u3")
    agency.schedule(shift("s5", user="u3"))
    world.connect(u3)
    u3.shows("s5")
    both(world)
    agency.unpublish(3)
    for user in (u1, u2, u3):
        user.shows()
    both(world)
    agency.publish(4)
    u2.shows("s3", "s4")
    both(world)
    u2.command("disconnect", purge=True)
    u2.shows()
    u2.is_told("stopped")
    found = difference(world, status=0)
    assert (found["equal"], found["alike"], found["differences"]) == (True, 3, [])
    assert found["live_calls"] == found["shadow_calls"]
    assert found["live_calls"]["actions"]["patched"] >= 1

    results = world.records("sync-results")[before:]
    assert sorted(map(told, world.records(f"{SHADOW}-calls")), key=str) == sorted(map(told, results), key=str)
    writes = [
        one
        for one in google.journal(mark)
        if one["method"] in {"events.insert", "events.patch", "events.delete"}
    ]
    assert len([one for one in writes if one["status"] < 300]) == len(results)
    assert world.shiftcal("shadow", "diff").out.startswith("3 of 3 users are alike\n")
    assert shadow.stop() == 0, shadow.tail()
    assert "Traceback" not in shadow.log.read_text()


def test_what_a_shadow_touches(new_world: NewWorld, google: Google) -> None:
    """While no live worker runs: no record on a topic of the live group, no byte of the database, no request to Google."""
    world = new_world(google)
    agency = new_agency(world, "u1", "u2")
    u1, u2 = agency.users
    agency.publish()
    agency.schedule(shift("s1"), shift("s2", user="u2"))
    u1.shows("s1")
    u2.shows("s2")
    shadow = begin_shadow(world)
    live = world.workers[0]
    assert live.stop() == 0
    agency.schedule(shift("s1", 2, title="edited"), shift("s3"))
    u2.command("disconnect", purge=True)
    world.send("sync-commands", b"{}", key=u1.key)
    mark, before, stored = google.mark(), ends(world, *LIVE), database(world)

    world.settle(SHADOW)
    calls = world.records(f"{SHADOW}-calls")
    assert sorted(one.json["action"] for one in calls) == ["deleted", "inserted", "patched"]
    assert len(world.records(f"{SHADOW}-dead-letters")) == 1
    assert shadow.stop() == 0
    assert ends(world, *LIVE) == before
    assert database(world) == stored
    assert google.mark() == mark

    behind = world.shiftcal("shadow", "diff", "--wait", "1")
    assert behind.status == 1
    assert "has still to process" in behind.out
    assert "would" not in behind.out
    world.start("live").wait_ready()
    shadow_of(world).wait_ready(180)
    u1.shows("edited", "s3")
    u2.shows()
    found = difference(world, status=0)
    assert (found["live_letters"], found["shadow_letters"]) == (1, 1)
    assert found["live_calls"] == found["shadow_calls"]


def database(world: World) -> dict[str, bytes]:
    """The bytes of the database's files; a write-ahead log that is empty is as good as none."""
    contents = {path.name: path.read_bytes() for path in world.home.glob("shiftcal.db*")}
    return {name: content for name, content in contents.items() if content and "shm" not in name}


def test_another_policy_and_a_cut_over(new_world: NewWorld, google: Google, tmp_path: Path) -> None:
    """The shadow says what other policies would change, and a live worker with them changes exactly that."""
    changed = policies(
        tmp_path / "next.toml",
        [("metro-ems", {"title": "{{ title }} ({{ kind }})", "synced_kinds": ["shift", "class"]})],
    )
    world = new_world(google)
    agency = new_agency(world, "u1", "u2", "u3")
    u1, u2, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1"), shift("c1", kind="class"), shift("s2", user="u2"))
    u1.shows("s1")
    u2.shows("s2")
    google.delete(u2.calendar, u2.id_of("s2"))
    shadow = begin_shadow(world, policies=str(changed))
    agency.schedule(shift("s3"), shift("t1", kind="training"))
    u1.shows("s1", "s3")

    found = difference(world, status=1)
    assert [about(one) for one in found["differences"]] == [
        ("u1", "c1", "extra", "insert"),
        ("u1", "s1", "different", "patch"),
        ("u1", "s3", "different", "patch"),
        ("u2", "s2", "different", "patch"),
    ]
    assert found["alike"] == 1
    assert [one["caused_by"]["topic"] for one in found["differences"]] == [
        world.prefix + "schedule-changed"
    ] * 4
    said = world.shiftcal("shadow", "diff", "metro-ems", "u1")
    assert said.status == 1
    assert (
        "metro-ems/u1: shift c1 of calendar ops does not stand there; the shadow would insert it as version 1"
        in said.out
    )
    assert "3 differences of one user: 1 insert, 2 patch" in said.out
    assert "u2" not in said.out
    assert "(class)" not in said.out
    assert difference(world, "metro-ems", "u3", status=0)["users"] == 1
    assert "neither group knows metro-ems/u9" in world.shiftcal("shadow", "diff", "metro-ems", "u9").complaint

    assert shadow.stop() == 0
    assert world.workers[0].stop() == 0
    mark = google.mark()
    world.start("live", policies=changed).wait_ready()
    u1.shows("s1 (shift)", "s3 (shift)", "c1 (class)")
    u2.shows("s2 (shift)")
    world.settle()
    assert difference(world, status=0)["alike"] == 3
    assert sorted(written(google, mark, u1, u2)) == sorted(
        (one["write"], one["shadow"]["google_event_id"]) for one in found["differences"]
    )
    for one in found["differences"]:
        user = u1 if one["user_id"] == "u1" else u2
        stands = user.stands(one["shift_id"])["extendedProperties"]["private"]
        assert stands["bgsFingerprint"] == one["shadow"]["fingerprint"]


def about(one: Json) -> tuple[Any, ...]:
    """The parts of a difference that name it."""
    return one["user_id"], one["shift_id"], one["kind"], one["write"]


def written(google: Google, mark: int, *users: User) -> list[tuple[str, str]]:
    """First writes of each event since: what a person's edit made necessary beside them is not the product's wish."""
    accounts = {user.account for user in users}
    first: dict[str, str] = {}
    for one in google.journal(mark):
        verb = str(one["method"]).removeprefix("events.")
        if one["account"] in accounts and verb in {"insert", "patch", "delete"}:
            first.setdefault(str(one["event_id"]), verb)
    return [(verb, event) for event, verb in first.items()]


def test_a_shadow_that_is_killed(new_world: NewWorld, google: Google) -> None:
    """It goes on where it was: what it holds in the end is what the live group holds."""
    world = new_world(google)
    agency = new_agency(world, "u1", "u2")
    u1, u2 = agency.users
    agency.schedule(*(shift(f"s{n}", user=f"u{n % 2 + 1}", start=in_days(n % 20 + 1)) for n in range(80)))
    shadow = begin_shadow(world)
    agency.publish()
    eventually(lambda: len(world.records(f"{SHADOW}-calls")), lambda count: count >= 10)
    shadow.kill()
    agency.schedule(*(shift(f"s{n}", 2, user=f"u{n % 2 + 1}", title=f"t{n}") for n in range(10)))
    shadow_of(world).wait_ready(180)
    agency.schedule(*(gone(f"s{n}", 3) for n in range(5)))
    world.settle(seconds=120)
    found = difference(world, status=0)
    assert (found["alike"], found["differences"]) == (2, [])
    assert len(u1.titles()) + len(u2.titles()) == 75


def test_before_it_has_caught_up(new_world: NewWorld, google: Google) -> None:
    """Without its topics or a live group it does not start, and before it has caught up nothing is compared."""
    world = new_world(google)
    world.must("topics", "create")
    assert "run `shiftcal topics create --shadow`" in world.shiftcal("worker", "--shadow").complaint
    world.must("topics", "create", "--shadow")
    assert "start it with `shiftcal worker --shadow`" in world.shiftcal("shadow", "diff").complaint
    shadow = shadow_of(world)
    assert shadow.process.wait(timeout=60) == 1
    assert "has no complete state yet" in shadow.tail()
    assert "Traceback" not in shadow.tail()
    wrong = world.shiftcal("worker", "--shadow", shadow_app_id="shiftcal")
    assert "SHIFTCAL_SHADOW_APP_ID" in wrong.complaint
