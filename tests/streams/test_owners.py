"""How partitions were left: by a release, without a word, by a worker that slept."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import pytest
from aiokafka.structs import TopicPartition

from streams import owners
from streams.names import Names
from streams.owners import TOLD, Owners

ALL = frozenset(range(4))
LEFT, RIGHT = frozenset({0, 1}), frozenset({2, 3})
NOTHING = frozenset[int]()


class Topic:
    """`APP_ID-rebuild`: what was delivered, of other things as well. `compact` leaves each key's newest record."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes]] = [(b"done", b'{"ends": {}}')]
        self.taking = asyncio.Event()
        self.taking.set()

    async def deliver(self, _topic: str, key: bytes, value: bytes) -> None:
        await self.taking.wait()
        self.records.append((key, value))

    async def read(self, _tp: TopicPartition) -> list[tuple[bytes, bytes]]:
        return list(self.records)

    def compact(self) -> None:
        newest = {key: number for number, (key, _) in enumerate(self.records)}
        self.records = [self.records[number] for number in sorted(newest.values())]


class Group:
    """Workers that share a topic; each call of `process` is a start."""

    def __init__(self) -> None:
        self.topic, self.now = Topic(), 1_000.0

    def process(self, instance: str) -> Owners:
        topic = cast("Any", self.topic)
        return Owners(topic, topic, Names(), instance, lambda: self.now)


@pytest.fixture
async def group() -> Group:
    return Group()


async def test_first_start_of_all(group: Group) -> None:
    """Nobody had these partitions before."""
    found = await group.process("a").claim(ALL)
    assert (found.unclean, found.silent, found.spent) == (NOTHING, NOTHING, {})


async def test_owner_that_released(group: Group) -> None:
    """Its partitions come with what it called in its last minute."""
    one, other = group.process("a"), group.process("b")
    await one.claim(ALL)
    await one.release({"": (400, 60.0)}, unsure=NOTHING)
    group.now += 20
    found = await other.claim(LEFT)
    assert (found.unclean, found.spent) == (NOTHING, {one._process: (200, 40.0)})


async def test_owner_that_released_long_ago(group: Group) -> None:
    """Its calls count no more."""
    one = group.process("a")
    await one.claim(ALL)
    await one.release({"": (400, 60.0)}, unsure=NOTHING)
    group.now += 60
    assert (await group.process("b").claim(ALL)).spent == {}


async def test_calls_of_an_owner_two_before(group: Group) -> None:
    """They are told on, for as long as they count; to whoever made them they are nothing new."""
    one, other = group.process("a"), group.process("b")
    await one.claim(ALL)
    await one.release({"": (400, 60.0)}, unsure=NOTHING)
    group.now += 10
    spent = (await other.claim(LEFT)).spent
    group.now += 10
    told = {whose: (calls, seconds - 10) for whose, (calls, seconds) in spent.items()}
    await other.release({"": (6, 60.0)} | told, unsure=NOTHING)
    found = await group.process("c").claim(LEFT)
    assert found.spent == {one._process: (200, 40.0), other._process: (6, 60.0)}
    assert (await one.claim(LEFT)).spent == {}


async def test_calls_that_went_away_with_their_users_and_came_back(group: Group) -> None:
    """At every moment they count at exactly one worker, whoever made them."""
    one, other = group.process("a"), group.process("b")
    await one.claim(ALL)
    await one.release({"": (400, 60.0)}, unsure=NOTHING)
    found = await one.claim(RIGHT)
    assert (found.gone, found.spent) == (0.5, {})
    assert (await other.claim(LEFT)).spent == {one._process: (200, 60.0)}
    await one.release({"": (200, 60.0)}, unsure=NOTHING)
    await other.release({"": (6, 60.0), one._process: (200, 60.0)}, unsure=NOTHING)
    found = await one.claim(ALL)
    assert (found.gone, found.spent) == (0.0, {one._process: (200, 60.0), other._process: (6, 60.0)})
    await one.release({"": (200, 60.0)} | found.spent, unsure=NOTHING)
    found = await one.claim(ALL)
    assert found.gone == 0.0
    assert found.spent == {one._process + TOLD: (200, 60.0), other._process: (6, 60.0)}


