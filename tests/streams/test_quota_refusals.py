"""What Google's refusals do to the windows: the right one is narrowed, and nobody loses a place."""

from __future__ import annotations

import asyncio

import pytest

from planning.urgency import Place
from schemas.errors import RateLimited
from streams.limits import RECOVERY_S, Limit
from streams.quota import Permit, Quota
from streams.refusals import MANY, TOGETHER_S, Refusals
from tests.streams.quota_world import DAY_S, Google, World
from tests.streams.skipping import skip

USER = RateLimited("userRateLimitExceeded", "Too many.")
EITHER = RateLimited("rateLimitExceeded", "Too many.")
PROJECT = RateLimited("RATE_LIMIT_EXCEEDED", "Too many.", scope="project")


def _limit(full: int = 600) -> Limit:
    return Limit(full, dice=lambda: 0.0)


def test_refusal_narrows() -> None:
    """The window is half as wide, and as wide as before after half of the time that a whole one takes."""
    limit = _limit()
    limit.refused(100.0, 99.0, None)
    assert limit.limit == 300
    assert not limit.has_room(100.5)
    assert limit.has_room(101.1)
    for share in (0.25, 0.5):
        assert limit.has_room(100.0 + share * RECOVERY_S)
        assert limit.limit == pytest.approx(300 + 600 * share, abs=1)


def test_refusals_of_calls_that_began_together() -> None:
    """They are one: the window is halved once, and the next wait is the first."""
    limit = _limit()
    for moment in (100.0, 100.1, 100.2):
        limit.refused(moment, 99.0, None)
    assert limit.limit == 300
    limit.refused(102.0, 101.5, None)
    assert limit.limit == pytest.approx(151, abs=1)


def test_refusals_that_go_on() -> None:
    """Each wait is longer than the one before, until Google takes a call again."""
    limit, waits, now = _limit(10_000), [], 100.0
    for _ in range(4):
        limit.refused(now, now, None)
        waits.append(limit.free_at(now) - now)
        now = limit.free_at(now)
    limit.taken(now)
    limit.refused(now + 1, now + 1, None)
    assert [*waits, limit.free_at(now + 1) - now - 1] == [1, 2, 4, 8, 1]


def test_google_says_how_long() -> None:
    """Nothing begins before."""
    limit = _limit()
    limit.refused(100.0, 99.0, 30.0)
    assert not limit.has_room(129.9)
    assert limit.has_room(130.1)


def test_very_many_refusals() -> None:
    """One call may always begin, after its wait."""
    limit, now = _limit(10), 0.0
    for _ in range(50):
        now += 100.0
        limit.refused(now, now, None)
    assert limit.has_room(now + 100.0)


def test_refusal_in_the_minute_after_a_takeover() -> None:
    """What was only guessed counts no more: half of the window for the guess and half for the refusal would leave nothing."""
    limit = _limit(600)
    limit.charge("b", 300, until=160.0)
    assert limit.used(100.0) == 300
    limit.refused(100.0, 99.0, None)
    assert limit.has_room(101.1)
    assert limit.used(101.1) == 0


def test_share_that_changes_while_the_window_is_narrow() -> None:
    """It stays as narrow, in proportion."""
    limit = _limit(600)
    limit.refused(100.0, 99.0, None)
    limit.resize(1_200)
    assert limit.limit == 600


def test_who_is_to_blame() -> None:
    """The account, unless Google names the project, or too many accounts are refused at once."""
    refusals = Refusals()
    assert not any(refusals.blame(f"a{n}", USER, 0.0).project for n in range(2 * MANY))
    assert refusals.blame("a", PROJECT, 0.0).project
    told = [refusals.blame(f"a{n}", EITHER, n * TOGETHER_S / MANY) for n in range(MANY)]
    assert [one.project for one in told] == [False] * (MANY - 1) + [True]
    assert told[-1].acquitted == {f"a{n}" for n in range(MANY)}


