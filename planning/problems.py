"""Why a user's sync cannot go on, in words.

Comes in: an error of the user's grant or of Google. Goes out: a `Problem` with its state, and a sentence that says what
to do about it.

==========================================  ======================  ====================================================
what happened                               state                   who can do something about it
==========================================  ======================  ====================================================
no token, a token without its key           needs_reauthorization   the user; the operator who brings the key back
the grant ended, or is too narrow           needs_reauthorization   the user
the account is disabled, its administrator  needs_reauthorization   the administrator of the account, then the user
does not let us in
the calendar is gone or read-only           stopped                 the user
Google does not take our OAuth client       paused                  the operator; tried again by itself
a calendar's use limits                     paused                  nobody; goes on by itself
an ended token that Google has not revoked  of the ending           nobody; shown to Google until it confirms
==========================================  ======================  ====================================================
"""

from __future__ import annotations

from datetime import datetime, timedelta

from schemas.errors import CalendarGone, GrantLost, NotAdmitted, QuotaExhausted
from schemas.facts import Problem

#: Google's abuse protection lasts hours; asking more often only prolongs it
#: (https://support.google.com/a/answer/2905486).
PARKED = timedelta(hours=2)

#: Where the operator has to act, everybody waits: asked once in so long, thousands of users cost Google little.
ASKED_AGAIN = timedelta(minutes=5)

_CONNECT_AGAIN = "Connect the Google calendar again."
_ASK_ADMIN = (
    "Ask the administrator of the Google account to allow this application, then connect the calendar again."
)
_ENDED = "The access to this user's Google calendar was taken back, or has expired."
_BARRED = "The administrator of this user's Google account does not let this application in."
_DISABLED = "This user's Google account is disabled."
_RESTORE = "Have the Google account restored, then connect the calendar again; or connect another account."

#: What is wrong, and what to do, by Google's word for it. https://developers.google.com/identity/protocols/oauth2#expiration
_GRANTS: dict[str, tuple[str, str]] = {
    "invalid_grant": (_ENDED, _CONNECT_AGAIN),
    "insufficient_scope": (
        "The permission to see and change events was not given when this user connected.",
        "Connect the Google calendar again, and leave the box for viewing and editing events ticked.",
    ),
    "invalid_rapt": ("Google wants this user to sign in again.", _CONNECT_AGAIN),
    "admin_policy_enforced": (_BARRED, _ASK_ADMIN),
    "adminPolicyEnforced": (_BARRED, _ASK_ADMIN),
    "domainPolicy": (_BARRED, _ASK_ADMIN),
    "org_internal": (
        "This application is open to accounts of one organisation only.",
        "Connect an account of it.",
    ),
    "accountDisabled": (_DISABLED, _RESTORE),
    "disabled_account": (_DISABLED, _RESTORE),
    "account_disabled": (_DISABLED, _RESTORE),
    "unauthorized_client": (
        "The access to this user's Google calendar was given to another OAuth client than the one in use.",
        f"{_CONNECT_AGAIN} If it concerns everybody, an operator has to look at SHIFTCAL_GOOGLE_CLIENT_ID.",
    ),
}


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
        what_to_do="Connect the Google calendar again; or an operator brings the missing key back into"
        " SHIFTCAL_VAULT_KEYS and asks for a re-sync.",
    )


def grant_lost(error: GrantLost) -> Problem:
    """Return the problem of a grant that Google does not honour, or that does not reach far enough."""
    message, what_to_do = _GRANTS.get(
        error.code, ("Google does not let us write to this user's calendar any more.", _CONNECT_AGAIN)
    )
    return Problem(state="needs_reauthorization", code=error.code, message=message, what_to_do=what_to_do)


def calendar_gone(error: CalendarGone) -> Problem:
    """Return the problem of a Google calendar that is not there, or not the user's to write."""
    if error.code == "notFound":
        return Problem(
            state="stopped",
            code="calendar_gone",
            message="The Google calendar that was connected does not exist any more, or this user cannot see it.",
            what_to_do="Connect a Google calendar that exists; or restore it, then re-sync.",
        )
    return Problem(
        state="stopped",
        code="calendar_not_writable",
        message="This user may not write to the Google calendar that was connected.",
        what_to_do="Connect another Google calendar; or have its owner give the right to change events, then re-sync.",
    )


def not_admitted(error: NotAdmitted, now: datetime) -> Problem:
    """Return the problem of a user for whom nothing can be done while Google does not take our own client."""
    return Problem(
        state="paused",
        code=error.code,
        message="Google does not accept this application at the moment; it is the same for every user.",
        what_to_do="An operator has to put right what the worker's log says; then the sync goes on by itself.",
        until=now + ASKED_AGAIN,
    )


def not_revoked() -> Problem:
    """Return the problem of an ended connection whose token Google has not confirmed to have forgotten."""
    return Problem(
        state="stopped",
        code="not_revoked_yet",
        message="The access is erased here; Google has not confirmed yet that it has forgotten it.",
        what_to_do="Nothing: Google is asked until it confirms.",
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
