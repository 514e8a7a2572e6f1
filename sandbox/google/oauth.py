"""Google's OAuth endpoints over HTTP: consent, token, revocation.

In: a browser's request for consent, a client's token requests. Out: redirects with code and state, tokens, refusals.
The consent page is skipped: the person agrees at once, as `Core.choices` or `login_hint` say; otherwise a new
account is made. A redirect goes to loopback addresses or https only, as Google's own rule is
(https://developers.google.com/identity/protocols/oauth2/web-server#uri-validation).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import orjson
from aiohttp import web

from sandbox.google import wire
from sandbox.google.core import Choice
from sandbox.google.grants import CODE_LIFETIME_S, Consent, OAuthError
from sandbox.google.scopes import IDENTITY, spelled

if TYPE_CHECKING:
    from sandbox.google.core import Core
    from sandbox.google.journal import Entry

AUTH_PATH = "/o/oauth2/v2/auth"
TOKEN_PATH = "/token"  # noqa: S105 - a path
REVOKE_PATH = "/revoke"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

Form = Mapping[str, str]


class OAuth:
    """The three OAuth routes."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._made = 0

    def routes(self) -> list[web.RouteDef]:
        """Consent, token, revoke."""
        return [
            web.get(AUTH_PATH, self._auth),
            web.post(TOKEN_PATH, self._token),
            web.post(REVOKE_PATH, self._revoke),
        ]

    async def _auth(self, request: web.Request) -> web.StreamResponse:
        entry = self._core.journal.begin("oauth.auth", "", None)
        try:
            location = self._consent(entry, request.query)
        except (
            OAuthError
        ) as error:  # Google shows a page: without a good redirect_uri there is nowhere to go back
            self._core.journal.end(entry, error.code, error.error)
            return web.Response(
                status=error.code, text=f"Error {error.code}: {error.error}. {error.description}"
            )
        self._core.journal.end(entry, 302)
        return web.Response(status=302, headers={"Location": location, "Cache-Control": "no-store"})

    def _consent(self, entry: Entry, asked: Form) -> str:
        redirect_uri = _redirect_uri(asked)
        client_id, scope = asked.get("client_id", ""), spelled(asked.get("scope", ""))
        if self._core.grants.clients and client_id not in self._core.grants.clients:
            raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
        if not client_id or not scope or asked.get("response_type") != "code":
            raise OAuthError("invalid_request", "client_id, scope and response_type=code are required.")
        challenge = asked.get("code_challenge")
        if challenge is not None and asked.get("code_challenge_method") != "S256":
            raise OAuthError("invalid_request", "The stand-in knows only code_challenge_method S256.")
        choice = self._core.choices.pop(0) if self._core.choices else Choice()
        back = {"state": asked["state"]} if "state" in asked else {}
        if choice.deny:
            return _join(redirect_uri, {**back, "error": "access_denied"})
        account = self._core.state.add_account(
            choice.account or asked.get("login_hint") or self._new_address()
        )
        entry.account = account.email
        ticked = choice.scopes if choice.scopes is not None else account.granted_scopes
        granted = scope if ticked is None else scope & (ticked | IDENTITY)
        if not granted:
            return _join(redirect_uri, {**back, "error": "access_denied"})
        consent = Consent(
            account=account.email,
            client_id=client_id,
            scopes=granted,
            redirect_uri=redirect_uri,
            challenge=challenge,
            offline=asked.get("access_type") == "offline",
            prompt="consent" in asked.get("prompt", "").split(),
            expires=time.monotonic() + CODE_LIFETIME_S,
            nonce=asked.get("nonce"),
        )
        return _join(
            redirect_uri,
            {**back, "code": self._core.grants.code(consent), "scope": " ".join(sorted(granted))},
        )

    def _new_address(self) -> str:
        self._made += 1
        return f"person-{self._made}@standin.example"

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


def _redirect_uri(asked: Form) -> str:
    text = asked.get("redirect_uri", "")
    parts = urlsplit(text)
    loopback = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not (loopback or parts.scheme == "https") or parts.fragment:
        raise OAuthError(
            "redirect_uri_mismatch", "redirect_uri must be https, or http on a loopback address."
        )
    return text


def _join(uri: str, parameters: dict[str, str]) -> str:
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{urlencode(parameters)}"
