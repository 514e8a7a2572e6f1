"""Google's OAuth endpoints for clients over HTTP: tokens and revocation.

In: a client's token requests. Out: tokens, refusals. Not here: what a browser sees (`consent_page.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from sandbox.google import wire
from sandbox.google.grants import OAuthError

if TYPE_CHECKING:
    from sandbox.google.core import Core

TOKEN_PATH = "/token"  # noqa: S105 - a path
REVOKE_PATH = "/revoke"

Form = Mapping[str, str]


class OAuth:
    """The two OAuth routes of clients."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def routes(self) -> list[web.RouteDef]:
        """Token, revoke."""
        return [
            web.post(TOKEN_PATH, self._token),
            web.post(REVOKE_PATH, self._revoke),
        ]

    async def _token(self, request: web.Request) -> web.StreamResponse:
        return await self._guarded("oauth.token", self._exchange, request)

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        return await self._guarded("oauth.revoke", self._take_back, request)

    async def _guarded(
        self, method: str, operation: Callable[[Form], wire.Answer], request: web.Request
    ) -> web.StreamResponse:
        core = self._core
        entry = core.journal.begin(method, "", None)
        form: Form = {**request.query, **{key: str(value) for key, value in (await request.post()).items()}}
        entry.account = self._account_of(form)
        delay, fault = core.faults.pick(method, entry.account)
        if delay + core.latency_s > 0:
            await asyncio.sleep(delay + core.latency_s)
        answer = wire.Answer(None)
        if fault is None or fault.commit:
            try:
                answer = operation(form)
                entry.committed = True
            except OAuthError as error:
                answer = wire.oauth_refusal(error)
        if fault is not None:
            entry.fault = f"{fault.kind} after commit" if fault.commit else fault.kind
            answer = await wire.play(fault, method, request, core.closing)
        core.journal.end(entry, answer.status, answer.reason)
        return wire.send(answer, request)

    def _account_of(self, form: Form) -> str | None:
        grants = self._core.grants
        token = form.get("refresh_token") or form.get("token") or ""
        found = grants.refresh_tokens.get(token) or grants.access_tokens.get(token)
        found = found or grants.codes.get(form.get("code", ""))  # type: ignore[assignment]
        return None if found is None else found.account

    def _exchange(self, form: Form) -> wire.Answer:
        grants, client_id = self._core.grants, form.get("client_id", "")
        grants.check_client(client_id, form.get("client_secret", ""))
        match form.get("grant_type"):
            case "authorization_code":
                verifier = form.get("code_verifier")
                answer = grants.exchange(
                    form.get("code", ""), client_id, form.get("redirect_uri", ""), verifier
                )
            case "refresh_token":
                answer = grants.refresh(form.get("refresh_token", ""), client_id)
            case _:
                raise OAuthError("unsupported_grant_type", "Invalid grant_type.")
        return wire.Answer(200, orjson.dumps(answer), headers={"Cache-Control": "no-store"})

    def _take_back(self, form: Form) -> wire.Answer:
        self._core.grants.revoke(form.get("token", ""))
        return wire.Answer(200, b"{}")
