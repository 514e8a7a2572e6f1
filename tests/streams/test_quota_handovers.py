"""Workers come, go and die while the quota is full: what all of them call together is never too much, or soon is not."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from planning.urgency import Place
from schemas.errors import RateLimited
from streams.owners import Owners
from streams.quota import Permit, Quota
from streams.shares import Shares
from tests.streams.quota_world import DAY_S, Google
from tests.streams.skipping import skip
from tests.streams.test_owners import Group

PARTITIONS, PROJECT = 12, 600
NOTHING = frozenset[int]()


class Member:
    """A worker: a quota, and hands that work through the queues of its partitions."""

    def __init__(
        self, group: Group, name: str, google: Google, queues: list[deque[str]], *, edits: bool = False
    ) -> None:
        loop = asyncio.get_running_loop()
        self.quota = Quota(PROJECT, 10**6, 64, loop.time)
        self.shares = Shares(self.quota, PROJECT, PARTITIONS)
        self.owners: Owners = group.process(name)
        self.owners._clock = loop.time
        self.google, self.queues = google, queues
        self.hands: list[asyncio.Task[None]] = []
        self.edits = edits
        self.waited: list[float] = []

    async def open(self, partitions: frozenset[int]) -> None:
        self.shares.take(partitions, await self.owners.claim(partitions))
        self.hands = [asyncio.create_task(self._work(self.queues[n])) for n in partitions for _ in range(6)]
        self.hands += [asyncio.create_task(self._edit(n)) for n in partitions]

    async def close(self) -> None:
        """A drain: what is under way is answered."""
        await self._end()
        await self.owners.release(self.quota.spent(), unsure=NOTHING)

    async def die(self) -> None:
        await self._end()

    async def _end(self) -> None:
        for hand in self.hands:
            hand.cancel()
        await asyncio.gather(*self.hands, return_exceptions=True)

    async def _work(self, queue: deque[str]) -> None:
        refused: Permit | None = None
        place = Place(later=True, start=2 * DAY_S)
        while queue:
            user = queue[0]
            try:
                async with self.quota.permit(user, place, user, refused) as permit:
                    if queue:
                        queue.popleft()
                        await self.google.call(user, place)
                    else:
                        permit.unused()
                refused = None
            except RateLimited:
                queue.appendleft(user)
                refused = permit

    async def _edit(self, number: int) -> None:
        """Tonight's shifts change, too, half as often as what is kept for them would allow."""
        place, calm = Place(later=False, start=0.0), 60 / (PROJECT / 10 / PARTITIONS) * 2.2
        while self.edits:
            await asyncio.sleep(calm)
            began = asyncio.get_running_loop().time()
            with contextlib.suppress(RateLimited):
                async with self.quota.permit(f"tonight{number}", place):
                    self.waited.append(asyncio.get_running_loop().time() - began)
                    await self.google.call(f"tonight{number}", place)


def _deal(members: list[Member]) -> list[frozenset[int]]:
    return [frozenset(range(n, PARTITIONS, len(members))) for n in range(len(members))]


async def _rebalance(before: list[Member], after: list[Member]) -> None:
    """All give up what they have before anybody takes anything."""
    for member in before:
        await member.close()
    await asyncio.sleep(0.5)
    for member, partitions in zip(after, _deal(after), strict=True):
        await member.open(partitions)


def _queues(each: int) -> list[deque[str]]:
    return [deque(f"u{n}-{k % 20}" for k in range(each)) for n in range(PARTITIONS)]


