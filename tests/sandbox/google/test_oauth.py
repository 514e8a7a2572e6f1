"""Consent, tokens, revocation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import jwt
import pytest

from sandbox.google import StandIn
from sandbox.google.core import Choice
from sandbox.google.grants import CODE_LIFETIME_S, REFRESH_TOKENS_PER_CLIENT, s256
from sandbox.google.scopes import EMAIL, EVENTS, LIST_READONLY
from tests.sandbox.google.client import Client, Reply, read, timed
from tests.sandbox.google.conftest import ANNA

BACK = "http://127.0.0.1:9999/back?from=google"
VERIFIER = "v" * 43
CLIENT = {"client_id": "shiftcal", "client_secret": "secret"}
ASK = {
    "client_id": "shiftcal",
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": f"{EVENTS} {LIST_READONLY}",
    "state": "a b&c",
    "access_type": "offline",
    "login_hint": ANNA,
    "code_challenge": s256(VERIFIER),
    "code_challenge_method": "S256",
}


@pytest.fixture
def person(standin: StandIn, session: aiohttp.ClientSession) -> Person:
    return Person(standin, session)


class Person:
    """A browser and a client in one."""

    def __init__(self, standin: StandIn, session: aiohttp.ClientSession) -> None:
        self.standin = standin
        self.session = session

    async def visit(self, **changes: str | None) -> dict[str, str]:
        """The parameters of the redirect back."""
        asked = {key: value for key, value in {**ASK, **changes}.items() if value is not None}
        async with self.session.get(self.standin.auth_url, params=asked, allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            assert response.headers["Location"].startswith(BACK)
            return {k: v[0] for k, v in parse_qs(urlsplit(response.headers["Location"]).query).items()}

    async def token(self, **form: Any) -> Reply:
        """The token endpoint."""
        async with self.session.post(self.standin.token_url, data={**CLIENT, **form}) as response:
            return await read(response)

    async def exchange(self, code: str, **changes: Any) -> Reply:
        """A code for tokens."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": VERIFIER,
        }
        return await self.token(**{k: v for k, v in {**form, **changes}.items() if v is not None})

    async def refresh(self, token: str, **changes: Any) -> Reply:
        """A new access token."""
        return await self.token(grant_type="refresh_token", refresh_token=token, **changes)

    async def revoke(self, token: str) -> Reply:
        """The revocation endpoint."""
        async with self.session.post(self.standin.revoke_url, data={"token": token}) as response:
            return await read(response)


async def test_whole_way_from_consent_to_call(person: Person) -> None:
    """Code and state come back, the code gives tokens with their scope, the token opens the calendar."""
    back = await person.visit()
    assert (back["state"], back["from"]) == ("a b&c", "google")
    tokens = (await person.exchange(back["code"])).json
    assert tokens["token_type"] == "Bearer"
    assert (set(tokens["scope"].split()), tokens["expires_in"]) == ({EVENTS, LIST_READONLY}, 3599)
    client = Client(person.session, person.standin.url, tokens["access_token"])
    assert (await client.insert(timed(), calendar=ANNA)).status == 200
    refreshed = (await person.refresh(tokens["refresh_token"])).json
    assert refreshed.keys() == {"access_token", "expires_in", "scope", "token_type"}
    client.token = refreshed["access_token"]
    assert (await client.get()).status == 200


async def test_consent_without_a_hint(person: Person) -> None:
    """A new account is made each time."""
    first, second = await person.visit(login_hint=None), await person.visit(login_hint=None)
    await person.exchange(first["code"])
    await person.exchange(second["code"])
    assert len(person.standin.state.accounts) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": None},
        {"code_verifier": "w" * 43},
        {"code": "4/made-up"},
        {"client_id": "another"},
    ],
)
async def test_code_with_something_wrong(person: Person, changes: dict[str, str | None]) -> None:
    """invalid_grant, and the code is spent."""
    code = (await person.visit())["code"]
    reply = await person.exchange(
        changes.get("code") or code, **{k: v for k, v in changes.items() if k != "code"}
    )
    assert (reply.status, reply.json["error"]) == (400, "invalid_grant")
    if "code" not in changes:
        assert (await person.exchange(code)).status == 400


async def test_code_with_another_redirect(person: Person) -> None:
    """The redirect must be the one of the consent."""
    code = (await person.visit())["code"]
    reply = await person.exchange(code, redirect_uri="http://127.0.0.1:9999/other")
    assert (reply.status, reply.json["error"]) == (400, "redirect_uri_mismatch")


async def test_code_used_twice(person: Person) -> None:
    """A code works once."""
    code = (await person.visit())["code"]
    assert (await person.exchange(code)).status == 200
    assert (await person.exchange(code)).json["error"] == "invalid_grant"


async def test_code_that_is_too_old(person: Person) -> None:
    """A code lives ten minutes."""
    code = (await person.visit())["code"]
    codes = person.standin.grants.codes
    codes[code] = replace(codes[code], expires=codes[code].expires - CODE_LIFETIME_S)
    assert (await person.exchange(code)).json["error"] == "invalid_grant"


