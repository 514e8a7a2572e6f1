"""A Google with windows of its own, and users whose writes go through a `Quota`; all of it in skipped time.

In: users and their shifts. Out: what arrived, when, and what was refused. Not here: lanes; a user here has as many calls in
the queue as a lane would.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from planning.urgency import Place
from schemas.errors import GoogleUnavailable, RateLimited
from streams.quota import Permit, Quota
from streams.windows import MINUTE

DAY_S = 86_400.0
CALLS_OF_A_LANE = 4


class Arrived(NamedTuple):
    """A call that Google took."""

    at: float
    user: str
    place: Place


class Google:
    """Takes `project` and `account` calls in any 60 seconds, each after `latency`."""

    def __init__(self, project: int = 10**9, account: int = 10**9, latency: float = 0.1) -> None:
        self.project, self.account, self.latency = project, account, latency
        self.away = False
        self.sick: set[str] = set()
        self.arrived: list[Arrived] = []
        self.refused: list[float] = []
        self.failed: list[float] = []
        self._windows: dict[str, deque[float]] = {}

    async def call(self, user: str, place: Place) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.latency / 2)
        if self.away or user in self.sick:
            self.failed.append(loop.time())
            raise GoogleUnavailable("status 503", "Away.")
        for name, limit, code in (
            ("account " + user, self.account, "userRateLimitExceeded"),
            ("project", self.project, "rateLimitExceeded"),
        ):
            if self._used(name, loop.time()) >= limit:
                self.refused.append(loop.time())
                raise RateLimited(code, "Too many.")
        for name in ("account " + user, "project"):
            self._windows[name].append(loop.time())
        self.arrived.append(Arrived(loop.time(), user, place))
        await asyncio.sleep(self.latency / 2)

    def _used(self, name: str, now: float) -> int:
        window = self._windows.setdefault(name, deque())
        while window and window[0] <= now - MINUTE:
            window.popleft()
        return len(window)


class World:
    """Users and their writes. A call that fails is tried again, as by a lane; one that is refused keeps its place."""

    def __init__(
        self, google: Google, *, project: int = 10**6, account: int = 10**6, at_once: int = 64
    ) -> None:
        self.google = google
        self.loop = asyncio.get_running_loop()
        self.quota = Quota(project, account, at_once, self.loop.time)
        self.began = self.loop.time()

    @property
    def seconds(self) -> float:
        """How long it goes on."""
        return self.loop.time() - self.began

    def place(self, in_s: float) -> Place:
        """The place of a shift that starts so many seconds after the story began."""
        return Place(later=in_s > DAY_S, start=in_s)

    async def write(self, user: str, in_s: float, pause: float = 1.0) -> float:
        """One write; how long it took."""
        asked = self.loop.time()
        refused: Permit | None = None
        while True:
            try:
                async with self.quota.permit(user, self.place(in_s), user, refused) as permit:
                    await self.google.call(user, self.place(in_s))
                    return self.loop.time() - asked
            except RateLimited:
                refused = permit
            except GoogleUnavailable:
                refused = None
                await asyncio.sleep(pause)
                pause = min(64, pause * 2)

    async def lane(self, user: str, starts: Sequence[float]) -> None:
        """All shifts of a user, soonest first, a few at a time."""
        todo = deque(sorted(starts))

        async def hand() -> None:
            while todo:
                await self.write(user, todo.popleft())

        async with asyncio.TaskGroup() as hands:
            for _ in range(CALLS_OF_A_LANE):
                hands.create_task(hand())

    async def publish(self, shifts: Mapping[str, Sequence[float]]) -> None:
        """A publication: everybody's shifts at once."""
        async with asyncio.TaskGroup() as lanes:
            for user, starts in shifts.items():
                lanes.create_task(self.lane(user, starts))
