"""Google's sliding quota windows, and proof of how close a client came.

In: one `spend` per API call. Out: a refusal in one of Google's shapes, or nothing; the highest load ever seen.
Refused calls are not counted. https://developers.google.com/workspace/calendar/api/guides/quota
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Literal, get_args

from sandbox.google.errors import GoogleError, Json, invalid

WINDOW_S = 60.0
Shape = Literal["403", "429", "mix"]


@dataclass(slots=True)
class Window:
    """The calls of the last minute and the most there ever were in one."""

    times: deque[float] = field(default_factory=deque)
    peak: int = 0

    def load(self, now: float) -> int:
        """Calls within the minute that ends now."""
        edge = now - WINDOW_S
        times = self.times
        while times and times[0] <= edge:
            times.popleft()
        return len(times)

    def add(self, now: float) -> None:
        """Count one call."""
        self.times.append(now)
        self.peak = max(self.peak, len(self.times))


@dataclass(slots=True)
class Quota:
    """Both windows; None is no limit (the load is measured all the same)."""

    project_per_minute: int | None = None
    user_per_minute: int | None = None
    shape: Shape = "mix"
    """`403` is userRateLimitExceeded/rateLimitExceeded, `429` is rateLimitExceeded, `mix` takes turns."""
    retry_after: bool = False
    """Whether refusals say in Retry-After when the window has room again."""
    refused: int = 0
    project: Window = field(default_factory=Window)
    users: dict[str, Window] = field(default_factory=dict)

    def spend(self, account: str, now: float | None = None) -> GoogleError | None:
        """Count a call of this account, or refuse it."""
        now = time.monotonic() if now is None else now
        user = self.users.get(account)
        if user is None:
            user = self.users[account] = Window()
        if self.user_per_minute is not None and user.load(now) >= self.user_per_minute:
            return self._refuse(user, now, "userRateLimitExceeded", "User Rate Limit Exceeded")
        if self.project_per_minute is not None and self.project.load(now) >= self.project_per_minute:
            return self._refuse(self.project, now, "rateLimitExceeded", "Rate Limit Exceeded")
        user.load(now)
        self.project.load(now)
        user.add(now)
        self.project.add(now)
        return None

    def _refuse(self, window: Window, now: float, reason: str, message: str) -> GoogleError:
        self.refused += 1
        too_many = self.shape == "429" or (self.shape == "mix" and self.refused % 2 == 0)
        headers = {}
        if self.retry_after and window.times:
            headers["Retry-After"] = str(max(1, int(window.times[0] + WINDOW_S - now) + 1))
        code, reason = (429, "rateLimitExceeded") if too_many else (403, reason)
        return GoogleError(code, reason, message, domain="usageLimits", headers=headers)

    def to_json(self) -> Json:
        """Limits, refusals and the highest load."""
        return {
            "project_per_minute": self.project_per_minute,
            "user_per_minute": self.user_per_minute,
            "shape": self.shape,
            "retry_after": self.retry_after,
            "refused": self.refused,
            "project_peak": self.project.peak,
            "user_peaks": {account: window.peak for account, window in self.users.items()},
        }

    def configure(self, given: Json) -> None:
        """Set what is given; the load stays."""
        for name, value in given.items():
            match name:
                case "project_per_minute" | "user_per_minute" if value is None or (
                    type(value) is int and value >= 0
                ):
                    setattr(self, name, value)
                case "shape" if value in get_args(Shape):
                    self.shape = value
                case "retry_after" if isinstance(value, bool):
                    self.retry_after = value
                case _:
                    raise invalid(f"The quota has no {name} of {value!r}.")

    def clear(self) -> None:
        """Forget the load, keep the limits."""
        self.project = Window()
        self.users.clear()
        self.refused = 0
