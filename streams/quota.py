"""Permits for calls to Google: exact sliding windows, per Google account and for this worker's share of the project.

Comes in: wishes to call, each with a place, and how the calls ended. Goes out: permits. Never more than N calls in any
60 seconds: https://developers.google.com/workspace/calendar/api/guides/quota. Not here: who is next (`schedule`), whose
refusal it was (`refusals`); what else may go wrong is the lanes' to wait out.

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
from streams.refusals import Refusals
from streams.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from planning.urgency import Place
    from streams.line import Granted, Waiter


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
        self.schedule = Schedule(project, account, at_once, clock)
        self._clock = clock
        self._refusals = Refusals()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Return how many calls wait for a permit."""
        return len(self.schedule.line)

    def spent(self) -> dict[str, tuple[int, float]]:
        """Return the calls that count in the project's window, by whose they are ("": ours), and for how many seconds."""
        now, project = self._clock(), self.schedule.project
        return {"": (project.own(now), windows.MINUTE)} | project.charges(now)

    def share(self, project: int) -> None:
        """Set this worker's share of the project's calls per minute; never less than one."""
        self.schedule.project.resize(max(1, project))
        self._serve()

    def charge(self, whose: str, calls: int, seconds: float) -> None:
        """Count calls of our users' last owners against the project, for that many seconds.

        How many were of which user is not known: each account that is new here begins with half of its window for as long.
        """
        if not calls or seconds <= 0:
            return
        until = self._clock() + seconds
        self.schedule.project.charge(whose, calls, until)
        self.schedule.accounts.be_careful(until)

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
            waiter = self.schedule.line.join(wish, granted, self._clock())
        else:
            waiter = self.schedule.line.rejoin(again.waiter, granted, self._clock())
        self._serve()
        await self._granted(waiter)
        permit, answered = Permit(waiter), None
        try:
            yield permit
            answered = True
            if permit.sent:
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
                self.schedule.left(waiter, self._clock())
            else:  # in the moment when it was granted
                self._ended(waiter, sent=False, answered=None)
            raise

    def _ended(self, waiter: Waiter, *, sent: bool, answered: bool | None) -> None:
        self.schedule.end(waiter, self._clock(), sent=sent, answered=answered)
        self._serve()

    def _refused(self, waiter: Waiter, error: RateLimited) -> None:
        now, begun = self._clock(), waiter.granted.result().at
        if self.schedule.project.is_old_news(begun):
            return
        blame = self._refusals.blame(waiter.account, error, now)
        for name in blame.acquitted:
            self.schedule.accounts.window(name).acquit()
            self.schedule.accounts.unpark(name)
        blamed = self.schedule.project if blame.project else self.schedule.accounts.window(waiter.account)
        blamed.refused(now, begun, error.retry_after)

    def _serve(self) -> None:
        """Grant what may be granted now, and wake up when more may."""
        now = self._clock()
        self.schedule.accounts.look(now)
        while (waiter := self.schedule.next(now)) is not None:
            waiter.granted.set_result(self.schedule.begin(waiter, now))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (moment := self.schedule.wake_at(now)) < float("inf"):
            self._timer = asyncio.get_running_loop().call_later(moment - now + 0.001, self._serve)
