"""Why a user's sync cannot go on, in words.

Comes in: an error of the user's grant or of Google. Goes out: a `Problem` with its state, and a sentence that says what
to do about it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from schemas.errors import CalendarGone, GrantLost, QuotaExhausted
from schemas.facts import Problem

#: Google's abuse protection lasts hours; asking more often only prolongs it
#: (https://support.google.com/a/answer/2905486).
PARKED = timedelta(hours=2)

_CONNECT_AGAIN = "Connect the Google calendar again."


def no_token() -> Problem:
    """Return the problem of a user who is connected, but has no token in the vault."""
    return Problem(
        state="needs_reauthorization",
        code="no_token",
        message="There is no access to this user's Google calendar.",
        what_to_do=_CONNECT_AGAIN,
    )


def unreadable_token() -> Problem:
    """Return the problem of a token that none of the keys decrypts."""
    return Problem(
        state="needs_reauthorization",
        code="token_unreadable",
        message="The stored access to this user's Google calendar cannot be decrypted.",
        what_to_do=f"An operator can bring the missing key back into SHIFTCAL_VAULT_KEYS; or: {_CONNECT_AGAIN}",
    )


def grant_lost(error: GrantLost) -> Problem:
    """Return the problem of a grant that Google does not honour."""
    return Problem(
        state="needs_reauthorization",
        code=error.code,
        message="Google does not let us write to this user's calendar any more.",
        what_to_do=_CONNECT_AGAIN,
    )


def calendar_gone(_: CalendarGone) -> Problem:
    """Return the problem of a Google calendar that is not there, or not the user's to write."""
    return Problem(
        state="stopped",
        code="calendar_gone",
        message="The Google calendar that was connected does not exist any more, or may not be written.",
        what_to_do="Connect a Google calendar that exists; or restore it, then re-sync.",
    )


def quota_exhausted(error: QuotaExhausted, now: datetime) -> Problem:
    """Return the problem of a calendar that Google has closed for writing for some hours."""
    wait = max(PARKED, timedelta(seconds=error.retry_after or 0))
    return Problem(
        state="paused",
        code=error.code,
        message="Google takes no more changes of this calendar for some hours.",
        what_to_do="Nothing: the sync goes on by itself.",
        until=now + wait,
    )
