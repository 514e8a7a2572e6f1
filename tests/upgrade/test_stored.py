"""What the release before wrote: every kind is read as it was meant, and a deployment goes on where it was left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from pydantic import BaseModel

from schemas import formats
from streams import codec
from streams.names import Names
from tests.e2e.google import Google
from tests.e2e.messages import Json, in_days, shift
from tests.e2e.world import Agency, World
from tests.kafka import Kafka
from tests.upgrade.conftest import NewWorld
from tests.upgrade.scene import AGENCY, START, USERS
from tests.upgrade.shapes import examples, families
from tests.upgrade.stored import (
    FIXTURES,
    PREFIX,
    Example,
    Store,
    bring_back,
    bring_back_calendars,
    bring_back_connections,
    drop_topics,
)

VERSIONS = sorted(int(path.stem) for path in FIXTURES.glob("*.zip"))
EXAMPLES = [(number, one) for number in VERSIONS for one in Store(number).examples()]
KINDS = {kind.__name__: kind for kinds in families().values() for kind in kinds}
READ: dict[str, Callable[[bytes], BaseModel]] = {
    "calendar-fact": codec.calendar_fact,
    "user-record": codec.user_record,
}


def read(example: Example) -> BaseModel:
    """As the agents do."""
    if example.family == "row":
        return codec.decode(KINDS[example.kind], example.data)
    return READ[example.family](example.data)


def still_meant(now: object, meant: object) -> bool:
    """Whether all that was said then is said now; a field that came later may say more."""
    if isinstance(meant, dict) and isinstance(now, dict):
        return all(name in now and still_meant(now[name], value) for name, value in meant.items())
    if isinstance(meant, list) and isinstance(now, list):
        return len(now) == len(meant) and all(map(still_meant, now, meant))
    return now == meant


@pytest.mark.parametrize(
    ("number", "example"), EXAMPLES, ids=[f"{number}-{one.name}" for number, one in EXAMPLES]
)
def test_what_was_written(number: int, example: Example) -> None:
    """It is read as it was meant."""
    again = read(example)
    assert type(again).__name__ == example.kind
    assert still_meant(again.model_dump(mode="json"), example.meant), number


def test_the_newest_format() -> None:
    """What it looks like is kept before it is released: `python -m tests.upgrade.record N`."""
    assert formats.NEWEST in VERSIONS


def test_what_may_not_change_within_a_format() -> None:
    """A kind, a branch or a word that is new raises the format, and so does a field that is gone: see docs/upgrade.md."""
    stored = {one.name: one for one in Store(formats.NEWEST).examples()}
    today = {
        f"{family}/{kind.__name__}/{number:02}": one.model_dump(mode="json")
        for family, kinds in families().items()
        for kind in kinds
        for number, one in enumerate(examples(kind))
    }
    kinds_of = [{name.rpartition("/")[0] for name in names} for names in (today, stored)]
    assert kinds_of[0] == kinds_of[1], "a kind came or went"
    assert set(stored) <= set(today), "a word of a closed list went"
    # One more word in a list, and the examples take other ones in turn.
    changed = [name for name, one in stored.items() if not still_meant(today[name], one.meant)]
    assert changed == [], "a field went or means something else, or a word came"


@pytest.fixture(params=VERSIONS)
def store(kafka: Kafka, request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each file, and no topics of it before and after."""
    if "mock" not in kafka.name:
        drop_topics(kafka.bootstrap)
    yield Store(request.param)
    if "mock" not in kafka.name:
        drop_topics(kafka.bootstrap)


def _brought_back(world: World, store: Store) -> None:
    left = store.deployment()
    world.must("topics", "create")
    bring_back(left, world.broker.bootstrap, Names(PREFIX).app_id)
    bring_back_calendars(left, world.google)
    database, key = (world.settings[f"SHIFTCAL_{name}"] for name in ("DATABASE_URL", "VAULT_KEYS"))
    asyncio.run(bring_back_connections(left, world.google, database, key))


def _standing(world: World) -> dict[str, list[Json]]:
    users = Agency(world, AGENCY, *USERS).users[:4]
    return {user.id: world.google.events(user.calendar) for user in users}


def test_a_deployment_that_was_left(new_world: NewWorld, store: Store) -> None:
    """A worker takes it over without a call, without state of its own; each change from then on costs one."""
    with Google() as google:
        world = new_world(google, prefix=PREFIX)
        _brought_back(world, store)
        before, since = _standing(world), google.mark()
        worker = world.start().wait_ready()
        world.settle()
        assert google.journal(since) == []
        assert _standing(world) == before
        _goes_on(world)
        assert worker.stop() == 0, worker.tail()
        assert "Traceback" not in worker.log.read_text(), worker.tail()


def _goes_on(world: World) -> None:
    agency = Agency(world, AGENCY, *USERS)
    one, two, *_ = agency.users
    since = world.google.mark()
    agency.schedule(
        shift("s0", 3, "u1", start=START, title="Medic 16"),
        shift("new", 1, "u1", start=in_days(3), title="New"),
        {"op": "delete", "shift_id": "s5", "version": 2},
        shift("s6", 1, "u1", start=START, title="An older version"),
        shift("for-two", 2, "u2", start=START, title="She is not connected any more"),
    )
    assert sorted(one.calls(since)) == ["delete", "insert", "patch"]
    assert two.calls(since) == []
    assert one.stands("s0")["summary"] == "Medic 16"
    assert one.stands("new")["summary"] == "New"
    assert one.event("s5") is None or one.event("s5", n=None)["status"] == "cancelled"  # type: ignore[index]
    # What an un-publish took off comes back, with the publication's version after the one that is remembered.
    agency.publish(2, through="2035-12-31", calendar="withdrawn")
    world.settle()
    assert one.event("w1", calendar="withdrawn") is None
    agency.publish(3, through="2035-12-31", calendar="withdrawn")
    world.settle()
    assert one.stands("w1", calendar="withdrawn")["status"] == "confirmed"
