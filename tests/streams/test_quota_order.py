"""Who goes first when a publication fills the quota: the soonest shift, everybody in turn, and nobody never."""

from __future__ import annotations

import asyncio
import random
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import line
from streams.line import AGED_S
from streams.schedule import IN_ORDER
from tests.chaos.ranks import rank_correlation
from tests.streams.quota_world import CALLS_OF_A_LANE, DAY_S, Google, World
from tests.streams.skipping import skip

PROJECT = 2_666


def test_publication_of_twenty_shifts_to_two_hundred_users() -> None:
    """The soonest go first, in just over the minute that the window asks for, and Google refuses nothing."""

    async def story() -> None:
        world = World(Google(project=PROJECT), project=PROJECT, account=600)
        dice = random.Random(7)
        shifts = {f"u{n}": [dice.uniform(2, 30) * DAY_S for _ in range(20)] for n in range(200)}
        await world.publish(shifts)
        assert len(world.google.arrived) == 4_000
        assert world.google.refused == []
        assert world.seconds < 63
        assert rank_correlation([one.place.start for one in world.google.arrived]) >= 0.99

    skip(story())


def test_users_whose_shifts_start_together() -> None:
    """At no moment is one of them further ahead of another than by what a lane has under way, and one."""

    async def story() -> None:
        world = World(Google(), project=600)
        shifts = {f"u{n}": [2 * DAY_S] * 40 for n in range(30)}
        await world.publish(shifts)
        had = dict.fromkeys(shifts, 0)
        for _, together in groupby(world.google.arrived, key=lambda one: one.at):
            for one in together:
                had[one.user] += 1
            assert max(had.values()) - min(had.values()) <= CALLS_OF_A_LANE + 1

    skip(story())


def test_four_calls_of_one_user_before_one_of_another() -> None:
    """Among equals each has one call in turn, however many wait."""

    async def story() -> None:
        world = World(Google(), at_once=1)
        async with asyncio.TaskGroup() as group:
            for user in ("first", *"aaaabbc"):
                group.create_task(world.write(user, 2 * DAY_S))
                await asyncio.sleep(0)
        assert [one.user for one in world.google.arrived] == ["first", *"abcabaa"]

    skip(story())


def test_user_who_comes_late_among_equals() -> None:
    """What was given before counts for nothing: a new user takes turns with the others from the first call on."""

    async def story() -> None:
        world = World(Google(), at_once=2)
        async with asyncio.TaskGroup() as group:
            for user in ("a", "b"):
                group.create_task(world.lane(user, [2 * DAY_S] * 600))
            await asyncio.sleep(30)
            group.create_task(world.lane("c", [2 * DAY_S] * 60))
        mine = [n for n, one in enumerate(world.google.arrived) if one.user == "c"]
        assert 2 * 60 <= mine[-1] - mine[0] <= 3 * 60 + 8

    skip(story())


def test_tonights_shift_during_an_hour_of_publication() -> None:
    """It is at Google within a second, every time."""

    async def story() -> None:
        world = World(Google(project=PROJECT), project=PROJECT, account=600)
        dice = random.Random(3)
        shifts = {f"u{n}": [dice.uniform(2, 60) * DAY_S for _ in range(60)] for n in range(400)}
        async with asyncio.TaskGroup() as group:
            publication = group.create_task(world.publish(shifts))
            took = []
            while not publication.done():
                await asyncio.sleep(dice.uniform(1, 9))
                took.append(await world.write(f"u{dice.randrange(400)}", 3_600.0))
        assert max(took) < 1
        assert len(took) > 60
        assert world.google.refused == []

    skip(story())


def test_slow_calls_on_every_connection() -> None:
    """A tenth of what may be under way is kept, too: tonight's shift waits for no answer to another call."""

    async def story() -> None:
        world = World(Google(latency=20.0), project=PROJECT)
        async with asyncio.TaskGroup() as group:
            group.create_task(world.publish({f"u{n}": [5 * DAY_S] * 4 for n in range(100)}))
            await asyncio.sleep(5)
            assert await world.write("u1", 3_600.0) == 20.0

    skip(story())


@settings(max_examples=25, deadline=None)
@given(
    patient=st.integers(1, 6),
    busy=st.integers(8, 40),
    limit=st.sampled_from([60, 200, 600]),
    soon=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_sooner_shifts_that_never_end(*, patient: int, busy: int, limit: int, soon: bool, seed: int) -> None:
    """No user waits longer than is stated, also where what is soon would fill the whole quota."""

    async def story() -> list[float]:
        world = World(Google(), project=limit)
        dice = random.Random(seed)

        async def flood(user: str) -> None:
            while True:
                await world.write(user, dice.uniform(0, 1) * DAY_S + (0 if soon else DAY_S + 1))

        async with asyncio.TaskGroup() as group:
            floods = [group.create_task(flood(f"busy{n}")) for n in range(busy) for _ in range(4)]
            await asyncio.sleep(dice.uniform(0, 70))
            waits = [group.create_task(world.write(f"far{n}", 400 * DAY_S)) for n in range(patient)]
            await asyncio.wait(waits)
            for task in floods:
                task.cancel()
        return [one.result() for one in waits]

    overdue = patient + busy  # the busy ones may have been passed over as well
    bound = AGED_S + 60 + 60 * (IN_ORDER + 2) * overdue / limit
    took = skip(story())
    assert max(took) <= bound


def test_no_turns_for_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without them the far shift would wait as long as sooner ones come: the turns are what keeps the promise."""
    monkeypatch.setattr(line, "AGED_S", float("inf"))

    async def story() -> None:
        world = World(Google(), project=60)

        async def flood() -> None:
            while True:
                await world.write("busy", 2 * DAY_S)

        async with asyncio.TaskGroup() as group:
            floods = [group.create_task(flood()) for _ in range(80)]
            far = group.create_task(world.write("far", 400 * DAY_S))
            await asyncio.sleep(3_600)
            assert not far.done()
            for task in (*floods, far):
                task.cancel()

    skip(story())


def test_accounts_at_their_own_limit() -> None:
    """Ten users who have more than an account may do take nothing from the others."""

    async def alone(*, with_ten: bool) -> float:
        world = World(Google(project=PROJECT, account=50), project=PROJECT, account=50)
        others = {f"u{n}": [(3 + n / 100) * DAY_S] * 10 for n in range(100)}
        async with asyncio.TaskGroup() as group:
            ten = [
                group.create_task(world.lane(f"t{n}", [2 * DAY_S] * 200))
                for n in range(10 if with_ten else 0)
            ]
            await world.publish(others)
            took = world.seconds
            assert all(not task.done() for task in ten)
        assert world.google.refused == []
        return took

    assert skip(alone(with_ten=True)) < skip(alone(with_ten=False)) + 2