@pytest.mark.parametrize("gap", [0.0, TOGETHER_S])
def test_refusals_that_have_nothing_to_do_with_each_other(gap: float) -> None:
    """The same account many times, or many over a long time: the project is not to blame."""
    refusals = Refusals()
    for n in range(3 * MANY):
        who = f"a{n}" if gap else "a"
        assert not refusals.blame(who, EITHER, n * gap).project


def test_calls_taken_in_between() -> None:
    """While Google takes as many as it refuses, the project has room: the project is not to blame."""
    refusals = Refusals()
    for n in range(3 * MANY):
        assert not refusals.blame(f"a{n}", EITHER, 0.0).project
        refusals.taken()


def _quota(**limits: int) -> Quota:
    clock = asyncio.get_running_loop().time
    return Quota(**{"project": 1_000, "account": 1_000, "at_once": 100} | limits, clock=clock)


async def _refuse(quota: Quota, account: str, error: RateLimited) -> None:
    async def call() -> None:
        async with quota.permit(account, Place(later=True, start=1.0)):
            await asyncio.sleep(0.1)
            raise error

    with pytest.raises(RateLimited):
        await call()


def test_project_is_found_to_blame() -> None:
    """Its window is narrowed once, and those of the accounts that were blamed before are as wide as they were."""

    async def story() -> None:
        quota = _quota()
        async with asyncio.TaskGroup() as group:
            for n in range(3 * MANY):
                group.create_task(_refuse(quota, f"a{n}", EITHER))
        assert quota.schedule.project.limit == 500
        assert [quota.schedule.accounts.window(f"a{n}").limit for n in range(3 * MANY)] == [1_000] * (
            3 * MANY
        )

    skip(story())


def test_some_are_refused_and_others_are_not() -> None:
    """The project has room, so it is not to blame."""

    async def story() -> None:
        quota = _quota()
        for n in range(3 * MANY):
            async with quota.permit(f"b{n}", Place(later=True, start=1.0)):
                pass
            await _refuse(quota, f"a{n}", EITHER)
        assert quota.schedule.project.limit == 1_000

    skip(story())


def test_one_account_is_refused() -> None:
    """It waits; the others go on, and the project's window is as wide as before."""

    async def story() -> None:
        quota = _quota()
        await _refuse(quota, "a", USER)
        loop, at = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        async with quota.permit("b", Place(later=True, start=1.0)):
            assert loop.time() == at  # at once
        async with quota.permit("a", Place(later=True, start=1.0)):
            assert loop.time() >= at + 1
        assert quota.schedule.project.limit == 1_000
        assert quota.schedule.accounts.window("a").limit == pytest.approx(502, abs=2)

    skip(story())


def test_refused_write_among_equals() -> None:
    """It stands where it stood: before those who came after it."""

    async def story() -> None:
        quota, went = _quota(at_once=1), list[str]()
        place = Place(later=True, start=1.0)

        async def write(name: str, refused: Permit | None = None) -> None:
            async with quota.permit("a", place, name, refused):
                went.append(name)
                await asyncio.sleep(0.1)

        with pytest.raises(RateLimited):
            async with quota.permit("a", place, "first") as first:
                raise USER
        async with asyncio.TaskGroup() as group:
            for name in ("second", "third"):
                group.create_task(write(name))
            await asyncio.sleep(0.5)
            group.create_task(write("first", first))
        assert went == ["first", "second", "third"]

    skip(story())


def test_google_gives_less_than_the_settings_say() -> None:
    """Everything arrives, in order by and large, with a refusal now and then instead of one for each call."""

    async def story() -> None:
        world = World(Google(project=1_000), project=2_666)
        shifts = {f"u{n}": [(2 + n / 100 + k) * DAY_S for k in range(20)] for n in range(200)}
        await world.publish(shifts)
        assert len(world.google.arrived) == 4_000
        assert len(world.google.refused) < 400
        assert world.seconds < 600

    skip(story())
