"""An exact sliding window: how many calls count now, and whether one more may begin.

Comes in: beginnings and ends of calls, in seconds of one monotonic clock. Goes out: room. A call counts from before it is
sent until 60 seconds after its answer, since Google counts it somewhere in between. Not here: who is next (`quota`), and
what a refusal does to a window (`limits`).
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from math import ceil

MINUTE = 60.0

#: Whose calls they are of which nobody knows how many there were.
GUESS = "nobody's"


class Window:
    """At most `limit` calls in any 60 seconds. Times are seconds of one monotonic clock."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.under_way = 0
        self._later_under_way = 0
        self._until: deque[float] = deque()
        self._later_until: deque[float] = deque()
        self._charges: dict[str, tuple[float, int]] = {}

    @property
    def limit(self) -> int:
        """Return how many calls may count at once."""
        return self._limit

    def used(self, now: float) -> int:
        """Return how many calls count now."""
        return self.own(now) + self._charged(now)

    @property
    def kept(self) -> int:
        """Return how many places only soon calls may take."""
        return -(-self.limit // 10) if self.limit > 1 else 0

    def has_room(self, now: float, *, later: bool = True) -> bool:
        """Say whether one more call may begin; `later`: one that may not use the places that are kept."""
        return self.used(now) < self.limit - (self.kept if later else 0)

    def has_turn(self, now: float) -> bool:
        """Say whether one call that is not soon may begin out of turn.

        Soon calls may have taken more than what is kept for them, for hours; of the rest they leave what they do not need.
        """
        later = self._later_under_way + _left(self._later_until, now) + self._charged(now)
        return self.used(now) < self.limit and later < self.limit - self.kept

    def free_at(self, now: float) -> float:
        """Return when a place is free at the latest known; infinity, if only a call under way can free one."""
        moments = [*islice(self._until, 1), *(until for until, _ in self._charges.values())]
        return max(now, min(moments, default=float("inf")))

    def begin(self, *, later: bool = True) -> None:
        """Count a call that is about to be sent."""
        self.under_way += 1
        self._later_under_way += later

    def end(self, now: float | None, *, later: bool = True) -> None:
        """Count an answered call for another minute; None: it was never sent."""
        self.under_way -= 1
        self._later_under_way -= later
        if now is not None:
            self._until.append(now + MINUTE)
            if later:
                self._later_until.append(now + MINUTE)

    def give_away(self, part: float) -> None:
        """Count so much less of what was called here: whoever has those users now counts it."""
        self._until = _thinned(self._until, 1 - part)
        self._later_until = _thinned(self._later_until, 1 - part)

    def own(self, now: float) -> int:
        """Return how many calls that were made here count now."""
        return self.under_way + _left(self._until, now)

    def charge(self, whose: str, calls: int, until: float) -> None:
        """Count calls of another process; told twice, by two who knew of them, they count once."""
        known_until, known = self._charges.get(whose, (until, 0))
        self._charges[whose] = max(until, known_until), max(calls, known)

    def charges(self, now: float) -> dict[str, tuple[int, float]]:
        """Return what is known of other processes' calls, and for how long they count."""
        self._charged(now)
        return {
            whose: (calls, until - now) for whose, (until, calls) in self._charges.items() if whose != GUESS
        }

    def forget_told(self) -> None:
        """Count no calls of other processes that were told, since they are told anew; what was guessed stays."""
        self._charges = {whose: charge for whose, charge in self._charges.items() if whose == GUESS}

    def forget_charges(self) -> None:
        """Count only what was called here."""
        self._charges = {}

    def _charged(self, now: float) -> int:
        if not self._charges:
            return 0
        self._charges = {whose: told for whose, told in self._charges.items() if told[0] > now}
        known = {whose: calls for whose, (_, calls) in self._charges.items()}
        # A share may have become smaller since, and owners may have died one after the other: half is never guessed away.
        return min(known.pop(GUESS, 0), self.limit // 2) + sum(known.values())


def _left(until: deque[float], now: float) -> int:
    while until and until[0] <= now:
        until.popleft()
    return len(until)


def _thinned(until: deque[float], part: float) -> deque[float]:
    """Keep part of them, spread over all."""
    left = min(len(until), ceil(len(until) * part - 1e-9))
    return deque(until[number * len(until) // left] for number in range(left))