@settings(max_examples=6, deadline=None)
@given(pauses=st.lists(st.floats(1, 90), min_size=2, max_size=8), seed=st.integers(0, 10**6))
def test_rolling_restarts(pauses: list[float], seed: int) -> None:
    """Whenever workers leave cleanly and come, Google refuses nothing."""

    async def story() -> Google:
        google, group, dice = Google(project=PROJECT), Group(), random.Random(seed)
        queues = _queues(500)
        here: list[Member] = []
        for number, pause in enumerate(pauses):
            stay = [one for one in here if dice.random() < 0.6]
            after = [*stay, Member(group, f"w{number % 3}", google, queues, edits=True)]
            await _rebalance(here, after)
            here = after
            await asyncio.sleep(pause)
        for one in here:
            await one.close()
        return google

    google = skip(story())
    assert google.refused == []
    assert len(google.arrived) > 100


def test_worker_that_dies_in_a_full_minute() -> None:
    """Its heir uses half of what it had; Google refuses little, and everything arrives."""

    async def story() -> Google:
        google, group, queues = Google(project=PROJECT), Group(), _queues(120)
        one, other = (Member(group, name, google, queues) for name in ("a", "b"))
        await _rebalance([], [one, other])
        await asyncio.sleep(30)
        await one.die()
        await asyncio.sleep(10)
        await _rebalance([other], [other])
        window = other.quota.schedule.project
        at = asyncio.get_running_loop().time()
        # Half of the dead one's half, and the tenth of its own half that it never uses here.
        assert window.limit - window.used(at) <= PROJECT / 4 + PROJECT / 20
        while any(queues):  # noqa: ASYNC110 - the queues are plain ones
            await asyncio.sleep(1)
        await other.close()
        return google

    google = skip(story())
    assert len(google.arrived) == 120 * PARTITIONS
    assert len(google.refused) < 200


def test_workers_that_come_and_go_every_few_seconds() -> None:
    """What each knows of the others' calls neither grows nor stays: nobody waits for calls that nobody made."""

    async def story() -> float:
        google, group = Google(project=PROJECT), Group()
        queues = _queues(2)
        one, other = (Member(group, name, google, queues) for name in ("a", "b"))
        for turn in range(12):
            await _rebalance([one, other], [one, other] if turn % 2 else [other, one])
            await asyncio.sleep(3)
        dead = Member(group, "c", google, queues)
        for _ in range(4):
            await _rebalance([one, other, dead], [one, other, dead])
            await dead.die()
            dead = Member(group, "c", google, queues)
            await asyncio.sleep(1)
            await _rebalance([one, other], [one, other])
        began = asyncio.get_running_loop().time()
        async with one.quota.permit("tonight", Place(later=False, start=0.0)):
            return asyncio.get_running_loop().time() - began

    assert skip(story()) == 0


def test_workers_that_join_in_a_full_minute() -> None:
    """What is soon goes on at once, at those whose share has shrunk as well, and Google refuses nothing."""

    async def story() -> tuple[Google, list[float]]:
        google, group, queues = Google(project=PROJECT), Group(), _queues(500)
        members = [Member(group, "a", google, queues, edits=True)]
        await _rebalance([], members)
        await asyncio.sleep(30)
        for name in ("b", "c"):
            before, members = members, [*members, Member(group, name, google, queues, edits=True)]
            await _rebalance(before, members)
            await asyncio.sleep(20)
        await asyncio.sleep(100)
        return google, [seconds for one in members for seconds in one.waited]

    google, waited = skip(story())
    assert google.refused == []
    assert len(waited) > 40
    assert max(waited) <= 1


def test_half_of_what_was_taken_over_is_passed_on() -> None:
    """With it goes half of the calls that count there, so that both halves have as much room as there is."""

    async def story() -> list[int]:
        google, group = Google(project=PROJECT), Group()
        queues = _queues(40)
        gone, heir, third = (Member(group, name, google, queues) for name in ("a", "b", "c"))
        await _rebalance([], [gone])
        await asyncio.sleep(20)
        for queue in queues:
            queue.clear()
        await _rebalance([gone], [heir])
        await _rebalance([heir], [heir, third])
        now = asyncio.get_running_loop().time()
        assert len(google.arrived) == 480
        return [one.quota.schedule.project.used(now) for one in (heir, third)]

    assert skip(story()) == [240, 240]
