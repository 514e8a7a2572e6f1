"""Permits for calls to Google: exact sliding windows, per Google account and for this worker's share of the project.

Comes in: wishes to call, each with a place, and how the calls ended. Goes out: permits. Never more than N calls in any
60 seconds: https://developers.google.com/workspace/calendar/api/guides/quota. Not here: the order (`line`), what a refusal
does to a window (`limits`), an outage of Google (`circuit`); what else may go wrong is the lanes' to wait out.

A tenth of each window, and of the calls under way, is kept for what is soon: tonight's shift need not wait behind next
month's publication.

**Nobody starves.** A user to whom sooner shifts leave no permit for `line.AGED_S` (5 minutes) is overdue, and every tenth
permit goes to whoever is overdue longest. So with U users overdue a wait ends, at the latest, after 5 minutes and the time
of 10 U permits, which is 11 U / N minutes at N calls per minute; plus a minute where the window was filled in one burst.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from schemas.errors import GoogleError, GoogleUnavailable, RateLimited
from streams import windows
from streams.accounts import Accounts
from streams.backlog import ASK_S as BACKLOG_S
from streams.backlog import Backlog
from streams.circuit import Circuit
from streams.limits import LOOK_S, Limit
from streams.line import Granted, Line, Waiter
from streams.refusals import Refusals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from planning.urgency import Place

#: After so many permits by the order, one goes to a user who is overdue.
IN_ORDER = 9


class Permit:
    """The right to make one call. Say `unused` where it is not made after all."""

    def __init__(self, waiter: Waiter) -> None:
        self.waiter = waiter
        self.sent = True

    def unused(self) -> None:
        """Give the place in the windows back."""
        self.sent = False


class Quota:
    """One per worker."""

    def __init__(self, project: int, account: int, at_once: int, clock: Callable[[], float]) -> None:
        """Take calls per minute of the project and of one account, and how many calls may be under way at once.

        The last one keeps the order: a call that waits for a connection with its permit in hand cannot be overtaken.
        """
        self.project = Limit(project)
        self.circuit = Circuit(at_once)
        self._at_once = at_once
        self._clock = clock
        self.backlog = Backlog()
        self._line = Line()
        self._accounts = Accounts(account, self._line, clock)
        self._refusals = Refusals()
        self._in_order = 0
        self._swept = clock()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Return how many calls wait for a permit."""
        return len(self._line)

    @property
    def calls(self) -> int:
        """Return how many calls count in the project's window now."""
        return self.project.used(self._clock())

    def share(self, project: int) -> None:
        """Set this worker's share of the project's calls per minute; never less than one."""
        self.project.resize(max(1, project))
        self._serve()

    def charge(self, calls: int, seconds: float) -> None:
        """Count calls of our users' last owner against the project, until that many seconds from now.

        How many were whose is not known: half of the window of each account that is new here is left to them for as long.
        """
        if not calls:
            return
        until = self._clock() + seconds
        self.project.charge(calls, until)
        self._accounts.be_careful(until)

    # Permits

    @asynccontextmanager
    async def permit(
        self, account: str, place: Place, user: str | None = None, again: Permit | None = None
    ) -> AsyncIterator[Permit]:
        """Wait for the right to make one call for this Google account; leave the block when it is answered.

        `again`: a permit whose call was refused; this one stands where that one stood.
        """
        granted: asyncio.Future[Granted] = asyncio.get_running_loop().create_future()
        wish = (account, user or account, place)
        if again is None:
            waiter = self._line.join(wish, granted, self._clock())
        else:
            waiter = self._line.rejoin(again.waiter, granted, self._clock())
        self._serve()
        await self._granted(waiter)
        permit, answered = Permit(waiter), None
        try:
            yield permit
            answered = True
            self._refusals.taken()
        except RateLimited as error:
            answered = True
            self._refused(waiter, error)
            raise
        except GoogleError as error:
            answered = not isinstance(error, GoogleUnavailable)
            raise
        finally:
            self._ended(waiter, sent=permit.sent, answered=answered if permit.sent else None)

    async def _granted(self, waiter: Waiter) -> None:
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.cancelled():
                if self._line.left(waiter):
                    self._sweep(self._clock())
            else:  # in the moment when it was granted
                self._ended(waiter, sent=False, answered=None)
            raise

    def _ended(self, waiter: Waiter, *, sent: bool, answered: bool | None) -> None:
        """Note how a call ended; `answered` is None where that says nothing about Google."""
        now, (begun, trial) = self._clock(), waiter.granted.result()
        for window in (self.project, self._accounts.window(waiter.account)):
            window.end(now if sent else None, later=waiter.place.later)
            if answered:
                window.taken(begun)
        if answered is None:
            self.circuit.unused(trial=trial)
        elif answered:
            self.circuit.answered(trial=trial)
        else:
            self.circuit.failed(waiter.account, now, trial=trial)
        self._accounts.unpark(waiter.account)
        self._serve()

    def _refused(self, waiter: Waiter, error: RateLimited) -> None:
        now, begun = self._clock(), waiter.granted.result().at
        if self.project.is_old_news(begun):
            return
        blame = self._refusals.blame(waiter.account, error, now)
        for name in blame.acquitted:
            self._accounts.window(name).acquit()
            self._accounts.unpark(name)
        blamed = self.project if blame.project else self._accounts.window(waiter.account)
        blamed.refused(now, begun, error.retry_after)

    # Who is next

    def _serve(self) -> None:
        """Grant what may be granted now, and wake up when more may."""
        now = self._clock()
        self._accounts.look(now)
        while (waiter := self._next(now)) is not None:
            self.project.begin(later=waiter.place.later)
            self._accounts.window(waiter.account).begin(later=waiter.place.later)
            self._line.served(waiter, now)
            waiter.granted.set_result(Granted(now, self.circuit.begin(waiter.account)))
        if now - self._swept > windows.MINUTE:
            self._sweep(now)
        self._wake_later(now)

    def _next(self, now: float) -> Waiter | None:
        under_way = self.project.under_way
        if under_way >= self._at_once or not self.circuit.may_begin(now, under_way):
            return None
        if self.circuit.is_open:
            return self._trial(now)
        if self._in_order >= IN_ORDER and (overdue := self._overdue(now)) is not None:
            self._in_order = 0
            return overdue
        while (waiter := self._line.head()) is not None:
            # What is soon stands first: where it finds no room, nothing does.
            if not self._has_room(waiter.place, now):
                return None
            self._line.pop()
            if self._accounts.window(waiter.account).has_room(now, later=waiter.place.later):
                self._in_order += 1
                return waiter
            self._accounts.park(waiter, now)  # others need not wait for it
        return None

    def _has_room(self, place: Place, now: float) -> bool:
        if place.later and (
            self.project.under_way >= self._at_once - self._at_once // 10 or self.backlog.holds(now)
        ):
            return False
        return self.project.has_room(now, later=place.later)

    def _overdue(self, now: float) -> Waiter | None:
        if not self.project.has_turn(now):
            return None
        waiters = self._line.overdue(now)
        return next((one for one in waiters if self._accounts.window(one.account).has_turn(now)), None)

    def _trial(self, now: float) -> Waiter | None:
        """Return who tries whether Google is back: the first whose account has not tried in vain."""
        able = [
            waiter
            for waiter in self._line.in_order()
            if self._has_room(waiter.place, now)
            and self._accounts.window(waiter.account).has_room(now, later=waiter.place.later)
        ]
        if able and all(self.circuit.was_tried(waiter.account) for waiter in able):
            self.circuit.all_tried()
        return next((waiter for waiter in able if not self.circuit.was_tried(waiter.account)), None)

    def _sweep(self, now: float) -> None:
        self._swept = now
        self._line.sweep()
        self._accounts.sweep(now)

    def _wake_later(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        moments = [self._accounts.next_look]
        if self._line.head() is not None:
            moments.append(now + BACKLOG_S if self.backlog.holds(now) else self.project.free_at(now))
            if self.circuit.is_open:
                # Past that moment there was nobody who could try, for want of room.
                moments.append(self.circuit.until if self.circuit.until > now else now + LOOK_S)
        later = [moment for moment in moments if now < moment < float("inf")]
        if later:
            self._timer = asyncio.get_running_loop().call_later(min(later) - now + 0.001, self._serve)
