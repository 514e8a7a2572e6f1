"""The Google accounts of a worker's users: the window of each, and the calls that wait for nothing but that.

Comes in: calls for which an account has no room. Goes out: the same calls, back in line once it may have some; nobody else
waits for them meanwhile. Not here: the project, and who is next (`quota`).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streams.limits import Limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.line import Line, Waiter


@dataclass
class _Account:
    window: Limit
    parked: list[Waiter] = field(default_factory=list)


class Accounts:
    """One per worker; an account of which nothing has to be remembered is forgotten."""

    def __init__(self, limit: int, line: Line, clock: Callable[[], float]) -> None:
        self._limit, self._line, self._clock = limit, line, clock
        self._known: dict[str, _Account] = {}
        self._look_at: list[
            tuple[float, str]
        ] = []  # when one with parked calls may have room, the soonest first
        self._careful_until = clock()

    def window(self, name: str) -> Limit:
        """Return an account's window."""
        return self._of(name).window

    def be_careful(self, until: float) -> None:
        """Begin with half of the window of each account that is new here, until then: its last owner may have called."""
        self._careful_until = max(self._careful_until, until)

    @property
    def next_look(self) -> float:
        """Return when it is worth calling `look`."""
        return self._look_at[0][0] if self._look_at else float("inf")

    def look(self, now: float) -> None:
        """Put back in line whoever may find room by now."""
        while self._look_at and self._look_at[0][0] <= now:
            self.unpark(heapq.heappop(self._look_at)[1])

    def park(self, waiter: Waiter, now: float) -> None:
        """Take a call aside until its account may have room."""
        account = self._of(waiter.account)
        account.parked.append(waiter)
        # If only a call under way can make room, its end puts the others back in line.
        if len(account.parked) == 1 and (moment := account.window.free_at(now)) < float("inf"):
            heapq.heappush(self._look_at, (moment, waiter.account))

    def unpark(self, name: str) -> None:
        """Put an account's calls back in line."""
        account = self._of(name)
        parked, account.parked = account.parked, []
        for waiter in parked:
            self._line.put_back(waiter)

    def sweep(self, now: float) -> None:
        """Forget who gave up, and accounts of which nothing has to be remembered."""
        for account in self._known.values():
            account.parked = [waiter for waiter in account.parked if not waiter.granted.done()]
        self._known = {n: a for n, a in self._known.items() if a.parked or not a.window.is_idle(now)}

    def _of(self, name: str) -> _Account:
        if (known := self._known.get(name)) is None:
            known = self._known[name] = _Account(Limit(self._limit))
            if (now := self._clock()) < self._careful_until:
                known.window.start_narrow(now)
        return known
