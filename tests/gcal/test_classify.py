"""Every status, reason and kind of call has one meaning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcal import classify
from gcal.classify import Kind
from gcal.port import Page
from gcal.transport import Reply
from schemas.answers import Answer, Changed, Denied, Done, Duplicate, Held, Missing
from schemas.errors import (
    CalendarGone,
    GoogleForNow,
    GoogleUnavailable,
    GrantLost,
    NotAdmitted,
    QuotaExhausted,
    RateLimited,
    ShiftcalError,
)
from tests.gcal.replies import HTML, JSON, html, new_refusal, refusal, reply

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
KINDS: tuple[Kind, ...] = get_args(Kind)
EVENT = {"id": "bgs1", "etag": '"1"', "status": "confirmed"}

Outcome = Answer | Page | type[ShiftcalError]


def outcome(kind: Kind, given_reply: Reply) -> Outcome:
    """What comes out: an answer, a page, or the class of the exception."""
    try:
        return _meaning(kind, given_reply)
    except ShiftcalError as error:
        return type(error)


def _meaning(kind: Kind, given_reply: Reply) -> Answer | Page:
    return classify.page(given_reply, NOW) if kind == "list" else classify.answer(kind, given_reply, NOW)


def error_of(kind: Kind, given_reply: Reply) -> ShiftcalError:
    with pytest.raises(ShiftcalError) as caught:
        _meaning(kind, given_reply)
    return caught.value


def each(*kinds: Kind, is_: Outcome, other: Outcome) -> dict[Kind, Outcome]:
    return {kind: is_ if kind in kinds else other for kind in KINDS}


def all_(is_: Outcome) -> dict[Kind, Outcome]:
    return dict.fromkeys(KINDS, is_)


def denied(status: int, reason: str) -> dict[Kind, Outcome]:
    """Denied, but for listings, which are no writes and come again."""
    return each("list", is_=GoogleUnavailable, other=Denied(status=status, reason=reason))


DOWN = GoogleUnavailable
TABLE: list[tuple[Reply, dict[Kind, Outcome]]] = [
    (reply(200, EVENT), each("delete", "list", is_=DOWN, other=Held(event=EVENT))),
    (reply(200, {"items": [EVENT]}), each("list", is_=Page((EVENT,), None), other=DOWN)),
    (reply(200, {"items": [], "nextPageToken": "p"}), each("list", is_=Page((), "p"), other=DOWN)),
    (reply(200, {"id": "bgs1"}), all_(DOWN)),
    (reply(200, {"items": [1]}), all_(DOWN)),
    (reply(200, {"items": {}}), all_(DOWN)),
    (reply(200, []), all_(DOWN)),
    (reply(200), all_(DOWN)),
    (Reply(200, b'{"id": "bgs1", "eta', None, JSON), all_(DOWN)),
    (html(200), all_(DOWN)),
    (reply(204), each("delete", is_=Done(), other=DOWN)),
    (refusal(400, "invalid"), denied(400, "invalid")),
    (refusal(400, "timeRangeEmpty"), denied(400, "timeRangeEmpty")),
    (new_refusal(400, "INVALID_ARGUMENT", ""), denied(400, "INVALID_ARGUMENT")),
    (refusal(401, "authError"), all_(GrantLost)),
    (reply(401), all_(GrantLost)),
    (refusal(403, "rateLimitExceeded"), all_(RateLimited)),
    (refusal(403, "userRateLimitExceeded"), all_(RateLimited)),
    (refusal(403, "quotaExceeded"), all_(QuotaExhausted)),
    (refusal(403, "calendarUsageLimitsExceeded"), all_(QuotaExhausted)),
    (refusal(403, "calendarUsageLimits"), all_(QuotaExhausted)),
    (refusal(403, "dailyLimitExceeded"), all_(QuotaExhausted)),
    (refusal(403, "insufficientPermissions"), all_(GrantLost)),
    (new_refusal(403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), all_(GrantLost)),
    (refusal(403, "authError"), all_(GrantLost)),
    (refusal(403, "domainPolicy"), all_(GrantLost)),
    (refusal(403, "requiredAccessLevel"), all_(CalendarGone)),
    (refusal(403, "notACalendarUser"), all_(CalendarGone)),
    (refusal(403, "accessNotConfigured"), all_(NotAdmitted)),
    (new_refusal(403, "PERMISSION_DENIED", "SERVICE_DISABLED"), all_(NotAdmitted)),
    (refusal(403, "forbidden"), each("list", is_=CalendarGone, other=Denied(status=403, reason="forbidden"))),
    (
        refusal(403, "forbiddenForNonOrganizer"),
        each("list", is_=CalendarGone, other=Denied(status=403, reason="forbiddenForNonOrganizer")),
    ),
    (reply(403), all_(DOWN)),
    (html(403), all_(DOWN)),
    (refusal(404, "notFound"), each("insert", "list", is_=CalendarGone, other=Missing())),
    (reply(404), each("insert", "list", is_=CalendarGone, other=Missing())),
    (html(404), all_(DOWN)),
    (
        refusal(409, "duplicate"),
        {
            "insert": Duplicate(),
            "get": DOWN,
            "patch": Changed(),
            "delete": Changed(),
            "list": DOWN,
        },
    ),
    (
        refusal(409, "conflict"),
        {"insert": DOWN, "get": DOWN, "patch": Changed(), "delete": Changed(), "list": DOWN},
    ),
    (
        refusal(410, "deleted"),
        {
            "insert": Denied(status=410, reason="deleted"),
            "get": Missing(),
            "patch": Missing(),
            "delete": Missing(),
            "list": DOWN,
        },
    ),
    (
        refusal(412, "conditionNotMet"),
        {
            "insert": Denied(status=412, reason="conditionNotMet"),
            "get": Denied(status=412, reason="conditionNotMet"),
            "patch": Changed(),
            "delete": Changed(),
            "list": DOWN,
        },
    ),
    (refusal(429, "rateLimitExceeded"), all_(RateLimited)),
    (refusal(429, "quotaExceeded"), all_(QuotaExhausted)),
    (reply(429), all_(RateLimited)),
    (refusal(418, "teapot"), denied(418, "teapot")),
    (refusal(408, "timeout"), all_(DOWN)),
    (refusal(500, "backendError"), all_(DOWN)),
    (refusal(503, "rateLimitExceeded"), all_(DOWN)),
    (html(502), all_(DOWN)),
    (reply(302), all_(DOWN)),
    (reply(304), all_(DOWN)),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("given_reply", "meanings"), TABLE, ids=lambda value: getattr(value, "status", ""))
def test_a_reply_of_the_table(given_reply: Reply, meanings: dict[Kind, Outcome], kind: Kind) -> None:
    """It means what the table says, for each kind of call."""
    assert outcome(kind, given_reply) == meanings[kind]


@given(
    kind=st.sampled_from(KINDS),
    status=st.integers(100, 599),
    body=st.one_of(
        st.binary(max_size=50),
        st.sampled_from([HTML, b"", b"null", b"[]", b'{"error": "x"}', b'{"error": {"errors": 1}}']),
        st.recursive(
            st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["error", "errors", "details", "reason", "status", "metadata", "items", "id"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
        ).map(lambda value: reply(200, value).body),
    ),
    retry_after=st.none()
    | st.text(max_size=12)
    | st.sampled_from(["1", "-1", "1e9", "Mon, 23 Nov 2026 08:01:00 GMT"]),
)
def test_a_reply_of_whatever_kind(kind: Kind, status: int, body: bytes, retry_after: str | None) -> None:
    """It is an answer, a page or one of our exceptions, never anything else; and only JSON denies for good."""
    found = outcome(kind, Reply(status, body, retry_after, ""))
    if isinstance(found, Denied):
        assert found.reason
        assert 400 <= status < 500


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_that_says_when_to_come_back(kind: Kind) -> None:
    """The seconds are handed on, whatever the status."""
    for given_reply in (
        refusal(429, "rateLimitExceeded", "7"),
        refusal(403, "userRateLimitExceeded", "Mon, 23 Nov 2026 08:00:07 GMT"),
        refusal(403, "quotaExceeded", "7"),
        refusal(503, "backendError", "7"),
    ):
        error = error_of(kind, given_reply)
        assert isinstance(error, GoogleForNow)
        assert error.retry_after == 7.0


def test_a_rate_limit_of_the_whole_project() -> None:
    """It is told from a user's own, where Google says which it was."""
    limits = {"defaultPerMinutePerProject": "project", "defaultPerMinutePerUser": "user", "": "user"}
    for limit, scope in limits.items():
        error = error_of(
            "insert", new_refusal(429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", quota_limit=limit)
        )
        assert isinstance(error, RateLimited)
        assert error.scope == scope


def test_a_consent_with_too_few_scopes() -> None:
    """The code says so, in one word for both formats."""
    error = error_of("insert", refusal(403, "insufficientPermissions"))
    assert isinstance(error, GrantLost)
    assert error.code == "insufficient_scope"
