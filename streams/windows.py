"""An exact sliding window: how many calls count now, and whether one more may begin.

Comes in: beginnings and ends of calls, in seconds of one monotonic clock. Goes out: room. A call counts from before it is
sent until 60 seconds after its answer, since Google counts it somewhere in between. Not here: who is next (`quota`).
"""

from __future__ import annotations

from collections import deque

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

    @property
    def kept(self) -> int:
        """Return how many places only soon calls may take."""
        return -(-self.limit // 10) if self.limit > 1 else 0

    def has_room(self, now: float, *, later: bool = True) -> bool:
        """Say whether one more call may begin; `later`: one that may not use the places that are kept."""
        return self.used(now) < self.limit - (self.kept if later else 0)

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
