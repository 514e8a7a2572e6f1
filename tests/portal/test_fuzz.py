"""Anything over HTTP, to every route: no answer says that something of ours broke."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.google import StandIn
from tests.portal.test_forms import routes_of
from tests.portal.world import World, csrf_of, world_of

#: What a request may name; the rest is anything.
NAMES = ("link", "state", "code", "error", "lang", "events", "csrf", "user", "agency", "scope", "next")
HEADERS = (
    "Accept-Language", "Origin", "Sec-Fetch-Site", "X-Forwarded-For", "X-Forwarded-Proto", "Last-Event-ID", "Host",
    "Content-Type", "Referer", "Range", "If-None-Match", "Accept", "Authorization", "Expect", "Transfer-Encoding",
)  # fmt: skip
VERBS = ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW")


class Target:
    """A portal that serves in a thread of its own, with somebody in it."""

    def __init__(self, world: World, sessions: dict[str, tuple[str, str]]) -> None:
        self.sessions, self.link = sessions, world.link
        self.paths = sorted({path for verb in ("GET", "POST") for path in routes_of(world, verb)})
        self.address = (urlsplit(world.url).hostname, urlsplit(world.url).port)

    def ask(self, request: bytes) -> bytes:
        """Send bytes; the beginning of the answer, which may be a stream without an end."""
        with socket.create_connection(self.address, timeout=20) as connection:
            connection.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer and (part := connection.recv(65_536)):
                answer += part
            return answer


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One portal for all tries; where one of them breaks something for good, the next ones tell."""
    ready: list[Target] = []
    started, done = threading.Event(), threading.Event()

    async def serve(folder: Path) -> None:
        async with (
            StandIn() as google,
            world_of(google, folder, portal_entries_per_minute=1_000_000) as world,
            world.browser() as ann,
            world.browser() as boss,
        ):
            await ann.enter()
            await ann.connect()
            page = await boss.enter(user="boss", name="Boss", role="operator")
            sessions = {
                "ann": (ann.cookie(), csrf_of(await ann.get("/"))),
                "boss": (boss.cookie(), csrf_of(page)),
            }
            ready.append(Target(world, sessions))
            started.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve(tmp_path_factory.mktemp("fuzz"))))
    thread.start()
    assert started.wait(30)
    yield ready[0]
    done.set()
    thread.join(30)
    assert not thread.is_alive()


anything = st.binary(max_size=200).map(quote_from_bytes) | st.text(max_size=60).map(
    lambda text: quote_from_bytes(text.encode(errors="surrogatepass"))
)
raw = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=80)
pairs = st.lists(st.tuples(st.sampled_from(NAMES) | anything, anything), max_size=6)
headers = st.dictionaries(st.sampled_from(HEADERS), raw, max_size=4)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request, still without what depends on the portal: whose cookie, which token."""
    return {
        "verb": draw(st.sampled_from(VERBS) | st.sampled_from(("GET", "POST"))),
        "path": draw(st.integers(0, 1_000) | anything.map(lambda text: "/" + text)),
        "query": draw(pairs),
        "form": draw(pairs),
        "body": draw(st.none() | st.binary(max_size=300)),
        "headers": draw(headers),
        "cookie": draw(st.sampled_from(("ann", "boss", "none")) | raw),
        "csrf": draw(st.booleans()),
        "link": draw(st.booleans()),
    }


def spelled(target: Target, asked: dict[str, Any]) -> bytes:
    """A request as bytes."""
    path = asked["path"]
    path = target.paths[path % len(target.paths)] if isinstance(path, int) else path
    # A session that was left would make the rest of the tries dull.
    path = "/" if path == "/leave" else path.replace("{name}", "portal.css").replace("{", "").replace("}", "")
    query = [("link", target.link())] if asked["link"] and path == "/enter" else asked["query"]
    cookie, csrf = target.sessions.get(asked["cookie"], (asked["cookie"], ""))
    form = [*asked["form"], *([("csrf", csrf)] if asked["csrf"] else [])]
    body = asked["body"] if asked["body"] is not None else urlencode(form).encode()
    head = {"Host": "portal", **asked["headers"], "Connection": "close"}
    if "Transfer-Encoding" not in head:
        head["Content-Length"] = str(len(body))
    if asked["cookie"] != "none":
        head["Cookie"] = f"shiftcal={cookie}" if asked["cookie"] in target.sessions else cookie
    address = path + ("?" + "&".join(f"{name}={value}" for name, value in query) if query else "")
    lines = [f"{asked['verb']} {address} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(asked=requests())
def test_anything(target: Target, asked: dict[str, Any]) -> None:
    """Every route, parameter, header and cookie: an answer of ours, with our headers, and never a 500."""
    answer = target.ask(spelled(target, asked))
    status = int(answer.split(b" ", 2)[1])
    assert status < 500, answer
    # What is no HTTP is answered by the server, in plain text, before it gets to us.
    if status != 100 and not (status == 400 and b"text/plain" in answer):
        assert b"content-security-policy" in answer.lower(), answer


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(noise=st.binary(min_size=1, max_size=400))
def test_noise(target: Target, noise: bytes) -> None:
    """Bytes that are no request are answered as such, or not at all."""
    answer = target.ask(noise + b"\r\n\r\n\r\n\r\n")
    assert answer == b"" or int(answer.split(b" ", 2)[1]) < 500
