"""Whose window was full when Google refused a call.

Comes in: refusals, each with its account. Goes out: the account, or the project. Google does not always say: by its own
page `rateLimitExceeded` is about a calendar, a user or the project
(https://developers.google.com/workspace/calendar/api/guides/errors). So it is the account's, until the same comes from
many accounts at once, and more often than calls are taken. Not here: what follows from it (`limits`).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from schemas.errors import RateLimited

#: So many accounts refused within so many seconds are not each at a limit of their own.
MANY = 5
TOGETHER_S = 5.0


class Blame(NamedTuple):
    """Whose it was; `acquitted`: accounts that were blamed before for the same."""

    project: bool
    acquitted: frozenset[str] = frozenset()


class Refusals:
    """The refusals of the last seconds whose owner is not known."""

    def __init__(self) -> None:
        self._open: deque[tuple[float, str]] = deque()

    def blame(self, account: str, error: RateLimited, now: float) -> Blame:
        """Return whose window was full."""
        if error.scope == "project":
            return self._project()
        if error.code.replace("_", "").casefold() == "userratelimitexceeded":
            return Blame(project=False)
        while self._open and self._open[0][0] < now - TOGETHER_S:
            self._open.popleft()
        self._open.append((now, account))
        return self._project() if len({who for _, who in self._open}) >= MANY else Blame(project=False)

    def taken(self) -> None:
        """Note that Google took a call: one refusal more that may well have been the account's own."""
        if self._open:
            self._open.popleft()

    def _project(self) -> Blame:
        acquitted = frozenset(who for _, who in self._open)
        self._open.clear()
        return Blame(project=True, acquitted=acquitted)
