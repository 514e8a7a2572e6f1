"""The consent page as a person in a browser meets it: read by its forms, answered by its buttons."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
import pytest

from sandbox.google import StandIn
from sandbox.google.core import Choice
from sandbox.google.grants import s256
from sandbox.google.scopes import EMAIL, EVENTS_OWNED, LIST_READONLY
from tests.sandbox.google.client import read
from tests.sandbox.google.conftest import ANNA, BEN

BACK = "http://127.0.0.1:9999/back?from=google"
VERIFIER = "v" * 43
ASK = {
    "client_id": "shiftcal",
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": f"openid email {EVENTS_OWNED} {LIST_READONLY}",
    "state": 'a b&c"<i>',
    "access_type": "offline",
    "code_challenge": s256(VERIFIER),
    "code_challenge_method": "S256",
}


class Form(HTMLParser):
    """The forms of a page, merged: no two of them share a field but with the same value."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.boxes: dict[str, bool] = {}
        self.buttons: list[str] = []
        self.typed: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        match tag, has.get("type"):
            case "input", "hidden":
                self.hidden[has["name"]] = has["value"]
            case "input", "checkbox":
                self.boxes[has["value"]] = "checked" in has
            case "input", _:
                self.typed[has["name"]] = has["value"]
            case "button", _ if "value" in has:
                self.buttons.append(has["value"])


class Person:
    """Somebody in a browser."""

    def __init__(self, standin: StandIn, session: aiohttp.ClientSession) -> None:
        self.standin, self.session = standin, session
        self.asked: dict[str, str] = {}

    async def visit(self, **changes: str | None) -> Form | dict[str, str]:
        """Come from the client: a page, or at once the parameters of the redirect back."""
        self.asked = {key: value for key, value in {**ASK, **changes}.items() if value is not None}
        return await self._open()

    async def choose(self, account: str) -> Form | dict[str, str]:
        """Click an account, or type it."""
        self.asked["account"] = account
        return await self._open()

    async def _open(self) -> Form | dict[str, str]:
        async with self.session.get(
            self.standin.auth_url, params=self.asked, allow_redirects=False
        ) as response:
            if response.status == 302:
                return _parameters(response)
            assert response.status == 200, await response.text()
            self.policy = response.headers["Content-Security-Policy"]
            return Form(await response.text())

    async def press(self, form: Form, decision: str, *ticked: str) -> dict[str, str]:
        """Tick boxes, press a button: the parameters of the redirect back."""
        assert decision in form.buttons
        assert set(ticked) <= set(form.boxes)
        data = [*form.hidden.items(), *(("scope", scope) for scope in ticked), ("decision", decision)]
        async with self.session.post(
            self.standin.auth_url, params=self.asked, data=data, allow_redirects=False
        ) as response:
            assert response.status == 302, await response.text()
            return _parameters(response)

    async def tokens(self, back: dict[str, str]) -> dict[str, str]:
        """What the client gets for the code."""
        form = {
            "client_id": "shiftcal",
            "client_secret": "secret",
            "grant_type": "authorization_code",
            "code": back["code"],
            "redirect_uri": BACK,
            "code_verifier": VERIFIER,
        }
        async with self.session.post(self.standin.token_url, data=form) as response:
            return dict((await read(response)).json)


def _parameters(response: aiohttp.ClientResponse) -> dict[str, str]:
    location = response.headers["Location"]
    assert location.startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def _page(seen: Form | dict[str, str]) -> Form:
    assert isinstance(seen, Form), f"a redirect instead of a page: {seen}"
    return seen


def _redirect(seen: Form | dict[str, str]) -> dict[str, str]:
    assert not isinstance(seen, Form), "a page instead of a redirect"
    return seen


@pytest.fixture
def person(standin: StandIn, session: aiohttp.ClientSession) -> Person:
    standin.consent_page = True
    return Person(standin, session)


async def test_from_the_chooser_to_tokens(person: Person) -> None:
    """Known accounts can be clicked; the next page asks scope by scope, nothing ticked; Allow leads back."""
    person.standin.state.add_account(ANNA)
    person.standin.state.add_account(BEN)
    chooser = _page(await person.visit())
    assert (chooser.buttons, chooser.typed) == ([ANNA, BEN], {"account": ""})
    assert chooser.hidden == ASK
    consent = _page(await person.choose(BEN))
    assert consent.boxes == {EVENTS_OWNED: False, LIST_READONLY: False}
    back = await person.press(consent, "allow", EVENTS_OWNED, LIST_READONLY)
    assert (back["state"], back["from"]) == (ASK["state"], "google")
    tokens = await person.tokens(back)
    assert set(tokens["scope"].split()) == {"openid", EMAIL, EVENTS_OWNED, LIST_READONLY}
    assert person.standin.grants.access_tokens[tokens["access_token"]].account == BEN


async def test_another_account(person: Person) -> None:
    """An address that nobody has is made; what is no address is refused."""
    _page(await person.visit())
    await person.press(_page(await person.choose(ANNA)), "allow", EVENTS_OWNED)
    assert ANNA in person.standin.state.accounts
    params = {**ASK, "account": "nobody"}
    async with person.session.get(person.standin.auth_url, params=params) as response:
        assert response.status == 400


