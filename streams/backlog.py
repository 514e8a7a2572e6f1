"""Whether facts of our users still wait to be folded.

In: how many do. Out: whether calls that are not soon had better wait. A publication comes as one fact per user: whoever is
folded first would spend the window on shifts of next month, before anybody knows of the other users' of this week. It is
folded in a moment; what waits for longer is no publication, but more than this worker can do, and nothing waits for that.
Nor does anything wait where the window has room for all that these facts may ask for: then nobody is behind anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: So many are on their way at any busy time.
FEW = 32

#: Nothing waits longer for the rest to be folded, in seconds.
LONGEST_S = 1.0

#: So many calls may follow from one fact: a user's shifts of a month or two, as a rule.
EACH = 100

#: It is asked for no more often, in seconds.
ASK_S = 0.005


class Backlog:
    """Asked before each permit."""

    def __init__(self, count: Callable[[], int] = lambda: 0) -> None:
        self._count = count
        self._asked_at = float("-inf")
        self._found = 0
        self._since: float | None = None

    def holds(self, now: float, room: int) -> bool:
        """Say whether calls that are not soon should wait; `room`: how many the window has room for now."""
        if now - self._asked_at >= ASK_S:
            self._asked_at, self._found = now, self._count()
            if self._found <= FEW:
                self._since = None
            elif self._since is None:
                self._since = now
        return self._since is not None and now - self._since < LONGEST_S and room < EACH * self._found
