"""Permits for calls to Google: exact sliding windows, per Google account and for this worker's share of the project.

Comes in: wishes to call, each with an urgency. Goes out: permits, the soonest shift first. Never more than N calls in
any 60 seconds (https://developers.google.com/workspace/calendar/api/guides/quota): a call counts from before it is
sent until 60 seconds after its answer, since Google counts it somewhere in between.

Not here: what Google said; refusals are the lanes' to wait out.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

MINUTE = 60.0


class Window:
    """At most `limit` calls in any 60 seconds. Times are seconds of one monotonic clock."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.under_way = 0
        self._until: deque[float] = deque()

    def used(self, now: float) -> int:
        """Return how many calls count now."""
        while self._until and self._until[0] <= now:
            self._until.popleft()
        return self.under_way + len(self._until)

    def has_room(self, now: float) -> bool:
        """Say whether one more call may begin."""
        return self.used(now) < self.limit

    def free_at(self, now: float) -> float:
        """Return when a place is free at the latest known; now, if only a call under way can free one."""
        return self._until[0] if self._until else now

    def begin(self) -> None:
        """Count a call that is about to be sent."""
        self.under_way += 1

    def end(self, now: float | None) -> None:
        """Count an answered call for another minute; None: it was never sent."""
        self.under_way -= 1
        if now is not None:
            self._until.append(now + MINUTE)


class _Account:
    def __init__(self, limit: int) -> None:
        self.window = Window(limit)
        self.parked: list[_Waiter] = []


class Permit:
    """The right to make one call. Say `unused` where it is not made after all."""

    def __init__(self) -> None:
        self.sent = True

    def unused(self) -> None:
        """Give the place in the windows back."""
        self.sent = False


_Waiter = tuple[float, int, str, "asyncio.Future[None]"]


class Quota:
    """One per worker. `urgency` orders those who wait, smaller first; equals go in the order in which they came."""

    def __init__(self, project: int, account: int, at_once: int, clock: Callable[[], float]) -> None:
        """Take calls per minute of the project and of one account, and how many calls may be under way at once.

        The last one keeps the order: a call that waits for a connection with its permit in hand cannot be overtaken.
        """
        self.project = Window(project)
        self._at_once = at_once
        self._account_limit = account
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._parked: set[str] = set()
        self._swept = clock()
        self._waiting: list[_Waiter] = []
        self._count = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Return how many calls wait for a permit."""
        return len(self._waiting) + sum(len(self._accounts[name].parked) for name in self._parked)

    def share(self, project: int) -> None:
        """Set this worker's share of the project's calls per minute; never less than one."""
        self.project.limit = max(1, project)
        self._serve()

    @asynccontextmanager
    async def permit(self, account: str, urgency: float) -> AsyncIterator[Permit]:
        """Wait for the right to make one call for this Google account; leave the block when it is answered."""
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._count), account, granted))
        self._serve()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._release(account, sent=False)
            raise
        permit = Permit()
        try:
            yield permit
        finally:
            self._release(account, sent=permit.sent)

    def _release(self, account: str, *, sent: bool) -> None:
        now = self._clock()
        for window in (self.project, self._of(account).window):
            window.end(now if sent else None)
        self._serve()

    def _of(self, account: str) -> _Account:
        if (known := self._accounts.get(account)) is None:
            known = self._accounts[account] = _Account(self._account_limit)
        return known

    def _serve(self) -> None:
        """Grant what may be granted now, and wake up when more may."""
        now = self._clock()
        self._unpark(now)
        while self._waiting and self.project.under_way < self._at_once and self.project.has_room(now):
            waiter = heapq.heappop(self._waiting)
            if waiter[3].done():
                continue  # cancelled while it waited
            account = self._of(waiter[2])
            if not account.window.has_room(now):
                account.parked.append(waiter)  # its own window is full; others need not wait for it
                self._parked.add(waiter[2])
                continue
            self.project.begin()
            account.window.begin()
            waiter[3].set_result(None)
        self._wake_later(now)

    def _unpark(self, now: float) -> None:
        for name in [n for n in self._parked if self._accounts[n].window.has_room(now)]:
            self._parked.discard(name)
            parked, self._accounts[name].parked = self._accounts[name].parked, []
            for waiter in parked:
                heapq.heappush(self._waiting, waiter)
        if now - self._swept > MINUTE:
            self._swept = now
            self._accounts = {n: a for n, a in self._accounts.items() if a.parked or a.window.used(now)}

    def _wake_later(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        moments = [self._accounts[name].window.free_at(now) for name in self._parked]
        if self._waiting:
            moments.append(self.project.free_at(now))
        later = [moment for moment in moments if moment > now]
        if later:
            self._timer = asyncio.get_running_loop().call_later(min(later) - now + 0.001, self._serve)
