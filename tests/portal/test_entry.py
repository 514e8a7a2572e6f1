"""In by a link, and by nothing else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from yarl import URL

from portal.links import host_key
from sandbox.google import StandIn
from tests.portal.world import SECRET, USER, Browser, world_of


async def test_a_good_link(ann: Browser) -> None:
    """It opens the page, and its token is gone from the address."""
    page = await ann.enter()
    assert (page.status, page.url) == (200, f"{ann.world.url}/")
    assert "Ann Lee, Metro EMS" in page.said
    assert "Authorize Metro EMS To Sync To Your Google Calendar" in page.said


async def test_no_link(ann: Browser) -> None:
    """Without one nobody comes in, and the page says where one is had."""
    for path in ("/", "/enter", "/live"):
        page = await ann.get(path)
        assert page.status == 401
        assert "Open the tab “Google Calendar Sync” in your agency's application once more." in page.said
        assert page.cookies == ()


async def test_a_link_that_was_used(ann: Browser) -> None:
    """It works once, for nobody else either."""
    link = ann.world.link()
    assert (await ann.get(f"/enter?link={link}")).status == 200
    async with ann.world.browser() as other:
        page = await other.get(f"/enter?link={link}")
    assert (page.status, page.cookies) == (401, ())
    assert "This link was used before." in page.said


async def test_a_link_that_is_only_looked_at(ann: Browser) -> None:
    """A HEAD request, as scanners send it, does not use it up."""
    link = ann.world.link()
    assert (await ann.ask("HEAD", f"/enter?link={link}")).status == 204
    assert (await ann.get(f"/enter?link={link}")).status == 200


async def test_a_link_that_is_old(ann: Browser) -> None:
    """It says so; a minute of difference between clocks is forgiven, before and after."""
    link, other = ann.world.link(minutes=5), ann.world.link(minutes=5)
    ann.world.clock.ahead = timedelta(minutes=5, seconds=58)
    assert (await ann.get(f"/enter?link={link}")).status == 200
    ann.world.clock.ahead = timedelta(minutes=6, seconds=1)
    page = await ann.get(f"/enter?link={other}")
    assert page.status == 401
    assert "This link has expired." in page.said
    ann.world.clock.ahead = timedelta(seconds=-58)
    assert (await ann.get(f"/enter?link={ann.world.link()}")).status == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"agency": None},
        {"user": None},
        {"name": None},
        {"jti": None},
        {"iat": None},
        {"exp": None},
        {"agency": "metro/ems"},
        {"user": "u\n17"},
        {"user": ""},
        {"user": 17},
        {"user": "u" * 201},
        {"name": ""},
        {"role": "root"},
        {"aud": "somebody-else"},
        {"exp": "tomorrow"},
        {"exp": 1e300},
        {"iat": 4_000_000_000, "exp": 4_000_000_300},
        {"iat": 0},
    ],
)
async def test_a_link_with_a_claim_that_is_wrong(ann: Browser, claims: dict[str, Any]) -> None:
    """Nobody comes in, whoever signed it."""
    sound = jwt.decode(ann.world.link(), options={"verify_signature": False})
    token = jwt.encode({k: v for k, v in {**sound, **claims}.items() if v is not None}, SECRET)
    page = await ann.get(f"/enter?link={token}")
    assert (page.status, page.cookies) == (401, ())
    assert "This link is not one that your agency's application made" in page.said


async def test_a_link_for_longer_than_minutes(ann: Browser) -> None:
    """A link that would be good for a day is none."""
    assert (await ann.get(f"/enter?link={ann.world.link(minutes=15)}")).status == 200
    assert (await ann.get(f"/enter?link={ann.world.link(minutes=16)}")).status == 401


async def test_a_link_that_somebody_else_signed(ann: Browser) -> None:
    """Another secret, another algorithm, none at all, a changed claim: refused."""
    good = ann.world.link()
    claims = jwt.decode(good, options={"verify_signature": False})
    head, body, seal = good.split(".")
    other = ann.world.link(user="u-18").split(".")[1]
    forged = [
        jwt.encode(claims, "another secret, of as many characters as are needed"),
        jwt.encode(claims, SECRET, algorithm="HS512"),
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA"),
        f"{head}.{other}.{seal}",
        f"{head}.{body}.",
        f"{head}.{body}",
        good + "a" * 5_000,
        "nonsense",
    ]
    for token in forged:
        page = await ann.get(f"/enter?link={token}")
        assert (page.status, page.cookies) == (401, ()), token
    assert (await ann.get(f"/enter?link={good}")).status == 200


async def test_a_public_key(google: StandIn, tmp_path: Path) -> None:
    """Links are signed with the private key alone; the public one, taken for a shared secret, opens nothing."""
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    async with world_of(google, tmp_path, key=host_key(pem.decode())) as world, world.browser() as ann:
        claims = jwt.decode(world.link(), options={"verify_signature": False})
        confused = jwt.api_jws.PyJWS()
        # PyJWT itself refuses to sign with such a key; who forges has other tools.
        confused._algorithms["HS256"].prepare_key = lambda key: key  # type: ignore[method-assign]
        forged = confused.encode(orjson.dumps(claims), pem, algorithm="HS256")
        assert (await ann.get(f"/enter?link={forged}")).status == 401
        assert (await ann.get(f"/enter?link={world.link()}")).status == 401
        assert (await ann.enter(key=private)).status == 200


async def test_an_id_that_somebody_planted(ann: Browser) -> None:
    """Who comes in gets a new session id, whatever cookie the browser had; the one before is worth nothing."""
    ann.session.cookie_jar.update_cookies({"shiftcal": "planted"}, URL(ann.world.url))
    await ann.enter()
    first = ann.cookie()
    assert first != "planted"
    await ann.enter(user="u-18", name="Bob")
    second = ann.cookie()
    assert second not in {first, "planted"}
    for session_id, status in ((first, 401), ("planted", 401), (second, 200)):
        async with ann.world.browser(Cookie=f"shiftcal={session_id}") as other:
            assert (await other.get("/")).status == status


async def test_the_cookie(ann: Browser) -> None:
    """No script reads it, no other site's form sends it; it ends with the browser."""
    entered = await ann.get(f"/enter?link={ann.world.link()}", follow=False)
    (cookie,) = entered.cookies
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert parts == {"httponly", "path=/", "samesite=lax"}
    assert cookie.startswith("shiftcal=")


