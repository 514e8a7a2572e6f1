"""Google's refusals as exceptions, and the shape in which they go over the wire.

In: code, reason and message where a rule is broken. Out: the JSON body that Google's clients parse.
Not here: when to refuse (that is with the rules), and no HTTP objects.

Reasons and codes: https://developers.google.com/workspace/calendar/api/guides/errors
"""

from __future__ import annotations

from typing import Any

import orjson

Json = dict[str, Any]


class GoogleError(Exception):
    """A refusal as the Calendar API words it."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.domain = domain
        self.headers = headers or {}

    def body(self) -> bytes:
        """The JSON error body."""
        detail = {"domain": self.domain, "reason": self.reason, "message": self.message}
        return orjson.dumps({"error": {"errors": [detail], "code": self.code, "message": self.message}})


def invalid(message: str) -> GoogleError:
    """A value that cannot be accepted."""
    return GoogleError(400, "invalid", message)


def required(message: str) -> GoogleError:
    """A value that is missing."""
    return GoogleError(400, "required", message)


def not_found() -> GoogleError:
    """Never existed, or no access: Google does not tell the two apart."""
    return GoogleError(404, "notFound", "Not Found")


def duplicate() -> GoogleError:
    """The id is taken, by a cancelled event as well."""
    return GoogleError(409, "duplicate", "The requested identifier already exists.")


def forbidden() -> GoogleError:
    """The account may not do this."""
    return GoogleError(403, "forbidden", "Forbidden")


def already_deleted() -> GoogleError:
    """Delete of a deleted event."""
    return GoogleError(410, "deleted", "Resource has been deleted")


def condition_not_met() -> GoogleError:
    """If-Match names another version than the stored one."""
    return GoogleError(412, "conditionNotMet", "Precondition Failed")


def full_sync_required() -> GoogleError:
    """The sync token is no longer good."""
    message = "Sync token is no longer valid, a full sync is required."
    return GoogleError(410, "fullSyncRequired", message, domain="calendar")


def bad_credentials() -> GoogleError:
    """Unknown or expired access token."""
    challenge = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    return GoogleError(401, "authError", "Invalid Credentials", headers={"WWW-Authenticate": challenge})


def login_required() -> GoogleError:
    """No access token at all."""
    challenge = 'Bearer realm="https://accounts.google.com/"'
    return GoogleError(401, "required", "Login Required.", headers={"WWW-Authenticate": challenge})


def insufficient_scopes() -> GoogleError:
    """The token is good but does not reach this method."""
    challenge = 'Bearer realm="https://accounts.google.com/", error="insufficient_scope"'
    return GoogleError(
        403,
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
        headers={"WWW-Authenticate": challenge},
    )
