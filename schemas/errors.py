"""The error tree, by who is wrong.

Comes in: nothing. Goes out: every exception that crosses a room's door. Messages are for a person: what was wrong and
what to do; they never hold a secret or a person's schedule.

==================  ==========================================  =====================================
who                 class                                       what happens
==================  ==========================================  =====================================
the message         `BadMessage`                                a dead letter; the stream goes on
the user's grant    `GrantLost`, `CalendarGone`                 the user waits, nobody else does
Google, for now     `RateLimited`, `QuotaExhausted`,            tried again, later
                    `GoogleUnavailable`
Google, for good    an answer `Denied`, not an exception        a result `refused`; not tried again
the operator        `OperatorError`                             the program ends with one line
                    `NotAdmitted`, by Google                    users wait until it is put right
us                  anything else                               the worker ends at once, nothing acked
==================  ==========================================  =====================================
"""

from __future__ import annotations

from typing import Literal, get_args


class ShiftcalError(Exception):
    """Anything that Shiftcal raises on purpose."""


Reason = Literal["null_value", "not_json", "bad_envelope", "bad_change", "from_the_future"]
REASONS: tuple[Reason, ...] = get_args(Reason)


class BadMessage(ShiftcalError):
    """A message, or one change in it, that cannot be read. `reason` is one word for machines."""

    def __init__(self, reason: Reason, error: str) -> None:
        super().__init__(error)
        self.reason = reason


class GoogleError(ShiftcalError):
    """Google did not do it; `code` is Google's word, or ours where it gave none."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class GrantLost(GoogleError):
    """The user has to grant access again: revoked, expired, or too few scopes."""


class CalendarGone(GoogleError):
    """The Google calendar that we write to does not exist any more, or may not be written by this user."""


class GoogleForNow(GoogleError):
    """It will pass. `retry_after`: seconds that Google asked for, if it did."""

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class RateLimited(GoogleForNow):
    """Too many requests per minute. `scope`: whose window was full, as far as Google says."""

    def __init__(
        self, code: str, message: str, retry_after: float | None = None, *, scope: str = "user"
    ) -> None:
        super().__init__(code, message, retry_after)
        self.scope = scope


class QuotaExhausted(GoogleForNow):
    """Google's abuse protection for this calendar or account: hours, not seconds."""


class GoogleUnavailable(GoogleForNow):
    """No answer, a 5xx, or something that is not Google's."""


class OperatorError(ShiftcalError):
    """Something that whoever runs Shiftcal has to put right; told in one line."""


class NotAdmitted(OperatorError):
    """Google takes no call of this deployment, whoever the user: its OAuth client or its project. `code` is its word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