async def test_the_cookie_in_public(google: StandIn, tmp_path: Path) -> None:
    """Over https it is sent over https alone, and no other host can set it."""
    async with world_of(google, tmp_path, public="https://cal.example.com") as world, world.browser() as ann:
        entered = await ann.get(f"/enter?link={world.link()}", follow=False)
        (cookie,) = entered.cookies
        assert cookie.startswith("__Host-shiftcal=")
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert parts == {"httponly", "path=/", "samesite=lax", "secure"}


async def test_a_session_that_has_lasted(ann: Browser) -> None:
    """After some hours another link is needed."""
    await ann.enter()
    ann.world.clock.ahead = timedelta(hours=8, seconds=1)
    page = await ann.get("/")
    assert page.status == 401
    assert "Your visit has ended" in page.said


async def test_leaving(ann: Browser) -> None:
    """The session is gone, here and there."""
    await ann.enter()
    session_id = ann.cookie()
    page = await ann.press("/leave")
    assert "Your visit has ended" in page.said
    async with ann.world.browser(Cookie=f"shiftcal={session_id}") as other:
        assert (await other.get("/")).status == 401


async def test_too_many_tries(google: StandIn, tmp_path: Path) -> None:
    """An address that tries links without end waits, whatever they are; others come in."""
    async with world_of(google, tmp_path, portal_entries_per_minute=5) as world, world.browser() as ann:
        for _ in range(5):
            assert (await ann.get("/enter?link=nonsense")).status == 401
        page = await ann.get(f"/enter?link={world.link()}")
        assert (page.status, page.cookies) == (429, ())
        assert page.headers["Retry-After"] == "12"
        assert "Wait 12 seconds and try again." in page.said
        async with world.browser(**{"X-Forwarded-For": "203.0.113.7"}) as other:
            assert (await other.enter()).status == 200
        world.clock.passed_s += 13
        assert (await ann.enter()).status == 200