async def test_owner_that_died(group: Group) -> None:
    """What it claimed was left without a word; what it had given up before was not."""
    one = group.process("a")
    await one.claim(ALL)
    await one.release({"": (0, 60.0)}, unsure=NOTHING)
    await one.claim(LEFT)
    found = await group.process("b").claim(ALL)
    assert (found.unclean, found.silent) == (LEFT, LEFT)


async def test_owner_that_died_and_is_back(group: Group) -> None:
    """It is another process under the same name, and as careful as anybody."""
    await group.process("a").claim(LEFT)
    assert (await group.process("a").claim(LEFT)).unclean == LEFT


async def test_owner_that_died_and_is_back_with_less(group: Group) -> None:
    """Whoever has the rest now is told, too, in whatever order they ask."""
    await group.process("a").claim(ALL)
    back, other = group.process("a"), group.process("b")
    assert (await back.claim(LEFT)).unclean == LEFT
    assert (await other.claim(RIGHT)).unclean == RIGHT


async def test_takeover_is_told_once(group: Group) -> None:
    """Once the heir has left cleanly, the dead owner's claim means nothing any more."""
    await group.process("a").claim(ALL)
    heir = group.process("b")
    assert (await heir.claim(ALL)).unclean == ALL
    await heir.release({"": (0, 60.0)}, unsure=NOTHING)
    assert (await group.process("c").claim(ALL)).unclean == NOTHING


async def test_worker_that_slept(group: Group) -> None:
    """It wakes and releases what is another's by now; should that one die, its users were left without a word."""
    sleeper, heir = group.process("a"), group.process("b")
    await sleeper.claim(ALL)
    await heir.claim(ALL)
    await sleeper.release({"": (9, 60.0)}, unsure=NOTHING)
    group.topic.compact()
    found = await group.process("c").claim(ALL)
    assert (found.unclean, found.spent) == (ALL, {})


async def test_rebalance_that_gives_the_same_back(group: Group) -> None:
    """Its own calls are in its own windows already."""
    one = group.process("a")
    await one.claim(ALL)
    await one.release({"": (400, 60.0)}, unsure=NOTHING)
    found = await one.claim(ALL)
    assert (found.unclean, found.spent) == (NOTHING, {})


async def test_calls_cut_off_in_a_drain(group: Group) -> None:
    """Their partitions are not released, and whoever has them next looks; the same process at once, without a charge."""
    one = group.process("a")
    await one.claim(ALL)
    await one.release({"": (0, 60.0)}, unsure=LEFT)
    found = await one.claim(ALL)
    assert (found.unclean, found.silent) == (LEFT, NOTHING)


async def test_kafka_takes_no_release(
    group: Group, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The drain goes on, and the next owner is careful."""
    monkeypatch.setattr(owners, "RELEASE_S", 0.01)
    one = group.process("a")
    await one.claim(ALL)
    group.topic.taking.clear()
    with caplog.at_level(logging.WARNING):
        await one.release({"": (0, 60.0)}, unsure=NOTHING)
    assert "no release" in caplog.text
    group.topic.taking.set()
    assert (await group.process("b").claim(ALL)).unclean == ALL


async def test_nothing_to_release(group: Group) -> None:
    """A second drain, or one before the first claim, says nothing."""
    one, before = group.process("a"), len(group.topic.records)
    await one.release({"": (0, 60.0)}, unsure=NOTHING)
    assert len(group.topic.records) == before


async def test_topic_that_was_compacted(group: Group) -> None:
    """The newest record of each instance says everything."""
    one, other = group.process("a"), group.process("b")
    for _ in range(3):
        await one.claim(LEFT)
        await one.release({"": (0, 60.0)}, unsure=NOTHING)
        await other.claim(RIGHT)
    group.topic.compact()
    assert (await group.process("c").claim(ALL)).unclean == RIGHT
