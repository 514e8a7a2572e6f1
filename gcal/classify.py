"""What Google's answer means, by status and reason word; message texts are for people and change.

Comes in: the kind of call and the reply. Goes out: an `Answer`, a `Page`, or an exception of `schemas.errors`, which
never holds what was sent or received. Not here: token endpoints (`oauth`), and whether or when to try again.

======  ===========================================  ===========================================================
status  reason                                       means
======  ===========================================  ===========================================================
200                                                  held; without id and etag nobody knows: unavailable
204                                                  done
400                                                  denied
401                                                  the grant is lost (a fresh token was tried before)
403     rate limit                                   rate limited; so is any 429
403     use limits                                   quota exhausted
403     too few scopes                               the grant is lost
403     no writer, no calendar user                  the calendar is gone
403     the API is off                               the operator's
403     any other                                    denied; while listing, the calendar is gone
404     insert, list                                 the calendar is gone
404,    get, patch, delete                           missing
410
409     insert                                       duplicate; `conflict` and `aborted` pass: unavailable
409     patch, delete                                changed
412     patch, delete                                changed
other   of 4xx                                       denied
other                                                unavailable: 5xx, redirects, HTML, refusals without a reason
======  ===========================================  ===========================================================

https://developers.google.com/workspace/calendar/api/guides/errors
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, assert_never

import orjson

from gcal.port import Page
from gcal.reasons import Meaning, Reasons, meaning, read_reasons, retry_after
from schemas.answers import Answer, Changed, Denied, Done, Duplicate, Held, Missing
from schemas.errors import (
    CalendarGone,
    GoogleUnavailable,
    GrantLost,
    NotAdmitted,
    QuotaExhausted,
    RateLimited,
    ShiftcalError,
)

if TYPE_CHECKING:
    from datetime import datetime

    from gcal.transport import Reply

Kind = Literal["insert", "get", "patch", "delete", "list"]


def answer(kind: Kind, reply: Reply, now: datetime) -> Answer:
    """Return what a reply to a call about one event means."""
    if reply.status == 204 and kind == "delete":
        return Done()
    if reply.status == 200:
        return _held(kind, reply, now)
    reasons = _reasons(reply, now)
    match reply.status, kind:
        case (404 | 410, "get" | "patch" | "delete"):
            return Missing()
        case (409, "insert") if reasons.word not in {"conflict", "aborted"}:
            return Duplicate()
        case (409 | 412, "patch" | "delete"):
            return Changed()
        case _:
            if error := _error(kind, reply, reasons, now):
                raise error
            return Denied(status=reply.status, reason=reasons.word)


def page(reply: Reply, now: datetime) -> Page:
    """Return the page of a listing."""
    listing = _json(reply) if reply.status == 200 else None
    listing = listing if isinstance(listing, dict) else {}
    items = listing.get("items")
    if isinstance(items, list) and all(isinstance(item, dict) and "id" in item for item in items):
        return Page(tuple(items), listing.get("nextPageToken") or None)
    reasons = _reasons(reply, now)
    # A page token that grew old is refused with 400: the next verify begins at the first page.
    raise _error("list", reply, reasons, now) or _unavailable(reasons.word, reply, now)


def calendar(reply: Reply, now: datetime) -> str | None:
    """Return the id of the calendar that a reply is about; None where there is none any more."""
    found = _json(reply) if reply.status == 200 else None
    if isinstance(found, dict) and isinstance(found.get("id"), str):
        return str(found["id"])
    if reply.status == 200:
        raise _unavailable("unreadable", reply, now)
    reasons = _reasons(reply, now)
    match _error("list", reply, reasons, now):
        case CalendarGone():
            return None
        case None:
            raise _unavailable(reasons.word, reply, now)
        case error:
            raise error


def _held(kind: Kind, reply: Reply, now: datetime) -> Answer:
    event = _json(reply)
    whole = isinstance(event, dict) and all(isinstance(event.get(name), str) for name in ("id", "etag"))
    # A deletion is answered by 204. Any other 200 may be a proxy's, or half an answer: whether the write happened is
    # unknown, and calling again does no harm.
    if kind == "delete" or not whole:
        raise _unavailable("unreadable", reply, now)
    return Held(event=event)


def _error(kind: Kind, reply: Reply, reasons: Reasons, now: datetime) -> ShiftcalError | None:
    """Return what is true of more than one event; None for a refusal of this very call."""
    wait = retry_after(reply.retry_after, now)
    match reply.status, meaning(reasons):
        case (403 | 429, Meaning.QUOTA):
            return QuotaExhausted(reasons.word, _QUOTA, wait)
        case (403, Meaning.RATE) | (429, _):
            return RateLimited(reasons.word or "rateLimitExceeded", _RATE, wait, scope=reasons.scope)
        case (401, _):
            return GrantLost(reasons.word or "authError", _GRANT)
        case (403, Meaning() as found):
            return _forbidden(found, reasons.word)
        case (404, _):
            return CalendarGone("notFound", _GONE)
        case (403, _) if kind == "list" and reasons.word:
            return CalendarGone(reasons.word, _READ_ONLY)
        case (status, _) if status in {408, 409} or not 400 <= status < 500 or not reasons.word:
            # "Never" is believed from Google alone, and Google gives a reason.
            return _unavailable(reasons.word, reply, now)
        case _:
            return None


def _forbidden(found: Meaning, word: str) -> ShiftcalError:
    match found:
        case Meaning.SCOPE:
            return GrantLost("insufficient_scope", _SCOPE)
        case Meaning.BARRED:
            return GrantLost(word, _BARRED)
        case Meaning.API_OFF:
            return NotAdmitted(word, _API_OFF)
        case Meaning.CALENDAR:
            return CalendarGone(word, _READ_ONLY)
        case Meaning.QUOTA | Meaning.RATE:
            raise AssertionError("limits are told apart before")
        case _:
            assert_never(found)


def _reasons(reply: Reply, now: datetime) -> Reasons:
    """Read the reasons. A page in HTML is not the API's word, whatever its status: a proxy's, or a wrong address."""
    if "html" in reply.content_type.lower() or reply.body.lstrip()[:1] == b"<":
        raise _unavailable("", reply, now)
    return read_reasons(_json(reply))


def _unavailable(word: str, reply: Reply, now: datetime) -> GoogleUnavailable:
    code, wait = word or f"status {reply.status}", retry_after(reply.retry_after, now)
    return GoogleUnavailable(code, _UNAVAILABLE.format(reply.status), wait)


def _json(reply: Reply) -> Any:
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:  # its exception holds the text, so it goes no further
        return None


_UNAVAILABLE = (
    "Google answered with status {} and nothing that can be used; it is tried again by itself. "
    "If it lasts, check SHIFTCAL_GOOGLE_API_URL and whatever stands between here and Google."
)
_RATE = "Google asks for fewer requests per minute; the work waits and goes on by itself."
_QUOTA = (
    "Google's use limits for this calendar or account are reached; the work goes on by itself, after hours. "
    "See https://support.google.com/a/answer/2905486."
)
_GRANT = "Google does not accept this user's consent any more; the user has to connect again."
_SCOPE = "The user's consent does not cover calendar events; the user has to connect again and grant all that is asked."
_BARRED = (
    "The administrator of the user's Google account does not let this application in; "
    "the administrator has to allow it, then the user has to connect again."
)
_API_OFF = (
    "Google says that the Calendar API is not enabled for the project of SHIFTCAL_GOOGLE_CLIENT_ID; "
    "enable it in the Google Cloud console and start again."
)
_GONE = "The Google calendar does not exist any more, or the user cannot reach it; connect the user to another one."
_READ_ONLY = "The user may not write to this Google calendar; connect the user to another one."
