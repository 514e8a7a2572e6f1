"""`explain`, `status` and `plan` beside a worker at work, and without one: what they say is what stands in Google."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.e2e.google import Google
from tests.e2e.kafka import Record
from tests.e2e.messages import NOON, Json, gone, in_days, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, User, World, policies
from tests.kafka import Kafka

HOLD = {"hold_removals_over": {"share": 0.5, "count": 1}}


@pytest.fixture(scope="module")
def deployment(kafka: Kafka, google: Google, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A worker, and the users of two agencies, of which one keeps what is un-published and one holds much of it."""
    if "mock" in kafka.name:
        pytest.skip("whole deployments need a real Kafka")
    home = tmp_path_factory.mktemp("answers")
    path = policies(home / "policies.toml", [("keep", {"on_unpublish": "keep"}), ("hold", HOLD)])
    world = World(kafka.bootstrap, f"a{uuid4().hex[:8]}-", google, home, policies=path)
    try:
        world.must("topics", "create")
        world.connect(
            *(user for name in ("life", "keep", "hold", "down") for user in Agency(world, name, "u1").users)
        )
        world.start().wait_ready()
        world.settle()
        yield world
    finally:
        world.close()


def explained(user: User, shift_id: str) -> Json:
    """The one answer; whether it is on the calendar is compared with the calendar."""
    done = user.world.must("explain", user.agency.id, user.id, shift_id, "--json")
    (answer,) = json.loads(done.out)["answers"]
    assert answer["on_calendar"] == (user.event(shift_id) or {}).get("status", "none").startswith("confirmed")
    return dict(answer)


def codes(answer: Json) -> list[str]:
    return [reason["code"] for reason in answer["reasons"] if reason["code"] != "behind"]


def place(answer: Json, code: str) -> tuple[str, int, int]:
    """Where the message behind a reason stands."""
    message = next(reason["message"] for reason in answer["reasons"] if reason["code"] == code)
    return message["topic"], message["partition"], message["offset"]


def last(world: World, topic: str, agency: str) -> tuple[str, int, int]:
    """Where the newest message of an agency stands."""
    found = [one for one in world.records(topic) if one.json["agency_id"] == agency]
    newest: Record = max(found, key=lambda one: str(one.json["occurred_at"]))
    return newest.topic, newest.partition, newest.offset


def test_the_life_of_a_shift(deployment: World) -> None:
    """Each turn of it is explained by the message that made it."""
    world, agency = deployment, Agency(deployment, "life", "u1")
    u1 = agency.users[0]
    assert codes(explained(u1, "s")) == ["never_heard_of"]
    agency.schedule(shift("s", 1))
    world.settle()
    found = explained(u1, "s")
    assert codes(found) == ["never_published"]
    agency.publish(1)
    u1.keeps("s")
    found = explained(u1, "s")
    assert (codes(found), found["in_step"]) == (["there", "assigned", "published", "connected"], True)
    assert place(found, "there") == place(found, "published") == last(world, "calendar-published", "life")
    assert place(found, "assigned") == last(world, "schedule-changed", "life")
    assert place(found, "connected") == last(world, "sync-commands", "life")
    agency.unpublish(2, NOON.date(), back=True)
    u1.keeps()
    found = explained(u1, "s")
    assert codes(found) == ["rolled_back"]
    assert place(found, "rolled_back") == last(world, "calendar-unpublished", "life")
    agency.publish(3)
    u1.keeps("s")
    agency.schedule(shift("s", 2, kind="training"))
    u1.keeps()
    found = explained(u1, "s")
    assert codes(found) == ["kind_not_synced"]
    assert place(found, "kind_not_synced") == last(world, "schedule-changed", "life")
    agency.schedule(gone("s", 3))
    world.settle()
    found = explained(u1, "s")
    assert codes(found) == ["deleted"]
    assert place(found, "deleted") == last(world, "schedule-changed", "life")
    agency.schedule(shift("t", 1))
    u1.keeps("t")
    world.must("disconnect", "life", "u1")
    u1.is_told("stopped")
    found = explained(u1, "t")
    assert (found["on_calendar"], codes(found)) == (True, ["stopped", "left_behind"])
    assert place(found, "stopped") == last(world, "sync-commands", "life")


