"""Forms: whose are taken, and what they do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.routing import BaseRoute, Mount, Route

from portal.app import create_app
from portal.entry import HOMES
from sandbox.google import StandIn
from tests.portal.world import AGENCY, USER, Browser, World, csrf_of, world_of

SAME = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}


def routes_of(world: World, verb: str) -> list[str]:
    """Every path that takes this verb, also those that are added later."""

    def walk(routes: list[BaseRoute]) -> Iterator[str]:
        for route in routes:
            if isinstance(route, Mount):
                yield from walk(list(route.routes))
            elif isinstance(route, Route) and verb in (route.methods or ()):
                yield route.path

    return list(walk(list(create_app(world.parts).routes)))


async def signed_in(ann: Browser) -> str:
    """Ann is in and connected; her token for forms."""
    await ann.enter()
    await ann.connect()
    return csrf_of(await ann.get("/"))


@asynccontextmanager
async def in_front_of(ann: Browser) -> AsyncIterator[dict[str, tuple[Browser, str]]]:
    """Every form of the portal, with a browser that may send it, and that one's token."""
    csrf = await signed_in(ann)
    async with ann.world.browser() as boss:
        page = await boss.enter(user="boss", name="Boss", role="operator")
        yield {
            path: (boss, csrf_of(page)) if path.startswith("/operators") else (ann, csrf)
            for path in routes_of(ann.world, "POST")
        }


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        (SAME, {}),
        (SAME, {"csrf": ""}),
        (SAME, {"csrf": "x" * 43}),
        (SAME, {"csrf": "\udc80\0"}),
        ({"Origin": "https://evil.example"}, {"csrf": "good"}),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, {"csrf": "good"}),
        ({"Origin": "null", "Sec-Fetch-Site": "same-site"}, {"csrf": "good"}),
        ({"Sec-Fetch-Site": "none"}, {"csrf": "good"}),
    ],
)
async def test_a_form_of_somebody_else(ann: Browser, headers: dict[str, str], field: dict[str, str]) -> None:
    """Every form, from another page or without the session's own token: refused, and nothing has happened."""
    async with in_front_of(ann) as forms:
        assert {"/connect", "/stop", "/resync", "/leave"} <= forms.keys()
        for path, (browser, csrf) in forms.items():
            form = {name: csrf if value == "good" else value for name, value in field.items()}
            data = urlencode(form, errors="surrogateescape").encode()
            page = await browser.ask("POST", path, headers=headers, data=data)
            assert page.status == 403, path
            assert "This form was not sent from our page" in page.said
            assert (
                await browser.get(HOMES["operator" if path.startswith("/operators") else "user"])
            ).status == 200
    assert ann.world.sent.commands == []


async def test_the_token_of_another_session(ann: Browser) -> None:
    """A token is good in its own session alone."""
    async with in_front_of(ann) as forms, ann.world.browser() as bob:
        await bob.enter(user="u-18", name="Bob")
        foreign = csrf_of(await bob.get("/"))
        for path, (browser, _) in forms.items():
            assert (await browser.ask("POST", path, headers=SAME, data={"csrf": foreign})).status == 403


async def test_a_form_of_another_role(ann: Browser) -> None:
    """Users press no button of operators, and operators none of users."""
    async with in_front_of(ann) as forms:
        tokens = dict(forms.values())
        assert len(tokens) == 2
        for path, (browser, _) in forms.items():
            for other, csrf in tokens.items():
                if other is not browser:
                    assert (await other.ask("POST", path, headers=SAME, data={"csrf": csrf})).status == 403
    assert ann.world.sent.commands == []


async def test_a_form_without_a_session(ann: Browser) -> None:
    """Nobody is in: nothing is taken."""
    for path in routes_of(ann.world, "POST"):
        assert (await ann.ask("POST", path, headers=SAME, data={"csrf": "x"})).status == 401


async def test_a_browser_that_says_its_origin(ann: Browser) -> None:
    """Ours is taken; so is a form of a browser that says nothing of where it stood, since the token decides."""
    csrf = await signed_in(ann)
    for headers in ({"Origin": ann.world.url}, {}):
        page = await ann.ask("POST", "/stop", headers=headers, data={"csrf": csrf})
        assert page.status == 303
    assert len(ann.world.sent.commands) == 2


async def test_buttons_by_get(ann: Browser) -> None:
    """A link cannot press a button."""
    async with in_front_of(ann) as forms:
        pages = routes_of(ann.world, "GET")
        for path, (browser, _) in forms.items():
            page = await browser.get(path)
            assert page.status == 405 or path in pages, path
    assert ann.world.sent.commands == []


