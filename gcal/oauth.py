"""What Google's token and revocation endpoints answer.

Comes in: a reply. Goes out: an access token with its lifetime, or an exception of `schemas.errors` that holds neither
tokens nor secrets. Not here: sending, keeping. https://developers.google.com/identity/protocols/oauth2#expiration
lists why a consent ends; RFC 6749, 5.2 the error words.

===========================================  =======================================================================
error word                                   means
===========================================  =======================================================================
invalid_client, deleted_client               the operator's: client id or secret
invalid_request, and we have no secret       the operator's, too
any 5xx, 429, server_error, ...              unavailable
any other: invalid_grant, invalid_rapt,      the grant is lost, for this user alone
admin_policy_enforced, unauthorized_client
===========================================  =======================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from gcal.reasons import as_word, retry_after
from schemas.errors import GoogleUnavailable, GrantLost, NotAdmitted

if TYPE_CHECKING:
    from datetime import datetime

    from gcal.transport import Reply

#: Where an answer lacks `expires_in`; Google's tokens live for an hour.
_LIFETIME_S = 3_600.0
_OF_CLIENT = frozenset({"invalid_client", "deleted_client", "disabled_client"})
_FOR_NOW = frozenset(
    {"server_error", "temporarily_unavailable", "internal_failure", "rate_limit_exceeded", "slow_down"}
)


class Issued(NamedTuple):
    """A new access token, and for how many seconds it is good."""

    access_token: str
    lifetime_s: float


def issued(reply: Reply, now: datetime, *, has_client: bool) -> Issued:
    """Return the token of a reply; unknown fields and a missing scope are no matter."""
    answer = _json(reply)
    token = answer.get("access_token")
    if reply.status == 200 and isinstance(token, str) and token:
        lifetime = answer.get("expires_in")
        return Issued(token, float(lifetime) if isinstance(lifetime, int | float) else _LIFETIME_S)
    error = _error(answer)
    if not 400 <= reply.status < 500 or reply.status == 429 or not error or error in _FOR_NOW:
        raise _unavailable(error, reply, now)
    if error in _OF_CLIENT or (error == "invalid_request" and not has_client):
        raise NotAdmitted(error, _CLIENT.format(error))
    raise GrantLost(error, _GRANT)


def check_revoked(reply: Reply, now: datetime) -> None:
    """Raise unless the consent is gone; Google answers 400 ``invalid_token`` where it was gone before."""
    if reply.status == 200:
        return
    error = _error(_json(reply))
    if reply.status != 400 or error not in {"invalid_token", "invalid_grant"}:
        raise _unavailable(error, reply, now)


def _unavailable(error: str, reply: Reply, now: datetime) -> GoogleUnavailable:
    wait = retry_after(reply.retry_after, now)
    return GoogleUnavailable(error or f"status {reply.status}", _UNAVAILABLE.format(reply.status), wait)


def _error(answer: dict[str, Any]) -> str:
    return as_word(answer.get("error"))


def _json(reply: Reply) -> dict[str, Any]:
    try:
        answer = orjson.loads(reply.body)
    except orjson.JSONDecodeError:  # its exception holds the text, and with it perhaps a token
        return {}
    return answer if isinstance(answer, dict) else {}


_UNAVAILABLE = (
    "Google's OAuth answered with status {} and nothing that can be used; it is tried again by itself. "
    "If it lasts, check SHIFTCAL_GOOGLE_TOKEN_URL and SHIFTCAL_GOOGLE_REVOKE_URL."
)
_CLIENT = (
    "Google does not accept this OAuth client ({}); correct SHIFTCAL_GOOGLE_CLIENT_ID and "
    "SHIFTCAL_GOOGLE_CLIENT_SECRET and start again."
)
_GRANT = "Google does not accept this user's consent any more; the user has to connect again."