def test_what_stands_though_it_is_unpublished(deployment: World) -> None:
    """Kept by one agency, held by the other: `explain`, `status` and `plan` agree."""
    world = deployment
    for name, code in (("keep", "kept"), ("hold", "held")):
        agency = Agency(world, name, "u1")
        u1 = agency.users[0]
        agency.publish(1)
        agency.schedule(shift("a"), shift("b"))
        u1.keeps("a", "b")
        agency.unpublish(2)
        u1.keeps("a", "b")
        found = explained(u1, "a")
        assert (found["on_calendar"], codes(found)) == (True, ["unpublished", code])
        assert place(found, code) == last(world, "calendar-unpublished", name)
        status = json.loads(world.must("status", name, "u1", "--json").out)
        assert status[code] == {"ops": 2}
        assert status["writes"] == {}
        (plan,) = json.loads(world.must("plan", name, "u1", "--json").out)
        assert plan["writes"] == []
        assert len(plan["held"]) == (2 if code == "held" else 0)


def test_a_user_who_has_to_connect_again(deployment: World) -> None:
    """What is wrong and what to do is what `sync-status` tells."""
    world, agency = deployment, Agency(deployment, "again", "u1")
    u1 = agency.users[0]
    world.connect(u1)
    agency.publish(1)
    agency.schedule(shift("a"))
    u1.keeps("a")
    world.google.ask("POST", f"accounts/{u1.account}/invalidate", {"access_tokens": True})
    agency.schedule(shift("a", 2, title="b"))
    told = u1.is_told("needs_reauthorization", "invalid_grant")
    found = explained(u1, "a")
    assert codes(found)[:2] == ["to_patch", "needs_reauthorization"]
    assert (found["on_calendar"], found["in_step"]) == (True, False)
    said = world.must("status", "again", "u1").out
    assert f"what to do: {told['last_error']['what_to_do']}" in said
    assert "next: it waits until what is wrong has passed" in said
    assert "1 writes of one user: 1 patch" in world.must("plan", "again").out


def test_without_a_worker(deployment: World) -> None:
    """What was known is still answered, what came since is named, and nothing is written by asking."""
    world, agency = deployment, Agency(deployment, "down", "u1")
    u1 = agency.users[0]
    agency.publish(1)
    agency.schedule(shift("a"))
    u1.keeps("a")
    assert world.workers[-1].stop() == 0
    agency.schedule(shift("a", 2, start=in_days(5)), shift("b"))
    # A static member that has stopped counts until its session ends.
    said = eventually(lambda: world.must("status").out, lambda out: out.startswith("no worker runs"))
    assert said.startswith("no worker runs; 1 messages wait for them (1 of the input topics")
    before = _ends(world)
    found = explained(u1, "a")
    assert codes(found) == ["there", "assigned", "published", "connected", "unread", "no_worker"]
    assert found["in_step"] is False
    assert place(found, "unread") == last(world, "schedule-changed", "down")
    assert codes(explained(u1, "b")) == ["never_heard_of", "unread", "no_worker"]
    assert world.must("status").out.startswith(
        "no worker runs; 1 messages wait for them (1 of the input topics"
    )
    assert "metro" not in world.must("status", "down", "u1").out
    assert world.must("plan", "down", "u1").out == "nothing would be written\n"
    path = policies(world.home / "changed.toml", [("down", {"title": "{{ title }}!"})])
    assert "1 writes of one user: 1 patch" in world.must("plan", "down", "u1", policies=path).out
    doctor = world.must("doctor", "--json")
    outcomes = {one["check"]: one["outcome"] for one in json.loads(doctor.out)["checks"]}
    assert {name for name, outcome in outcomes.items() if outcome != "ok"} == {"group"}
    assert _ends(world) == before
    world.start().wait_ready()
    u1.keeps("a", "b")
    assert codes(explained(u1, "b")) == ["there", "assigned", "published", "connected"]


def _ends(world: World) -> dict[str, int]:
    """How long every topic of the deployment is."""
    names = [
        name for name in world.broker.admin.list_topics(timeout=10).topics if name.startswith(world.prefix)
    ]
    return world.broker.lag(f"{world.prefix}shiftcal", names)[1]
