"""What a browser sees of Google's consent: an account chooser, the scopes with their boxes, Allow and Cancel.

In: a client's redirect to Google, the person's clicks. Out: pages, and redirects back to the client.
By default nobody is asked: the redirect comes at once. The page is shown where `Core.consent_page` says so and no
choice waits in `Core.choices`. It works without a script, and as Google's must not be framed. Passwords are not played.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import jinja2
from aiohttp import web

from sandbox.google.consent import Asked, Consents
from sandbox.google.errors import GoogleError
from sandbox.google.grants import OAuthError
from sandbox.google.guard import local
from sandbox.google.scopes import APP_CREATED, EVENTS, EVENTS_OWNED, IDENTITY, LIST_READONLY

if TYPE_CHECKING:
    from sandbox.google.core import Core

AUTH_PATH = "/o/oauth2/v2/auth"
_CSS_PATH = "/consent.css"
_TEXTS = {
    EVENTS: "View and edit events on all your calendars.",
    EVENTS_OWNED: "See, create, change, and delete events on Google calendars you own.",
    APP_CREATED: "Make secondary Google calendars, and see, create, change, and delete events on them.",
    LIST_READONLY: "See the list of Google calendars you're subscribed to.",
}


class ConsentPage:
    """The routes of a browser that was sent to Google."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._consents = Consents(core)
        source = resources.files("sandbox.google").joinpath("static", "consent.html").read_text()
        environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
        self._template = environment.from_string(source)

    def routes(self) -> list[web.RouteDef]:
        """The page, its answer, its look."""
        return [
            web.get(AUTH_PATH, self._asked),
            web.post(AUTH_PATH, local(self._answered)),
            web.get(_CSS_PATH, _css),
        ]

    async def _asked(self, request: web.Request) -> web.StreamResponse:
        core, query = self._core, request.query
        entry = core.journal.begin("oauth.auth", "", None)
        try:
            asked = Asked.read(query, core.grants.clients)
            if not core.consent_page or core.choices:
                entry.account, location = self._consents.at_once(asked)
                answer = _redirect(location)
            else:
                entry.account = self._chosen(asked, query)
                answer = self._shown(asked, query, entry.account)
        except (OAuthError, GoogleError) as error:
            answer = _error(error)
        core.journal.end(entry, answer.status)
        return answer

    def _chosen(self, asked: Asked, query: Mapping[str, str]) -> str | None:
        """The account that was clicked, or hinted at and known; None has to choose."""
        if "account" in query:
            return query["account"]
        known = asked.login_hint in self._core.state.accounts and "select_account" not in asked.prompt
        return asked.login_hint if known else None

    def _shown(self, asked: Asked, query: Mapping[str, str], account: str | None) -> web.Response:
        shown = {
            "client": asked.client_id,
            "given": [(name, value) for name, value in query.items() if name != "account"],
            "accounts": sorted(self._core.state.accounts),
            "hint": asked.login_hint,
            "account": account,
            "sign_in": bool(asked.scopes & IDENTITY),
            "boxes": [(scope, _TEXTS.get(scope, scope)) for scope in asked.boxes],
            "needed": [_TEXTS.get(scope, scope) for scope in sorted(asked.scopes - IDENTITY)],
        }
        if account is not None:
            self._core.state.add_account(account)
            if self._consents.agreed_before(asked, account):
                return _redirect(self._consents.agree(asked, account, asked.scopes))
        return _page(self._template.render(shown), asked)

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        entry = self._core.journal.begin("oauth.consent", "", None)
        form = await request.post()
        try:
            asked = Asked.read(request.query, self._core.grants.clients)
            account = self._core.state.add_account(str(form.get("account", ""))).email
            entry.account = account
            ticked = frozenset(str(scope) for scope in form.getall("scope", [])) | IDENTITY
            granted = asked.scopes & ticked if asked.boxes else asked.scopes
            allowed = form.get("decision") == "allow"
            answer = _redirect(
                self._consents.agree(asked, account, granted) if allowed else self._consents.decline(asked)
            )
        except (OAuthError, GoogleError) as error:
            answer = _error(error)
        self._core.journal.end(entry, answer.status)
        return answer


async def _css(_: web.Request) -> web.StreamResponse:
    body = resources.files("sandbox.google").joinpath("static", "consent.css").read_bytes()
    return web.Response(body=body, content_type="text/css", charset="utf-8")


def _page(text: str, asked: Asked) -> web.Response:
    client = urlsplit(asked.redirect_uri)
    # A browser holds the redirect that follows a form against form-action too.
    policy = (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none';"
        f" form-action 'self' {client.scheme}://{client.netloc}"
    )
    headers = {"Content-Security-Policy": policy, "X-Frame-Options": "DENY", "Cache-Control": "no-store"}
    return web.Response(text=text, content_type="text/html", headers=headers)


def _redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location, "Cache-Control": "no-store"})


def _error(error: OAuthError | GoogleError) -> web.Response:
    """Google shows a page: without a good redirect_uri there is nowhere to go back to."""
    word, said = (
        (error.error, error.description) if isinstance(error, OAuthError) else (error.reason, error.message)
    )
    return web.Response(status=error.code, text=f"Error {error.code}: {word}. {said}")
