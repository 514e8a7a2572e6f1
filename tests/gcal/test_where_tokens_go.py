"""Tokens go to Google and nowhere else: not after a redirect, and to nobody who cannot prove to be the one that was named."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from gcal.client import GoogleCalendar, GoogleSettings
from schemas.errors import GoogleUnavailable
from tests.gcal.contract import insert
from tests.gcal.world import ACCOUNT, grant_of
from tests.kafka_secured import Authority

Answer = Callable[[web.Request], web.Response]


class Server:
    """Answers everything alike, and keeps what came."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.came: list[str] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.came.append(f"{request.method} {request.path} {dict(request.headers)} {await request.text()}")
        return self._answer(request)


@asynccontextmanager
async def serving(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server, app = Server(answer), web.Application()
    app.router.add_route("*", "/{any:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    server.url = f"http{'s' if context else ''}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def _token(_: web.Request) -> web.Response:
    return web.json_response({"access_token": "access", "expires_in": 3600})


def _client(api: str, token: str) -> GoogleCalendar:
    secret = SecretStr("client-secret")
    return GoogleCalendar(
        GoogleSettings("client", secret, api, f"{token}/token", f"{token}/revoke", timeout_s=5)
    )


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect(status: int) -> None:
    """Google's API sends none: what comes is not followed, neither with an access token nor with a refresh token."""
    async with serving(_token) as elsewhere:

        def redirect(_: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": f"{elsewhere.url}/stolen"})

        grant = grant_of(ACCOUNT, "refresh")
        async with serving(redirect) as google, serving(_token) as tokens:
            async with _client(google.url, tokens.url) as client:
                with pytest.raises(GoogleUnavailable):
                    await client.call(grant, "primary", insert())
            async with _client(google.url, google.url) as client:
                with pytest.raises(GoogleUnavailable):
                    await client.call(grant, "primary", insert())
                with pytest.raises(GoogleUnavailable):
                    await client.revoke(grant.refresh_token)
            assert len(google.came) == 3
        assert elsewhere.came == []


async def test_a_certificate_of_nobody_we_trust(tmp_path: Path) -> None:
    """The connection is not made, and nothing is sent."""
    certificate, key = Authority(tmp_path, "stranger").issue("google")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    grant = grant_of(ACCOUNT, "refresh")
    async with serving(_token, context) as google, _client(google.url, google.url) as client:
        for doing in (client.call(grant, "primary", insert()), client.revoke(grant.refresh_token)):
            with pytest.raises(GoogleUnavailable, match="Certificate"):
                await doing
        assert google.came == []


async def test_two_users_of_one_process() -> None:
    """Each call bears its own user's token, however they are mixed."""

    def token_of(request: web.Request) -> web.Response:
        return web.json_response({"access_token": f"access-{len(tokens.came)}", "expires_in": 3600})

    def event(_: web.Request) -> web.Response:
        return web.json_response({"id": "1", "etag": '"1"'})

    async with (
        serving(token_of) as tokens,
        serving(event) as google,
        _client(google.url, tokens.url) as client,
    ):
        for user in ("ann", "bob", "ann"):
            await client.call(grant_of(user, f"refresh-{user}"), "primary", insert())
        assert ["refresh-ann" in one for one in tokens.came] == [True, False]
        assert ["access-1" in one for one in google.came] == [True, False, True]
