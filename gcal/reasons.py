"""Google's reason words, in both of its error formats, and the groups that they fall into.

Comes in: the JSON of an error and a Retry-After header. Goes out: words, their meaning, seconds. Not here: statuses,
exceptions. Old format: ``error.errors[].reason``; new one: ``error.details[].reason`` and ``error.status``
(https://google.aip.dev/193).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any, NamedTuple

#: No wait that Google asks for is taken for longer than this, should a header be absurd.
LONGEST_WAIT_S = 3_600.0


_WORD = re.compile(r"[A-Za-z][A-Za-z_]{0,59}")


class Meaning(Enum):
    """What a group of reasons is about."""

    RATE = auto()
    QUOTA = auto()
    SCOPE = auto()
    BARRED = auto()
    CALENDAR = auto()
    API_OFF = auto()


class Reasons(NamedTuple):
    """The word to show (empty if none was given), all words, and whose rate limit it was."""

    word: str
    all: frozenset[str]
    scope: str


# Words are compared without case and underscores: the two formats spell RATE_LIMIT_EXCEEDED each in its own way. The
# order decides where an error gives several words: the newer, more specific one often comes second.
_GROUPS: tuple[tuple[Meaning, frozenset[str]], ...] = (
    (
        Meaning.API_OFF,
        frozenset({"accessnotconfigured", "servicedisabled", "consumersuspended", "consumerinvalid"}),
    ),
    # Google's page names `quotaExceeded` alone; the others were seen in clients that meet it often.
    (
        Meaning.QUOTA,
        frozenset(
            {"quotaexceeded", "calendarusagelimitsexceeded", "calendarusagelimits", "dailylimitexceeded"}
        ),
    ),
    (Meaning.RATE, frozenset({"ratelimitexceeded", "userratelimitexceeded"})),
    (
        Meaning.SCOPE,
        frozenset(
            {"insufficientpermissions", "insufficientscope", "accesstokenscopeinsufficient", "autherror"}
        ),
    ),
    (Meaning.BARRED, frozenset({"domainpolicy", "adminpolicyenforced", "accountdisabled"})),
    (Meaning.CALENDAR, frozenset({"requiredaccesslevel", "calendarnotwritable", "notacalendaruser"})),
)


def read_reasons(error: Any) -> Reasons:
    """Read the reasons of an error, whatever it is: an answer that is no error has none."""
    error = error.get("error") if isinstance(error, dict) else None
    if not isinstance(error, dict):
        return Reasons("", frozenset(), "user")
    details = _objects(error.get("details"))
    given = [
        *(entry.get("reason") for entry in [*_objects(error.get("errors")), *details]),
        error.get("status"),
    ]
    words = [word for each in given if (word := as_word(each))]
    scope = "project" if any(_is_of_project(detail) for detail in details) else "user"
    return Reasons(words[0] if words else "", frozenset(_plain(word) for word in words), scope)


def as_word(value: Any) -> str:
    """Return a reason word if this is one, else nothing: it goes into statuses and logs, where no other text may."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def meaning(reasons: Reasons) -> Meaning | None:
    """Return the group that the reasons fall into, if any."""
    return next((group for group, words in _GROUPS if words & reasons.all), None)


def retry_after(header: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number, or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.replace(".", "", 1).isdecimal():
        return min(float(text), LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):  # the parser's ways to say that it is no date
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT_S)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_of_project(detail: dict[str, Any]) -> bool:
    """Tell a limit such as ``defaultPerMinutePerProject`` from ``defaultPerMinutePerUser``."""
    metadata = detail.get("metadata")
    limit = str(metadata.get("quota_limit", "")).casefold() if isinstance(metadata, dict) else ""
    return "perproject" in limit and "peruser" not in limit


def _plain(word: str) -> str:
    return word.replace("_", "").casefold()