async def test_verifier_without_challenge(person: Person) -> None:
    """A verifier that nobody announced is refused."""
    code = (await person.visit(code_challenge=None, code_challenge_method=None))["code"]
    assert (await person.exchange(code)).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": None},
        {"redirect_uri": "http://shiftcal.example/back"},
        {"redirect_uri": "javascript:alert(1)"},
        {"response_type": "token"},
        {"scope": None},
        {"client_id": None},
        {"code_challenge_method": "plain"},
    ],
)
async def test_consent_that_google_does_not_even_show(person: Person, changes: dict[str, str | None]) -> None:
    """An error page and no redirect."""
    asked = {key: value for key, value in {**ASK, **changes}.items() if value is not None}
    async with person.session.get(person.standin.auth_url, params=asked, allow_redirects=False) as response:
        assert (response.status, response.headers.get("Location")) == (400, None)


async def test_person_who_says_no(person: Person) -> None:
    """The redirect carries the error and the state, and no code."""
    person.standin.core.choices.append(Choice(deny=True))
    back = await person.visit()
    assert (back["error"], back["state"], "code" in back) == ("access_denied", "a b&c", False)


async def test_person_who_grants_less(person: Person) -> None:
    """The scope of the answer is what was ticked."""
    person.standin.core.choices.append(Choice(scopes=frozenset({LIST_READONLY})))
    tokens = (await person.exchange((await person.visit())["code"])).json
    assert tokens["scope"] == LIST_READONLY
    client = Client(person.session, person.standin.url, tokens["access_token"])
    assert (await client.insert(timed())).status == 403


async def test_refresh_token_only_with_the_first_consent(person: Person) -> None:
    """Later ones have none, unless the prompt was asked for; without offline access there never is one."""
    online = await person.exchange((await person.visit(access_type=None))["code"])
    first = await person.exchange((await person.visit())["code"])
    second = await person.exchange((await person.visit())["code"])
    prompted = await person.exchange((await person.visit(prompt="consent"))["code"])
    has = ["refresh_token" in reply.json for reply in (online, first, second, prompted)]
    assert has == [False, True, False, True]


async def test_refresh_token_cap(person: Person) -> None:
    """Beyond a hundred per account and client the oldest dies silently."""
    scopes = frozenset({EVENTS})
    grants = person.standin.grants
    tokens = [grants.issue_refresh(ANNA, scopes, "shiftcal") for _ in range(REFRESH_TOKENS_PER_CLIENT + 1)]
    statuses = [(await person.refresh(token)).status for token in tokens[:2]]
    assert statuses == [400, 200]


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
async def test_revocation(person: Person, kind: str) -> None:
    """Either token revokes everything the account granted; the second time there is nothing left."""
    tokens = (await person.exchange((await person.visit())["code"])).json
    assert (await person.revoke(tokens[kind])).status == 200
    refreshed = await person.refresh(tokens["refresh_token"])
    assert (refreshed.status, refreshed.json["error"]) == (400, "invalid_grant")
    client = Client(person.session, person.standin.url, tokens["access_token"])
    assert (await client.listing()).status == 401
    again = await person.revoke(tokens[kind])
    assert (again.status, again.json["error"]) == (400, "invalid_token")


async def test_grant_that_was_taken_back(person: Person) -> None:
    """Refreshing is invalid_grant; other accounts are not touched."""
    anna, ben = person.standin.connect(ANNA), person.standin.connect("ben@metro.example")
    person.standin.grants.invalidate(ANNA)
    assert (await person.refresh(anna.refresh_token)).json["error"] == "invalid_grant"
    assert (await person.refresh(ben.refresh_token)).status == 200


async def test_refresh_by_another_client(person: Person) -> None:
    """A token belongs to the client that it was issued to."""
    tokens = (await person.exchange((await person.visit())["code"])).json
    reply = await person.refresh(tokens["refresh_token"], client_id="another")
    assert (reply.status, reply.json["error"]) == (401, "unauthorized_client")


async def test_client_with_a_wrong_secret(person: Person) -> None:
    """Once clients are known, only they are served."""
    token = person.standin.connect(ANNA).refresh_token
    person.standin.grants.clients = {"shiftcal": "secret"}
    right = await person.refresh(token)
    wrong = await person.refresh(token, client_secret="guess")
    assert (right.status, wrong.status, wrong.json["error"]) == (200, 401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "client_id": ""}, "invalid_request"),
    ],
)
async def test_token_request_that_makes_no_sense(person: Person, form: dict[str, str], error: str) -> None:
    """It is refused with the standard word."""
    assert (await person.token(**form)).json["error"] == error


async def test_who_consented(person: Person) -> None:
    """An id_token comes with the scope `openid`: the address where it was asked for, and the nonce of the question."""
    back = await person.visit(scope=f"openid email {EVENTS}", nonce="n-1")
    tokens = (await person.exchange(back["code"])).json
    assert set(tokens["scope"].split()) == {"openid", EMAIL, EVENTS}
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert (claims["iss"], claims["aud"]) == ("https://accounts.google.com", "shiftcal")
    assert (claims["email"], claims["email_verified"], claims["nonce"]) == (ANNA, True, "n-1")
    back = await person.visit(scope=f"openid {EVENTS}")
    tokens = (await person.exchange(back["code"])).json
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert claims.keys().isdisjoint({"email", "nonce"})
    assert "id_token" not in (await person.exchange((await person.visit())["code"])).json


async def test_only_who_one_is(person: Person) -> None:
    """Whoever ticks no box has still said who it is: Google has no box for that."""
    person.standin.core.choices.append(Choice(account=ANNA, scopes=frozenset()))
    back = await person.visit(scope=f"openid email {EVENTS}")
    tokens = (await person.exchange(back["code"])).json
    assert set(tokens["scope"].split()) == {"openid", EMAIL}
