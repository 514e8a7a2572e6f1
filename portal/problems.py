"""What keeps a user's calendar from being in step, in the user's words.

Comes in: how it stands, with the code of `sync-status`. Goes out: sentences. A code that has no words of its own is told by
what its state means: the messages in `sync-status` are English, and written for operators, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from portal.standing import Standing
    from portal.wording import Words

#: Keys of `problem` by code; those of other codes are below, by state.
_KEYS: Final = {
    "invalid_grant": "invalid_grant",
    "insufficient_scope": "insufficient_scope",
    "invalid_rapt": "invalid_rapt",
    "admin_policy_enforced": "barred",
    "adminPolicyEnforced": "barred",
    "domainPolicy": "barred",
    "org_internal": "barred",
    "accountDisabled": "disabled",
    "disabled_account": "disabled",
    "account_disabled": "disabled",
    "no_token": "token",
    "token_unreadable": "token",
    "calendar_gone": "calendar_gone",
    "calendar_not_writable": "calendar_not_writable",
    "held": "held",
    "drift": "drift_some",
    "refused": "refused",
}
#: Told by other means: the cool-down answers a button, a revocation has its own sentence.
_ELSEWHERE: Final = frozenset({"resync_cooldown", "not_revoked_yet"})
#: Google's words for use limits, in small letters (`gcal.reasons`).
_OF_QUOTA: Final = frozenset(
    {"quotaexceeded", "calendarusagelimits", "calendarusagelimitsexceeded", "dailylimitexceeded"}
)
_CONNECT_AGAIN: Final = frozenset({"barred", "disabled"})


def sentences(words: Words, standing: Standing, agency: str) -> list[str]:
    """Return what is wrong and what to do; nothing where all is well."""
    error = standing.error
    if error is None:
        return [words("problem.why_unknown"), words("problem.do_connect")] if _lost(standing) else []
    if error.code in _ELSEWHERE:
        return []
    if error.code == "calendar_moved":
        return [words("status.moved", agency=agency)]
    if error.code.replace("_", "").casefold() in _OF_QUOTA:
        return [words("problem.quota")]
    key = _KEYS.get(error.code) or {"paused": "operator", "needs_reauthorization": "why_unknown"}.get(
        standing.mode
    )
    if key is None:
        return []
    told = [words(f"problem.{key}")]
    return [*told, words("problem.do_connect")] if _lost(standing) and key not in _CONNECT_AGAIN else told


def _lost(standing: Standing) -> bool:
    return standing.mode == "needs_reauthorization"
