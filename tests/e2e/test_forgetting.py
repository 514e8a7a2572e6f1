"""A person who is forgotten: the row and the status go for good, nobody else notices, and coming back is a first time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import zstandard

from tests.e2e.google import Google
from tests.e2e.messages import NOON, shift, text
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, User, World


def newest(user: User, topic: str) -> Any:
    """The newest value under the user's key, as it stands; False where there is none."""
    mine = [one.value for one in user.world.records(topic) if one.key == user.key]
    return mine[-1] if mine else False


def gone(user: User) -> bool:
    return newest(user, "sync-status") is None and newest(user, "shiftcal-users-changelog") is None


def left(user: User) -> None:
    """Wait until the user is deactivated, with proof."""
    user.deactivate()
    user.is_told("deactivated")
    assert eventually(lambda: user.google.grants(user.account), lambda seen: seen == 0) == 0
    user.world.settle()


def _last_word_of_a_lane(user: User) -> None:
    """That a token was erased, told by a lane that had not heard yet that its user is forgotten."""
    fact = {"fact": "token_released", "agency_id": user.agency.id, "user_id": user.id, "ended_at": text(NOON)}
    record = zstandard.compress(json.dumps(fact).encode())
    user.world.broker.send(f"{user.world.prefix}shiftcal-user-facts", [record], user.key.encode())


def test_somebody_who_is_forgotten(new_world: Callable[..., World], google: Google) -> None:
    """Under a running worker, after a loss of its state, and when old messages come again."""
    world = new_world(google)
    world.must("topics", "create")
    agency = Agency(world, "forgetful", "u1", "u2")
    u1, u2 = agency.users
    world.connect(u1, u2)
    worker = world.start().wait_ready()
    agency.publish()
    agency.schedule(shift("s1"), shift("s2", user="u2"))
    u1.shows("s1")
    u2.shows("s2")
    refused = world.shiftcal("forget", agency.id, "u1")
    assert refused.status == 1
    assert "is still connected" in refused.complaint

    left(u1)
    world.must("forget", agency.id, "u1")
    assert eventually(lambda: gone(u1), bool)
    u1.keeps("s1")
    listed = world.must("connections", "list", agency.id, "--json").out
    assert u1.account not in listed
    assert u2.account in listed

    # A row that is gone is gone from the disk, and for whoever reads the changelog from its beginning.
    worker.kill()
    shutil.rmtree(world.home / "state-worker")
    world.start().wait_ready()
    world.settle()
    since = u1.google.mark()
    statuses = len([one for one in world.records("sync-status") if one.key == u1.key])
    _last_word_of_a_lane(u1)
    agency.schedule(shift("s2", 2, "u2", title="edited"))
    u2.shows("edited")
    world.settle()
    assert gone(u1)
    assert len([one for one in world.records("sync-status") if one.key == u1.key]) == statuses

    # The old messages again, as a replay brings them: no token, no call, and the same end as before.
    for topic in ("sync-commands", "user-deactivated"):
        for one in [one for one in world.records(topic) if agency.id.encode() in (one.value or b"")]:
            world.broker.send(world.prefix + topic, [one.value], (one.key or "").encode() or None)
    u1.is_told("deactivated")
    world.settle()
    assert u1.calls(since) == []
    world.must("forget", agency.id, "u1")
    assert eventually(lambda: gone(u1), bool)

    # Back again: what stands there is adopted, what was missed is done.
    agency.schedule(shift("s1", 2, title="again"), shift("s3"))
    world.connect(u1)
    u1.shows("again", "s3")
    u1.is_told("in_sync")
    assert [one for one in u1.calls(since) if one == "insert"] == ["insert"]


def test_somebody_who_is_forgotten_while_no_worker_runs(
    new_world: Callable[..., World], google: Google
) -> None:
    """The workers do it when they come; one that dies at once does not undo it."""
    world = new_world(google)
    world.must("topics", "create")
    agency = Agency(world, "asleep", "u1")
    [u1] = agency.users
    world.connect(u1)
    worker = world.start().wait_ready()
    agency.publish()
    agency.schedule(shift("s1"))
    u1.shows("s1")
    left(u1)
    assert worker.stop() == 0
    world.must("forget", agency.id, "u1")
    assert newest(u1, "sync-status") is None
    assert newest(u1, "shiftcal-users-changelog")
    world.start().wait_ready()
    assert eventually(lambda: gone(u1), bool)
    world.workers[-1].kill()
    world.start().wait_ready()
    world.settle()
    assert gone(u1)
    assert world.workers[-1].stop() == 0
