"""An exact sliding window: how many calls count now, and whether one more may begin.

Comes in: beginnings and ends of calls, in seconds of one monotonic clock. Goes out: room. A call counts from before it is
sent until 60 seconds after its answer, since Google counts it somewhere in between. Not here: who is next (`quota`), and
what a refusal does to a window (`limits`).
"""

from __future__ import annotations

from collections import deque

MINUTE = 60.0


class Window:
    """At most `limit` calls in any 60 seconds. Times are seconds of one monotonic clock."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.under_way = 0
        self._later_under_way = 0
        self._until: deque[float] = deque()
        self._later_until: deque[float] = deque()

    @property
    def limit(self) -> int:
        """Return how many calls may count at once."""
        return self._limit

    def used(self, now: float) -> int:
        """Return how many calls count now."""
        return self.under_way + _left(self._until, now)

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
        later = self._later_under_way + _left(self._later_until, now)
        return self.used(now) < self.limit and later < self.limit - self.kept

    def free_at(self, now: float) -> float:
        """Return when a place is free at the latest known; infinity, if only a call under way can free one."""
        return max(now, self._until[0]) if self._until else float("inf")

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

    def charge(self, calls: int, until: float) -> None:
        """Count calls that somebody else has made, or may have."""
        self._until = deque(sorted((*self._until, *[until] * calls)))
        self._later_until = deque(sorted((*self._later_until, *[until] * calls)))


def _left(until: deque[float], now: float) -> int:
    while until and until[0] <= now:
        until.popleft()
    return len(until)
