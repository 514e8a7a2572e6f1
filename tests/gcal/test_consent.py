"""Consent: what Google is asked, and what its answers are taken for. The whole way is tested with the portal."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import jwt
import orjson
import pytest
from aiohttp import web
from pydantic import SecretStr

from gcal.client import GoogleSettings
from gcal.consent import SCOPE_EVENTS_OWNED, Consents, Question
from sandbox.google import StandIn
from sandbox.google.core import Choice
from schemas.errors import GoogleUnavailable, GrantLost, NotAdmitted, ShiftcalError
from tests.gcal.world import ACCOUNT

BACK = "http://127.0.0.1:9/connect/back"


def consents_of(auth_url: str, token_url: str) -> Consents:
    """The client under test."""
    google = GoogleSettings(
        client_id="client", client_secret=SecretStr("client-secret"), token_url=token_url, timeout_s=5
    )
    return Consents(google, auth_url)


async def code_of(standin: StandIn, consents: Consents, question: Question) -> str:
    """What the browser brings back."""
    standin.core.choices.append(Choice(account=ACCOUNT))
    address = consents.address(question, SCOPE_EVENTS_OWNED, BACK)
    async with aiohttp.ClientSession() as session, session.get(address, allow_redirects=False) as reply:
        back = parse_qs(urlsplit(reply.headers["Location"]).query)
    assert back["state"] == [question.state]
    return back["code"][0]


async def test_a_consent(standin: StandIn) -> None:
    """The code becomes a token, its scopes and the account's address; it works once."""
    consents, question = consents_of(standin.auth_url, standin.token_url), Question.new()
    code = await code_of(standin, consents, question)
    consent = await consents.redeem(code, question, BACK)
    assert consent.account == ACCOUNT
    assert SCOPE_EVENTS_OWNED in consent.scopes
    assert consent.refresh_token.get_secret_value() in standin.grants.refresh_tokens
    with pytest.raises(GrantLost):
        await consents.redeem(code, question, BACK)
    await consents.close()


async def test_another_verifier(standin: StandIn) -> None:
    """A code for another question's challenge is worth nothing."""
    consents, question = consents_of(standin.auth_url, standin.token_url), Question.new()
    code = await code_of(standin, consents, question)
    with pytest.raises(GrantLost):
        await consents.redeem(code, Question.new(), BACK)
    assert not standin.grants.refresh_tokens
    await consents.close()


@pytest.mark.parametrize("code", ["", "x" * 2_049])
async def test_a_code_that_is_none(code: str) -> None:
    """Google is not asked at all."""
    consents = consents_of("http://127.0.0.1:1/auth", "http://127.0.0.1:1/token")
    with pytest.raises(GrantLost):
        await consents.redeem(code, Question.new(), BACK)
    await consents.close()


def test_a_question() -> None:
    """Challenge and verifier are as RFC 7636 has them, and nothing of it can be seen."""
    one, other = Question.new(), Question.new()
    assert len({one.state, one.verifier, one.nonce, other.state, other.verifier, other.nonce}) == 6
    assert 43 <= len(one.verifier) <= 128
    digest = hashlib.sha256(one.verifier.encode()).digest()
    assert base64.urlsafe_b64decode(one.challenge + "=") == digest
    assert one.verifier not in repr(one)
    assert one.nonce not in repr(one)
    url = consents_of("https://accounts.google.com/o/oauth2/v2/auth", "").address(one, "s", BACK)
    assert one.verifier not in url
    assert parse_qs(urlsplit(url).query)["scope"] == ["openid email s"]


async def test_the_origin_of_the_consent_page() -> None:
    """As policies of headers name it."""
    consents = consents_of("https://accounts.google.com/o/oauth2/v2/auth", "")
    assert consents.origin == "https://accounts.google.com"


class TokenEndpoint:
    """Answers whatever it is told to."""

    def __init__(self) -> None:
        self.answer: Any = {}
        self.status = 200

    async def reply(self, _: web.Request) -> web.Response:
        body = self.answer if isinstance(self.answer, bytes) else orjson.dumps(self.answer)
        return web.Response(status=self.status, body=body, content_type="application/json")


def claims(question: Question, **changes: Any) -> str:
    """An id_token."""
    sound = {
        "iss": "https://accounts.google.com",
        "aud": "client",
        "email": ACCOUNT,
        "email_verified": True,
        "nonce": question.nonce,
    }
    said = {name: value for name, value in {**sound, **changes}.items() if value is not None}
    return jwt.encode(said, "of nobody, since nobody looks at it ....", algorithm="HS256")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"nonce": "another"}, GrantLost),
        ({"nonce": None}, GrantLost),
        ({"nonce": 7}, GrantLost),
        ({"iss": "https://evil.example"}, NotAdmitted),
        ({"aud": "another-client"}, NotAdmitted),
        ({"email": None}, GrantLost),
        ({"email": "nobody"}, GrantLost),
        ({"email_verified": False}, GrantLost),
        ({"email_verified": None}, GrantLost),
    ],
)
async def test_an_identity_that_is_not_sound(changes: dict[str, Any], error: type[ShiftcalError]) -> None:
    """It is not taken, and the error holds no token."""
    question = Question.new()
    answer = {
        "access_token": "ya29.secret",
        "refresh_token": "1//secret",
        "scope": SCOPE_EVENTS_OWNED,
        "id_token": claims(question, **changes),
    }
    await refused(answer, question, error)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"id_token": None}, GrantLost),
        ({"id_token": "nonsense"}, GrantLost),
        ({"id_token": "e30.bnVsbA.x"}, GrantLost),
        ({"refresh_token": None}, GrantLost),
        ({"refresh_token": ""}, GrantLost),
        ({"access_token": None}, GoogleUnavailable),
    ],
)
async def test_an_answer_that_lacks_something(changes: dict[str, Any], error: type[ShiftcalError]) -> None:
    """It is not taken, and the error holds no token."""
    question = Question.new()
    answer = {
        "access_token": "ya29.secret",
        "refresh_token": "1//secret",
        "scope": SCOPE_EVENTS_OWNED,
        "id_token": claims(question),
    }
    await refused({k: v for k, v in {**answer, **changes}.items() if v is not None}, question, error)


async def refused(answer: Any, question: Question, error: type[ShiftcalError]) -> None:
    """Redeem a code for this answer: that must not work, and tell nothing."""
    endpoint = TokenEndpoint()
    endpoint.answer = answer
    app = web.Application()
    app.router.add_post("/token", endpoint.reply)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    consents = consents_of("http://127.0.0.1:1/auth", f"http://127.0.0.1:{runner.addresses[0][1]}/token")
    try:
        with pytest.raises(error) as caught:
            await consents.redeem("4/secret-code", question, BACK)
    finally:
        await consents.close()
        await runner.cleanup()
    chain: BaseException | None = caught.value
    while chain is not None:
        assert "secret" not in repr(chain)
        assert question.verifier not in repr(chain)
        chain = chain.__context__
