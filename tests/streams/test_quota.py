"""Permits: exact windows, the soonest first, nobody in another's way."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.urgency import Place
from streams import windows as module
from streams.quota import Quota
from streams.windows import GUESS, Window


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.floats(0, 20), st.floats(0, 5)), min_size=1, max_size=60),
)
def test_calls_of_any_length_at_any_time(limit: int, calls: list[tuple[float, float]]) -> None:
    """No 60 seconds ever hold more calls than the limit, wherever Google counts each of them."""
    window, now, granted = Window(limit), 0.0, []
    for gap, length in calls:
        now += gap
        if window.has_room(now):
            window.begin()
            window.end(now + length)
            granted.append((now, now + length))
            now += length
    for counted in (0, 1):  # at the earliest and at the latest moment
        moments = sorted(call[counted] for call in granted)
        for first in moments:
            assert sum(1 for m in moments if first <= m < first + module.MINUTE) <= limit


def test_a_call_that_was_never_sent() -> None:
    """A permit that was given back leaves its place to another."""
    window = Window(1)
    window.begin()
    window.end(None)
    assert window.has_room(0.0)


FIRST, NEXT = Place(later=True, start=0.0), Place(later=True, start=1.0)


def _quota(project: int = 100, account: int = 100, at_once: int = 100) -> Quota:
    return Quota(project, account, at_once, asyncio.get_running_loop().time)


async def _queue(quota: Quota, *wishes: tuple[str, float]) -> list[tuple[str, float]]:
    order: list[tuple[str, float]] = []

    async def call(account: str, urgency: float) -> None:
        async with quota.permit(account, Place(later=True, start=urgency)):
            order.append((account, urgency))
            await asyncio.sleep(0.001)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for wish in wishes:
            group.create_task(call(*wish))
    return order


async def test_more_calls_than_may_be_under_way() -> None:
    """Of those who wait, the soonest shift goes first."""
    order = await _queue(_quota(at_once=1), ("a", 5.0), ("b", 3.0), ("c", 1.0), ("d", 4.0), ("e", 2.0))
    assert [urgency for _, urgency in order] == [5.0, 1.0, 2.0, 3.0, 4.0]


@pytest.fixture
def short_minute(monkeypatch: pytest.MonkeyPatch) -> float:
    """Windows of a fifth of a second, so that a test can wait for the next one."""
    monkeypatch.setattr(module, "MINUTE", 0.2)
    return 0.2


async def test_one_account_at_its_own_limit(short_minute: float) -> None:
    """An account whose window is full waits for it; the others do not wait for that account."""
    started = asyncio.get_running_loop().time()
    moments: dict[str, float] = {}
    quota = _quota(account=1)

    async def call(name: str, account: str, urgency: float) -> None:
        async with quota.permit(account, Place(later=True, start=urgency)):
            moments[name] = asyncio.get_running_loop().time() - started

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(call("first", "busy", 1.0))
        group.create_task(call("second", "busy", 2.0))
        group.create_task(call("other", "idle", 3.0))
    assert moments["other"] < short_minute <= moments["second"]


async def test_the_project_at_its_limit(short_minute: float) -> None:
    """The call after the last one that fits waits until the window has slid."""
    started = asyncio.get_running_loop().time()
    await _queue(_quota(project=2), ("a", 1.0), ("b", 2.0), ("c", 3.0))
    assert asyncio.get_running_loop().time() - started >= short_minute


async def test_a_smaller_share_after_a_rebalance(short_minute: float) -> None:
    """A worker whose share shrank begins no call before its window fits the new share."""
    quota = _quota(project=3)
    await _queue(quota, ("a", 1.0), ("b", 1.0), ("c", 1.0))
    quota.share(1)
    started = asyncio.get_running_loop().time()
    await _queue(quota, ("d", 1.0))
    assert asyncio.get_running_loop().time() - started >= short_minute * 0.9


async def test_a_publication_that_fills_the_quota(short_minute: float) -> None:
    """A tenth of each window is kept for what is soon: it goes at once, whatever waits; never more than the limit."""
    for limits in ({"project": 20}, {"account": 20}):
        quota, went = _quota(**limits), list[Place]()

        async def call(place: Place, quota: Quota = quota, went: list[Place] = went) -> None:
            async with quota.permit("a", place):
                went.append(place)

        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            for number in range(30):
                group.create_task(call(Place(later=True, start=number)))
            await asyncio.sleep(0.02)
            assert len(went) == 18
            for number in range(3):
                group.create_task(call(Place(later=False, start=1_000.0 + number)))
            await asyncio.sleep(0.02)
            assert [place.later for place in went[18:]] == [False, False]


@pytest.mark.parametrize(("limit", "kept"), [(1, 0), (2, 1), (9, 1), (10, 1), (11, 2), (600, 60)])
def test_how_much_is_kept(limit: int, kept: int) -> None:
    """A tenth, rounded up, but never all of it."""
    assert Window(limit).kept == kept


async def test_many_who_give_up_waiting(short_minute: float) -> None:
    """They are forgotten, also while the window is full."""
    quota = _quota(project=1)
    await _queue(quota, ("a", 1.0))
    async with asyncio.timeout(5):
        waiting = [asyncio.create_task(_queue(quota, ("b", 1.0))) for _ in range(300)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert quota.waiting == 0
    assert len(quota.schedule.line._heap) < 100


async def test_a_wait_that_is_cancelled() -> None:
    """Whoever gives up while waiting takes no place, not even when the permit was just granted."""
    quota = _quota(project=1, at_once=1)

    async def wait() -> None:
        async with quota.permit("a", NEXT):
            pytest.fail("was granted after all")

    async with quota.permit("a", FIRST) as permit:
        permit.unused()
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await _queue(quota, ("b", 1.0)) == [("b", 1.0)]


async def test_a_permit_cancelled_in_the_moment_it_is_granted() -> None:
    """The place goes back to those who wait."""
    quota = _quota(project=1, at_once=1)
    entered: list[str] = []

    async def wait() -> None:
        async with quota.permit("a", NEXT):
            entered.append("a")

    async with quota.permit("a", FIRST) as permit:
        permit.unused()
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
    waiting.cancel()  # the permit was granted as the block ended, and the task has not run since
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not entered
    assert await _queue(quota, ("b", 1.0)) == [("b", 1.0)]


def test_calls_of_the_last_owner() -> None:
    """They count for as long as they may count at Google, beside our own."""
    window = Window(10)
    window.begin()
    window.end(0.0)
    window.charge("a", 3, until=30.0)
    window.charge("b", 2, until=30.0)
    assert [window.used(now) for now in (0.0, 29.9, 30.0, 60.0)] == [6, 6, 1, 0]


def test_calls_that_two_have_told_of() -> None:
    """They count once, for as long as the later one says."""
    window = Window(10)
    window.charge("a", 3, until=30.0)
    window.charge("a", 2, until=40.0)
    assert window.used(35.0) == 3
    assert window.charges(35.0) == {"a": (3, 5.0)}


def test_owners_that_died_one_after_the_other() -> None:
    """Half of a window is never guessed away, also not once the share is smaller; and a guess is told to nobody."""
    window = Window(100)
    for _ in range(3):
        window.charge(GUESS, 90, until=60.0)
    assert window.used(0.0) == 50
    assert window.charges(0.0) == {}


async def test_a_takeover(short_minute: float) -> None:
    """What was charged is left free for as long."""
    quota = _quota(project=20)
    started = asyncio.get_running_loop().time()
    quota.charge("b", 10, short_minute)
    await _queue(quota, *[("a", float(n)) for n in range(8)])  # of 20 places two are kept, ten are charged
    assert asyncio.get_running_loop().time() - started < short_minute / 2
    await _queue(quota, ("a", 5.0))
    assert asyncio.get_running_loop().time() - started >= short_minute


async def test_a_takeover_of_users_who_are_new_here(short_minute: float) -> None:
    """Each account begins with half of its window, for as long as their last owner's calls may count."""
    quota = _quota(account=10)
    started = asyncio.get_running_loop().time()
    quota.charge("b", 1, short_minute / 2)
    await _queue(quota, *[("a", float(n)) for n in range(4)])  # of five places one is kept
    assert asyncio.get_running_loop().time() - started < short_minute / 2
    await _queue(quota, ("a", 5.0))
    assert asyncio.get_running_loop().time() - started >= short_minute
    await _queue(quota, *[("b", float(n)) for n in range(9)])
    assert asyncio.get_running_loop().time() - started < 2 * short_minute


async def test_a_takeover_of_users_who_were_called_before(short_minute: float) -> None:
    """Their accounts' windows are known here, and exact."""
    quota = _quota(account=10)
    await _queue(quota, ("a", 0.0))
    quota.charge("b", 1, 5.0)
    started = asyncio.get_running_loop().time()
    await _queue(quota, *[("a", float(n)) for n in range(8)])
    assert asyncio.get_running_loop().time() - started < short_minute / 2
