"""Who gets the next permit: the order of those who wait, held against everything that may keep them.

Comes in: those who wait, and how calls began and ended. Goes out: the next call that may begin now, or when to ask again.
Not here: futures and timers (`quota`).

==============================================  ==============================================================
a call waits while                              so that
==============================================  ==============================================================
as many are under way as there are connections  the order holds until the very moment of the call
the project's window is full                    Google refuses nothing; those before it in the order wait, too
its account's window is full                    the same; others go on (`accounts`)
Google answers nobody                           one call tries (`circuit`)
a publication is being folded, and it is not    the order is that of all users, not of those folded first
soon                                            (`backlog`)
==============================================  ==============================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams import windows
from streams.accounts import Accounts
from streams.backlog import ASK_S, Backlog
from streams.circuit import Circuit
from streams.limits import LOOK_S, Limit
from streams.line import Granted, Line, Waiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from planning.urgency import Place

#: After so many permits by the order, one goes to a user who is overdue.
IN_ORDER = 9


class Schedule:
    """One per worker."""

    def __init__(self, project: int, account: int, at_once: int, clock: Callable[[], float]) -> None:
        self.project = Limit(project)
        self.circuit = Circuit(at_once)
        self.backlog = Backlog()
        self.line = Line()
        self.accounts = Accounts(account, self.line, clock)
        self.at_once = at_once
        self._in_order = 0
        self._swept = clock()

    def begin(self, waiter: Waiter, now: float) -> Granted:
        """Note that a call begins."""
        for window in (self.project, self.accounts.window(waiter.account)):
            window.begin(later=waiter.place.later)
        self.line.served(waiter, now)
        return Granted(now, self.circuit.begin(waiter.account))

    def end(self, waiter: Waiter, now: float, *, sent: bool, answered: bool | None) -> None:
        """Note how a call ended; `answered` is None where that says nothing about Google."""
        begun, trial = waiter.granted.result()
        for window in (self.project, self.accounts.window(waiter.account)):
            window.end(now if sent else None, later=waiter.place.later)
            if answered:
                window.taken(begun)
        if answered is None:
            self.circuit.unused(trial=trial)
        elif answered:
            self.circuit.answered(trial=trial)
        else:
            self.circuit.failed(waiter.account, now, trial=trial)
        self.accounts.unpark(waiter.account)

    def left(self, waiter: Waiter, now: float) -> None:
        """Note that one who waited gave up."""
        if self.line.left(waiter):
            self._sweep(now)

    def next(self, now: float) -> Waiter | None:
        """Return whose call may begin now."""
        under_way = self.project.under_way
        if under_way >= self.at_once or not self.circuit.may_begin(now, under_way):
            return None
        if self.circuit.is_open:
            return self._trial(now)
        if self._in_order >= IN_ORDER and (overdue := self._overdue(now)) is not None:
            self._in_order = 0
            return overdue
        while (waiter := self.line.head()) is not None:
            # What is soon stands first: where it finds no room, nothing does.
            if not self._has_room(waiter.place, now):
                return None
            self.line.pop()
            if self.accounts.window(waiter.account).has_room(now, later=waiter.place.later):
                self._in_order += 1
                return waiter
            self.accounts.park(waiter, now)  # others need not wait for it
        return None

    def _has_room(self, place: Place, now: float) -> bool:
        if place.later and (
            self.project.under_way >= self.at_once - self.at_once // 10 or self._is_held(now)
        ):
            return False
        return self.project.has_room(now, later=place.later)

    def _is_held(self, now: float) -> bool:
        return self.backlog.holds(now, self.project.limit - self.project.used(now))

    def _overdue(self, now: float) -> Waiter | None:
        if not self.project.has_turn(now):
            return None
        waiters = self.line.overdue(now)
        return next((one for one in waiters if self.accounts.window(one.account).has_turn(now)), None)

    def _trial(self, now: float) -> Waiter | None:
        """Return who tries whether Google is back: the first whose account has not tried in vain."""
        able = [
            waiter
            for waiter in self.line.in_order()
            if self._has_room(waiter.place, now)
            and self.accounts.window(waiter.account).has_room(now, later=waiter.place.later)
        ]
        if able and all(self.circuit.was_tried(waiter.account) for waiter in able):
            self.circuit.all_tried()
        return next((waiter for waiter in able if not self.circuit.was_tried(waiter.account)), None)

    def wake_at(self, now: float) -> float:
        """Return when it is worth asking for the next again, if nothing happens before."""
        if now - self._swept > windows.MINUTE:
            self._sweep(now)
        moments = [self.accounts.next_look]
        if self.line.head() is not None:
            moments.append(now + ASK_S if self._is_held(now) else self.project.free_at(now))
            if self.circuit.is_open:
                # Past that moment there was nobody who could try, for want of room.
                moments.append(self.circuit.until if self.circuit.until > now else now + LOOK_S)
        return min((moment for moment in moments if moment > now), default=float("inf"))

    def _sweep(self, now: float) -> None:
        self._swept = now
        self.line.sweep()
        self.accounts.sweep(now)
