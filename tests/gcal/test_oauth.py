"""Every answer of the token and revocation endpoints has one meaning."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gcal import oauth
from gcal.transport import Reply
from schemas.errors import GoogleUnavailable, GrantLost, NotAdmitted, ShiftcalError
from tests.gcal.replies import html, refusal, reply

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "lifetime"),
    [
        ({"access_token": "t", "expires_in": 3599, "scope": "s", "token_type": "Bearer"}, 3599.0),
        (
            {"access_token": "t", "expires_in": 3599, "refresh_token_expires_in": 9, "news": {"x": [1]}},
            3599.0,
        ),
        ({"access_token": "t", "expires_in": 100}, 100.0),
        ({"access_token": "t", "expires_in": "soon"}, 3600.0),
        ({"access_token": "t"}, 3600.0),
    ],
)
def test_a_token(answer: dict[str, object], lifetime: float) -> None:
    """Unknown fields, a missing scope and a missing lifetime are no matter."""
    assert oauth.issued(reply(200, answer), NOW, has_client=True) == ("t", lifetime)


@pytest.mark.parametrize(
    ("given_reply", "expected"),
    [
        (reply(400, {"error": "invalid_grant", "error_description": "Bad Request"}), GrantLost),
        (reply(400, {"error": "invalid_rapt"}), GrantLost),
        (reply(400, {"error": "admin_policy_enforced"}), GrantLost),
        (reply(401, {"error": "unauthorized_client"}), GrantLost),
        (reply(403, {"error": "access_denied"}), GrantLost),
        (reply(400, {"error": "invalid_request"}), GrantLost),
        (reply(401, {"error": "invalid_client"}), NotAdmitted),
        (reply(401, {"error": "deleted_client"}), NotAdmitted),
        (reply(400, {"error": "server_error"}), GoogleUnavailable),
        (reply(429, {"error": "rate_limit_exceeded"}), GoogleUnavailable),
        (reply(403, {"error": "rate_limit_exceeded"}), GoogleUnavailable),
        (reply(500, {"error": "invalid_grant"}), GoogleUnavailable),
        (refusal(400, "invalid"), GoogleUnavailable),
        (reply(200, {"access_token": ""}), GoogleUnavailable),
        (reply(200, {"access_token": 7}), GoogleUnavailable),
        (reply(200, []), GoogleUnavailable),
        (reply(200), GoogleUnavailable),
        (reply(302), GoogleUnavailable),
        (html(404), GoogleUnavailable),
        (html(503), GoogleUnavailable),
    ],
)
def test_no_token(given_reply: Reply, expected: type[ShiftcalError]) -> None:
    """The user's grant, the operator's settings and Google's bad days are told apart."""
    with pytest.raises(expected):
        oauth.issued(given_reply, NOW, has_client=True)


def test_no_token_for_want_of_a_secret() -> None:
    """Google calls it an invalid request; the operator is told the settings' names."""
    with pytest.raises(NotAdmitted, match="SHIFTCAL_GOOGLE_CLIENT_ID and SHIFTCAL_GOOGLE_CLIENT_SECRET"):
        oauth.issued(reply(400, {"error": "invalid_request"}), NOW, has_client=False)


def test_googles_own_word_for_a_lost_grant() -> None:
    """It becomes the code."""
    with pytest.raises(GrantLost) as caught:
        oauth.issued(reply(400, {"error": "invalid_rapt"}), NOW, has_client=True)
    assert caught.value.code == "invalid_rapt"


@pytest.mark.parametrize("given_reply", [reply(200, {}), reply(200), reply(400, {"error": "invalid_token"})])
def test_a_revocation_that_is_done(given_reply: Reply) -> None:
    """What Google does not know any more is revoked."""
    oauth.check_revoked(given_reply, NOW)


@pytest.mark.parametrize(
    "given_reply", [reply(400, {"error": "invalid_request"}), reply(503), html(400), html(503), reply(429)]
)
def test_a_revocation_that_is_not_done(given_reply: Reply) -> None:
    """Nothing else counts as revoked."""
    with pytest.raises(GoogleUnavailable):
        oauth.check_revoked(given_reply, NOW)
