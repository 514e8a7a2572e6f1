"""One circuit for an outage of Google as a whole.

Comes in: how calls ended. Goes out: whether one more may begin. Thousands of lanes that each try again by themselves would
be a storm, the worst of it when Google is back. Not here: one account's trouble; its lane waits by itself (`care`).

==========  ==========================================  ==================================================
state       becomes                                     calls
==========  ==========================================  ==================================================
closed      open: `MANY` accounts failed, nobody was    as many as may be under way
            answered in between
open        wide: any call was answered                 one at a time, of another account each time, with
                                                        growing pauses in between
wide        closed: `at_once` are allowed again         two, and one more with each that is answered
==========  ==========================================  ==================================================
"""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

from gcal.backoff import delay

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

#: So many different accounts failing, and none answered, are not each in trouble of their own.
MANY = 5

#: No pause between two trials is longer, in seconds: a call in so many costs nothing, and all users wait for it.
LONGEST_S = 16.0


class Circuit:
    """One per worker."""

    def __init__(self, at_once: int, dice: Callable[[], float] = random.random) -> None:
        """Take how many calls may be under way while all is well."""
        self._at_once = at_once
        self._dice = dice
        self._allowed = at_once
        self._failing: set[str] = set()
        self._tried: set[str] = set()
        self._pauses = 0
        self._on_trial = False
        self.is_open = False
        self.until = 0.0
        """When the next trial may begin, while the circuit is open."""

    def may_begin(self, now: float, under_way: int) -> bool:
        """Say whether one more call may begin."""
        if self.is_open:
            return not self._on_trial and now >= self.until
        return under_way < self._allowed or self._allowed >= self._at_once

    def was_tried(self, account: str) -> bool:
        """Say whether a trial has gone to this account already: the trouble might be its own."""
        return account in self._tried

    def all_tried(self) -> None:
        """Begin anew with those who were tried, since nobody else waits."""
        self._tried.clear()

    def begin(self, account: str) -> bool:
        """Note a call that begins; true if it is a trial."""
        if self.is_open:
            self._on_trial = True
            self._tried.add(account)
        return self.is_open

    def unused(self, *, trial: bool) -> None:
        """Note a call that was not made after all, or ended without saying anything about Google."""
        self._on_trial = self._on_trial and not trial

    def answered(self, *, trial: bool) -> None:
        """Note that Google answered, whatever it said."""
        self.unused(trial=trial)
        self._failing.clear()
        if self.is_open:
            self.is_open, self._pauses, self._allowed = False, 0, 2
            self._tried.clear()
            log.warning("Google answers again: calls go on", extra={"decision": "outage_ends"})
        elif self._allowed < self._at_once:
            self._allowed += 1

    def failed(self, account: str, now: float, *, trial: bool) -> None:
        """Note that Google did not answer, or not with anything of use."""
        self.unused(trial=trial)
        self._failing.add(account)
        if not self.is_open and len(self._failing) >= MANY:
            self.is_open = True
            log.warning(
                "Google answers nobody: one call at a time tries, until it does",
                extra={"decision": "outage_begins"},
            )
            self._pause(now)
        elif trial:
            self._pause(now)

    def _pause(self, now: float) -> None:
        self.until = now + min(LONGEST_S, delay(self._pauses, None, self._dice()))
        self._pauses += 1
