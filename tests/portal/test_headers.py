"""What every answer carries, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.google import StandIn
from tests.portal.world import Answer, Browser, World, world_of
from vault import VaultUnavailable

PATHS = (
    "/",
    "/enter",
    "/enter?link=nonsense",
    "/connect/back",
    "/nonsense",
    "/static/nonsense",
    "/static/portal.css",
    "/live-check",
)


def directives(policy: str) -> dict[str, list[str]]:
    """A Content-Security-Policy, taken apart."""
    return {name: values for name, *values in (part.split() for part in policy.split(";"))}


@pytest.mark.parametrize("verb", ["GET", "POST", "DELETE", "OPTIONS", "HEAD"])
async def test_any_answer(ann: Browser, verb: str) -> None:
    """Nothing but our own files runs, nothing is framed, nothing is guessed, nobody is told where one came from."""
    for path in PATHS:
        check(ann, await ann.ask(verb, path))


def check(ann: Browser, answer: Answer) -> None:
    """Look at the headers of an answer."""
    policy = directives(answer.headers["Content-Security-Policy"])
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["form-action"] == ["'self'", ann.world.google.url]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "Strict-Transport-Security" not in answer.headers
    assert "Server" not in answer.headers


async def test_pages_and_files(ann: Browser) -> None:
    """Pages are kept by nobody, files for ever, under an address that changes with them."""
    page = await ann.enter()
    assert page.headers["Cache-Control"] == "no-store"
    assert (await ann.get("/nonsense")).headers["Cache-Control"] == "no-store"
    for name in ("portal.css", "portal.js", "icon.svg"):
        assert f"/static/{name}?" in page.text
        assert "immutable" in (await ann.get(f"/static/{name}")).headers["Cache-Control"]


async def test_in_public(google: StandIn, tmp_path: Path) -> None:
    """Over https browsers are told to stay there."""
    async with world_of(google, tmp_path, public="https://cal.example.com") as world, world.browser() as ann:
        for path in PATHS:
            answer = await ann.get(path)
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_a_frame_of_the_host_application(google: StandIn, tmp_path: Path) -> None:
    """Its pages alone may show ours in a frame, where the operator says so."""
    async with (
        world_of(
            google, tmp_path, portal_frame_ancestors="https://app.example.com, https://b.example.com:8443"
        ) as world,
        world.browser() as ann,
    ):
        answer = await ann.get("/")
        policy = directives(answer.headers["Content-Security-Policy"])
        assert policy["frame-ancestors"] == ["https://app.example.com", "https://b.example.com:8443"]
        assert "X-Frame-Options" not in answer.headers


async def test_a_bug(
    world: World, ann: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A page that breaks says so in plain words, carries the same headers, and shows nothing of how it broke."""
    await ann.enter()

    async def broken(*_: object) -> None:
        raise RuntimeError("a secret of the database")

    monkeypatch.setattr(type(world.vault), "connection_info", broken)
    page = await ann.get("/")
    assert page.status == 500
    assert "Something went wrong on our side." in page.said
    assert "secret of the database" not in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert any(record.exc_info for record in caplog.records)


async def test_inline(ann: Browser) -> None:
    """No page has scripts, styles or handlers in it, which the policy would keep from working."""
    await ann.enter()
    await ann.connect()
    for page in (await ann.get("/"), await ann.get("/nonsense")):
        assert "style=" not in page.text
        assert " on" not in page.text.replace(" on ", " ").split("<body>")[0]
        assert "<script>" not in page.text
        assert "javascript:" not in page.text


async def test_no_vault(ann: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the database pages say that it cannot be looked up just now."""
    await ann.enter()

    async def gone(*_: object) -> None:
        raise VaultUnavailable("SHIFTCAL_DATABASE_URL: the file is locked")

    monkeypatch.setattr(type(ann.world.vault.sessions), "get", gone)
    page = await ann.get("/")
    assert page.status == 503
    assert "We cannot look that up just now." in page.said
    assert "SHIFTCAL" not in page.text