@pytest.mark.parametrize(
    ("hint", "prompt", "asked_for"),
    [(ANNA, None, "scopes"), (ANNA, "select_account", "account"), ("new@metro.example", None, "account")],
)
async def test_hint_of_an_account(person: Person, hint: str, prompt: str | None, asked_for: str) -> None:
    """A known account is taken, unless the client wants the chooser; an unknown one is only filled in."""
    person.standin.state.add_account(ANNA)
    seen = _page(await person.visit(login_hint=hint, prompt=prompt))
    if asked_for == "scopes":
        assert seen.hidden == {"account": ANNA}
    else:
        assert seen.typed == {"account": hint}


async def test_cancel(person: Person) -> None:
    """The redirect carries the error and the state, and no code, whatever was ticked."""
    await person.visit()
    back = await person.press(_page(await person.choose(ANNA)), "cancel", EVENTS_OWNED)
    assert back == {"from": "google", "state": ASK["state"], "error": "access_denied"}


@pytest.mark.parametrize("ticked", [(), (LIST_READONLY,)])
async def test_boxes_left_empty(person: Person, ticked: tuple[str, ...]) -> None:
    """Allow gives what was ticked, and who the person is."""
    await person.visit()
    back = await person.press(_page(await person.choose(ANNA)), "allow", *ticked)
    assert set((await person.tokens(back))["scope"].split()) == {"openid", EMAIL, *ticked}


async def test_a_single_scope(person: Person) -> None:
    """There is nothing to tick: it is all or nothing."""
    await person.visit(scope=EVENTS_OWNED)
    consent = _page(await person.choose(ANNA))
    assert consent.boxes == {}
    assert (await person.tokens(await person.press(consent, "allow")))["scope"] == EVENTS_OWNED


async def test_second_consent(person: Person) -> None:
    """Who agreed to everything is not asked again, and gives no second refresh token, unless prompted."""
    await person.visit()
    first = await person.press(_page(await person.choose(ANNA)), "allow", EVENTS_OWNED, LIST_READONLY)
    again = _redirect(await person.visit(login_hint=ANNA))
    prompted = await person.press(
        _page(await person.visit(login_hint=ANNA, prompt="consent")), "allow", EVENTS_OWNED
    )
    has = ["refresh_token" in await person.tokens(back) for back in (first, again, prompted)]
    assert has == [True, False, True]


async def test_consent_after_it_was_taken_back(person: Person) -> None:
    """It is asked for as the first time, and gives a refresh token again."""
    await person.visit()
    boxes = (EVENTS_OWNED, LIST_READONLY)
    await person.tokens(await person.press(_page(await person.choose(ANNA)), "allow", *boxes))
    url = f"{person.standin.url}/_standin/accounts/{quote(ANNA)}/invalidate"
    async with person.session.post(url) as response:
        assert response.status == 200
    back = await person.press(_page(await person.visit(login_hint=ANNA)), "allow", *boxes)
    assert "refresh_token" in await person.tokens(back)


async def test_more_is_asked_for_than_was_granted(person: Person) -> None:
    """The page comes again."""
    await person.visit()
    await person.press(_page(await person.choose(ANNA)), "allow", EVENTS_OWNED)
    assert _page(await person.visit(login_hint=ANNA)).boxes == {EVENTS_OWNED: False, LIST_READONLY: False}


async def test_choice_that_waits(person: Person) -> None:
    """It decides without a page, once."""
    person.standin.core.choices.append(Choice(account=ANNA, deny=True))
    assert _redirect(await person.visit())["error"] == "access_denied"
    assert _page(await person.visit()).buttons == []


async def test_page_switched_on_from_outside(standin: StandIn, session: aiohttp.ClientSession) -> None:
    """An admin route switches the page on; a fresh start switches it off again."""
    person = Person(standin, session)
    assert "code" in _redirect(await person.visit())
    async with session.put(f"{standin.url}/_standin/settings", json={"consent_page": True}) as response:
        assert (await response.json())["consent_page"] is True
    _page(await person.visit())
    async with session.post(f"{standin.url}/_standin/reset") as response:
        assert response.status == 200
    assert "code" in _redirect(await person.visit())


async def test_texts_of_strangers(person: Person) -> None:
    """What a client sends is text, never markup; the form may lead back to that client alone."""
    evil = '"><script>alert(1)</script>'
    form = _page(await person.visit(client_id=evil, state=evil, login_hint=evil))
    assert (form.hidden["state"], form.hidden["client_id"]) == (evil, evil)
    assert person.policy.endswith("form-action 'self' http://127.0.0.1:9999")
    assert "script-src" not in person.policy


async def test_answer_sent_by_another_page(person: Person) -> None:
    """A foreign page cannot agree in a person's name."""
    async with person.session.post(
        person.standin.auth_url,
        params=ASK,
        data={"account": ANNA, "decision": "allow"},
        headers={"Origin": "http://evil.example"},
    ) as response:
        assert response.status == 403