async def test_an_address_that_nobody_vouches_for(google: StandIn, tmp_path: Path) -> None:
    """What a stranger says of its own address counts for nothing."""
    async with world_of(
        google, tmp_path, portal_entries_per_minute=2, portal_trusted_proxies="192.0.2.1"
    ) as world:
        statuses = []
        for number in range(4):
            async with world.browser(**{"X-Forwarded-For": f"203.0.113.{number}"}) as other:
                statuses.append((await other.get("/enter?link=nonsense")).status)
        assert statuses == [401, 401, 429, 429]


@pytest.mark.parametrize("name", ["next", "return_to", "redirect", "url", "state"])
async def test_somewhere_else(ann: Browser, name: str) -> None:
    """Nothing in a request decides where the browser goes."""
    link = ann.world.link()
    entered = await ann.ask(
        "GET", f"/enter?link={link}&{name}=https://evil.example", headers={"Host": "evil.example"}
    )
    assert (entered.status, entered.location) == (303, "/")


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/\\evil.example", "/static/", "//evil.example/%2f..", "/enter/"]
)
async def test_a_path_with_a_slash_too_much(ann: Browser, path: str) -> None:
    """It is no page; nobody is sent anywhere."""
    await ann.enter()
    answer = await ann.ask("GET", ann.world.url + path)
    assert (answer.status, answer.location) == (404, "")


async def test_an_operator(ann: Browser) -> None:
    """An operator's link leads to the operators' page, and opens no user's."""
    entered = await ann.get(f"/enter?link={ann.world.link(role='operator')}", follow=False)
    assert entered.location == "/operators"
    page = await ann.get("/")
    assert page.status == 403
    assert "This page is for users" in page.said


async def test_a_name_with_marks_in_it(ann: Browser) -> None:
    """A name is a line of text: markup is shown as it is, what turns the line around is left out."""
    page = await ann.enter(name="<b>Ann</b>\u202egnp.exe\n\x07", agency_name="R&D <script>")
    assert "&lt;b&gt;Ann&lt;/b&gt; gnp.exe, R&amp;D &lt;script&gt;" in page.text
    assert "<b>Ann" not in page.text


async def test_languages(ann: Browser) -> None:
    """The browser's own is spoken, until another one is asked for; that is remembered."""
    await ann.enter()
    spanish = {"Accept-Language": "de;q=0.9,es-MX;q=0.8,en;q=0.1"}
    assert "Sus turnos en su Google Calendar" in (await ann.get("/", headers=spanish)).said
    assert "Your shifts" in (await ann.get("/?lang=en", headers=spanish)).said
    assert "Your shifts" in (await ann.get("/", headers=spanish)).said
    assert "Your shifts" in (await ann.get("/?lang=tlh")).said
    page = await ann.get("/", headers={"Accept-Language": "es;q=nan,;;=,*,en;q=2"})
    assert page.status == 200


async def test_a_path_of_its_own(google: StandIn, tmp_path: Path) -> None:
    """Where the public address has a path, everything is below it."""
    async with world_of(google, tmp_path, public="http://127.0.0.1:1/cal") as world, world.browser() as ann:
        entered = await ann.ask("GET", f"/cal/enter?link={world.link()}")
        assert (entered.status, entered.location) == (303, "/cal/")
        page = await ann.get("/cal/")
        assert page.status == 200
        assert 'action="/cal/connect"' in page.text
        assert (await ann.get("/")).status == 404
        sent = await ann.ask("GET", page.text.split('href="')[2].split('"')[0])
        assert (sent.status, USER) == (200, "u-17")
