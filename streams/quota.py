"""Permits for calls to Google: exact sliding windows, per Google account and for this worker's share of the project.

Comes in: wishes to call, each with an urgency. Goes out: permits, the soonest shift first. Never more than N calls in
any 60 seconds: https://developers.google.com/workspace/calendar/api/guides/quota.

A tenth of each window is kept for what is soon: tonight's shift need not wait behind next month's publication.

Not here: what Google said; refusals are the lanes' to wait out.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from streams import windows
from streams.windows import Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from planning.urgency import Place


class _Account:
    def __init__(self, limit: int) -> None:
        self.window = Window(limit)
        self.parked: list[_Waiter] = []

    def has_room(self, waiter: _Waiter, now: float) -> bool:
        return self.window.has_room(now, later=waiter.place.later)


class Permit:
    """The right to make one call. Say `unused` where it is not made after all."""

    def __init__(self) -> None:
        self.sent = True

    def unused(self) -> None:
        """Give the place in the windows back."""
        self.sent = False


class _Waiter(NamedTuple):
    place: Place
    number: int
    account: str
    granted: asyncio.Future[None]


class Quota:
    """One per worker. Those who wait go by their place; equals in the order in which they came."""

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
        self._gone = 0
        self._waiting: list[_Waiter] = []
        self._count = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Return how many calls wait for a permit."""
        parked = (waiter for name in self._parked for waiter in self._accounts[name].parked)
        return sum(not waiter.granted.done() for waiter in itertools.chain(self._waiting, parked))

    def share(self, project: int) -> None:
        """Set this worker's share of the project's calls per minute; never less than one."""
        self.project.limit = max(1, project)
        self._serve()

    @asynccontextmanager
    async def permit(self, account: str, place: Place) -> AsyncIterator[Permit]:
        """Wait for the right to make one call for this Google account; leave the block when it is answered."""
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, _Waiter(place, next(self._count), account, granted))
        self._serve()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._release(account, sent=False)
            else:
                self._sweep()
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
        while self._waiting and self.project.under_way < self._at_once:
            waiter = self._waiting[0]  # what is soon stands first: where it finds no room, nothing does
            if not waiter.granted.done() and not self.project.has_room(now, later=waiter.place.later):
                break
            heapq.heappop(self._waiting)
            if waiter.granted.done():
                continue  # cancelled while it waited
            account = self._of(waiter.account)
            if not account.has_room(waiter, now):
                account.parked.append(waiter)  # its own window is full; others need not wait for it
                self._parked.add(waiter.account)
                continue
            self.project.begin()
            account.window.begin()
            waiter.granted.set_result(None)
        self._wake_later(now)

    def _unpark(self, now: float) -> None:
        for name in list(self._parked):
            account = self._accounts[name]
            parked, account.parked = account.parked, []
            for waiter in parked:
                if account.has_room(waiter, now):
                    heapq.heappush(self._waiting, waiter)
                else:
                    account.parked.append(waiter)
            if not account.parked:
                self._parked.discard(name)
        if now - self._swept > windows.MINUTE:
            self._swept = now
            self._accounts = {n: a for n, a in self._accounts.items() if a.parked or a.window.used(now)}

    def _sweep(self) -> None:
        """Forget those who gave up waiting, once they are many: a window that is full for an hour lets nobody pass."""
        self._gone += 1
        if self._gone > max(64, len(self._waiting) // 2):
            self._gone = 0
            self._waiting = [waiter for waiter in self._waiting if not waiter.granted.done()]
            heapq.heapify(self._waiting)
            for account in map(self._accounts.__getitem__, self._parked):
                account.parked = [waiter for waiter in account.parked if not waiter.granted.done()]

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
