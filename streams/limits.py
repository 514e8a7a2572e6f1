"""A window of Google's as far as Google lets us use it: narrowed by refusals, wider again as time passes.

Comes in: refusals, and calls that Google took. Goes out: room. Additive increase, multiplicative decrease
(https://www.rfc-editor.org/rfc/rfc5681#section-3.1): others may use the same quota, and Google's own numbers are not all
published. Not here: whose window a refusal is about (`refusals`).

======================  ===============================================================================
what happens            what the window does
======================  ===============================================================================
a call is refused       it is half as wide, and nothing begins for a second or two, for longer each
                        time, or as long as Google asks
others are, too         nothing more, if they had begun before: it is the same refusal
time passes             it widens by its full width in `RECOVERY_S`
======================  ===============================================================================
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from gcal.backoff import delay
from streams.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable

#: How long a window takes from nothing to its full width, in seconds.
RECOVERY_S = 600.0

#: A narrow window may have one more place at any time: it is looked at so often, in seconds.
LOOK_S = 1.0


class Limit(Window):
    """The window of one Google account, or of this worker's share of the project."""

    def __init__(self, full: int, dice: Callable[[], float] = random.random) -> None:
        super().__init__(full)
        self._full = full
        self._dice = dice
        self._width = float(full)
        self._widened_at = 0.0
        self._held_until = 0.0
        self._narrowed_at = float("-inf")
        self._refusals = 0

    @property
    def limit(self) -> int:
        """Return how many calls may count at once, as of the last look."""
        return max(1, int(self._width))

    def resize(self, full: int) -> None:
        """Take another full width; a window that is narrow stays as narrow."""
        self._width *= full / self._full
        self._full = full

    def has_room(self, now: float, *, later: bool = True) -> bool:
        """Say whether one more call may begin."""
        return self._may_begin(now) and super().has_room(now, later=later)

    def has_turn(self, now: float) -> bool:
        """Say whether one call that is not soon may begin out of turn."""
        return self._may_begin(now) and super().has_turn(now)

    def free_at(self, now: float) -> float:
        """Return when it is worth looking again."""
        if now < self._held_until:
            return self._held_until
        return min(super().free_at(now), now + LOOK_S) if self.is_narrow else super().free_at(now)

    @property
    def is_narrow(self) -> bool:
        """Say whether a refusal is not made up for yet."""
        return self._width < self._full

    def is_idle(self, now: float) -> bool:
        """Say whether there is nothing to remember of this window."""
        return self._may_begin(now) and not self.is_narrow and not self.used(now)

    def is_old_news(self, begun: float) -> bool:
        """Say whether a call that began then was refused for what is known already."""
        return begun <= self._narrowed_at

    def refused(self, now: float, begun: float, retry_after: float | None) -> None:
        """Narrow the window, since Google refused a call that began then."""
        if not self.is_old_news(begun):
            self._may_begin(now)
            self._width = max(1.0, self._width / 2)
            # That there is less room than was thought is known from Google now, and need not be guessed any more.
            self.forget_charges()
            self._narrowed_at = now
            self._refusals += 1
        # The jitter of the back-off keeps those who were refused together from coming back together.
        self._held_until = max(self._held_until, now + delay(self._refusals - 1, retry_after, self._dice()))

    def taken(self, begun: float) -> None:
        """Begin with short waits again, once Google took a call that began after the last refusal."""
        if not self.is_old_news(begun):
            self._refusals = 0

    def start_narrow(self, now: float) -> None:
        """Begin with half of the window: its other half may be used up."""
        self._width, self._widened_at = self._full / 2, now

    def acquit(self) -> None:
        """Take a narrowing back that turned out to be about something else."""
        self._width, self._held_until, self._refusals = float(self._full), 0.0, 0

    def _may_begin(self, now: float) -> bool:
        since, self._widened_at = now - self._widened_at, now
        if self._width < self._full:
            self._width = min(float(self._full), self._width + max(0.0, since) * self._full / RECOVERY_S)
        return now >= self._held_until
