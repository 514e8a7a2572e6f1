"""Who waits for a permit, and in which order.

Comes in: wishes to call. Goes out: the next one. The soonest shift goes first; among equals users take turns, one call
each. Whoever sooner shifts keep passing over for `AGED_S` seconds is *overdue*: `quota` gives such users every tenth permit,
the longest waiting first. Not here: windows, permits.
"""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from planning.urgency import Place

#: A user who waits, and gets no permit for so long, is overdue; in seconds.
AGED_S = 300.0


class Granted(NamedTuple):
    """When a permit was given, and whether its call is one that tries whether Google is back."""

    at: float
    trial: bool


class Waiter(NamedTuple):
    """One wish to call. Compared by its first three parts: the place, the turn among equals, the order of arrival."""

    place: Place
    turn: int
    number: int
    account: str
    user: str
    granted: asyncio.Future[Granted]


@dataclass
class _User:
    since: float
    waiters: list[Waiter] = field(default_factory=list)


class Line:
    """Everybody who waits, with a place in the order or parked."""

    def __init__(self) -> None:
        self._heap: list[Waiter] = []
        self._users: OrderedDict[str, _User] = OrderedDict()  # the longest waiting first
        self._count = itertools.count()
        self._turn = 0  # of the last permit
        self._turns: dict[str, int] = {}  # of each user's last wish
        self._gone = 0

    def __len__(self) -> int:
        return sum(len(user.waiters) for user in self._users.values())

    def join(self, wish: tuple[str, str, Place], granted: asyncio.Future[Granted], now: float) -> Waiter:
        """Take a new place for an account's and user's call."""
        account, name, place = wish
        # Start-time fair queueing (https://doi.org/10.1145/248157.248171): nobody pays for what was given while there was
        # plenty, and nobody gains by having had no wish for a while.
        turn = self._turns[name] = max(self._turn, self._turns.get(name, 0)) + 1
        waiter = Waiter(place, turn, next(self._count), account, name, granted)
        self._of(name, now).waiters.append(waiter)
        heapq.heappush(self._heap, waiter)
        return waiter

    def rejoin(self, before: Waiter, granted: asyncio.Future[Granted], now: float) -> Waiter:
        """Take the place that was held before."""
        waiter = before._replace(granted=granted)
        self._of(waiter.user, now).waiters.append(waiter)
        heapq.heappush(self._heap, waiter)
        return waiter

    def put_back(self, waiter: Waiter) -> None:
        """Give one that was parked its place in the order again."""
        if not waiter.granted.done():
            heapq.heappush(self._heap, waiter)

    def head(self) -> Waiter | None:
        """Return the first in order."""
        while self._heap and self._heap[0].granted.done():
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def pop(self) -> None:
        """Take the head out of the order; it still waits."""
        heapq.heappop(self._heap)

    def in_order(self) -> list[Waiter]:
        """Return everybody in order but those parked."""
        return sorted(waiter for waiter in self._heap if not waiter.granted.done())

    def overdue(self, now: float) -> Iterator[Waiter]:
        """Yield the soonest call of every user who is overdue, the longest waiting first."""
        for user in self._users.values():
            if now - user.since < AGED_S:
                return
            if user.waiters:
                yield min(user.waiters)

    def served(self, waiter: Waiter, now: float) -> None:
        """Note that this one has its permit."""
        self._turn = waiter.turn
        user = self._users[waiter.user]
        user.waiters.remove(waiter)
        if user.waiters:
            user.since = now
            self._users.move_to_end(waiter.user)
        else:
            del self._users[waiter.user]

    def left(self, waiter: Waiter) -> bool:
        """Note that this one gave up; true once so many did that it is time to `sweep`.

        A window that is full for an hour lets nobody pass, and with them nobody's remains.
        """
        self._users[waiter.user].waiters.remove(waiter)
        self._gone += 1
        return self._gone > max(64, len(self._heap) // 2)

    def sweep(self) -> None:
        """Forget those who gave up. A user keeps the time of waiting until here, and may ask for another call instead."""
        self._gone = 0
        self._heap = [waiter for waiter in self._heap if not waiter.granted.done()]
        heapq.heapify(self._heap)
        for name in [name for name, user in self._users.items() if not user.waiters]:
            del self._users[name]
        self._turns = {name: turn for name, turn in self._turns.items() if turn > self._turn}

    def _of(self, name: str, now: float) -> _User:
        if (user := self._users.get(name)) is None:
            user = self._users[name] = _User(now)
        return user