async def test_the_id_of_another_user(ann: Browser) -> None:
    """Whatever ids a request brings, it is about the user of the session."""
    csrf = await signed_in(ann)
    others = {"user": "u-18", "user_id": "u-18", "agency": "other", "agency_id": "other"}
    for path in ("/resync", "/stop"):
        await ann.ask("POST", f"{path}?{urlencode(others)}", headers=SAME, data={"csrf": csrf, **others})
    assert [(agency, user) for agency, user, _ in ann.world.sent.commands] == [(AGENCY, USER)] * 2
    await ann.world.state("paused", user="u-18")
    page = await ann.get(f"/?{urlencode(others)}")
    assert "Ann Lee, Metro EMS" in page.said
    assert "Waiting" not in page.said


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe", b"a=" + b"x" * 20_000, b"&".join(b"a=1" for _ in range(100)), b"csrf=%ff%00&&&==="],
)
async def test_a_form_that_cannot_be_read(ann: Browser, data: bytes) -> None:
    """It is refused, and what is too long is not read to its end."""
    await signed_in(ann)
    page = await ann.ask("POST", "/stop", headers=SAME, data=data)
    assert page.status in {400, 403}
    assert ann.world.sent.commands == []


@pytest.mark.parametrize(("choice", "purge"), [("keep", {}), ("remove", {"purge": True}), ("nonsense", {})])
async def test_stopping(ann: Browser, choice: str, purge: dict[str, bool]) -> None:
    """The workers are told, the page says what was asked, and once it is done that it is revoked."""
    await signed_in(ann)
    page = await ann.press("/stop", events=choice)
    assert ann.world.sent.commands == [(AGENCY, USER, {"command": "disconnect", **purge})]
    assert "You asked us to stop" in page.said
    assert "Stopping" in page.said
    at = ann.world.clock()
    token = await ann.world.vault.release(AGENCY, USER, at, "disconnected")
    await ann.world.state("stopped", pending=2)
    page = await ann.get("/")
    assert "Google has not confirmed yet that it has revoked it" in page.said
    assert "Removing 2 events of ours." in page.said
    assert 'href="https://myaccount.google.com/permissions"' in page.text
    assert token is not None
    await ann.world.vault.revoked(token.token_id)
    await ann.world.state("stopped")
    page = await ann.get("/")
    assert "Our access is erased here and revoked at Google." in page.said
    assert "Authorize Metro EMS To Sync To Your Google Calendar" in page.said


async def test_stopping_and_connecting_again(ann: Browser) -> None:
    """A connect after it counts: nothing on the page says that it is being stopped."""
    await signed_in(ann)
    await ann.press("/stop")
    await ann.world.vault.release(AGENCY, USER, ann.world.clock(), "disconnected")
    await ann.world.state("stopped")
    page = await ann.connect()
    assert "Connected, starting" in page.said
    await ann.world.state("in_sync")
    assert "In step" in (await ann.get("/")).said


async def test_a_resync(ann: Browser) -> None:
    """The workers are told, once; asking again within the cool-down is answered by a sentence."""
    await signed_in(ann)
    await ann.world.state("in_sync")
    page = await ann.press("/resync")
    ((agency, user, command),) = ann.world.sent.commands
    assert (agency, user, command["command"]) == (AGENCY, USER, "resync")
    assert "We are looking at your Google Calendar." in page.said
    page = await ann.press("/resync")
    assert "We looked at your calendar a moment ago. You can ask again in 5" in page.said
    assert page.status == 200
    assert len(ann.world.sent.commands) == 1
    ann.world.clock.ahead = timedelta(seconds=61)
    await ann.press("/resync")
    assert len(ann.world.sent.commands) == 2


async def test_kafka_is_away(ann: Browser) -> None:
    """It is said that nothing has changed."""
    await signed_in(ann)
    ann.world.sent.away = True
    for path in ("/stop", "/resync"):
        page = await ann.press(path)
        assert "That could not be passed on just now, so nothing has changed." in page.said
        assert "Stopping" not in page.said


async def test_too_many_forms(google: StandIn, tmp_path: Path) -> None:
    """A session that presses buttons without end waits; another one does not."""
    async with world_of(google, tmp_path, forms_per_minute=3) as world, world.browser() as ann:
        await ann.enter()
        for _ in range(3):
            assert (await ann.press("/connect", follow=False)).status == 303
        page = await ann.press("/connect", follow=False)
        assert page.status == 429
        assert "Wait 20 seconds and try again." in page.said
        async with world.browser() as bob:
            await bob.enter(user="u-18", name="Bob")
            assert (await bob.press("/connect", follow=False)).status == 303
