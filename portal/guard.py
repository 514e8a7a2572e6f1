"""Who may see a page, and whose form is taken.

Comes in: handlers of a `Visit`. Goes out: endpoints. A page needs a session of its role; a form needs that, our own origin and
the session's token besides. Not here: how a session begins (`entry`).

A browser says ``Origin: null`` of a form on a page with `Referrer-Policy: no-referrer`; it says in `Sec-Fetch-Site`, too, where
the form stood, which no page can forge (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header).
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.responses import RedirectResponse, Response

from portal.pages import page, parts_of, refusal, words_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from portal.parts import Parts
    from portal.wording import Words
    from vault import PortalSession, Role

#: The longest body of a form; ours have some hundred bytes.
_BODY_MOST: Final = 16_384
_FIELDS_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is in. `form` is empty but for a form that was checked."""

    request: Request
    parts: Parts
    session: PortalSession
    words: Words
    form: Mapping[str, str]

    def back(self, path: str = "/") -> Response:
        """Send the browser to a page of ours."""
        return RedirectResponse(f"{self.parts.public.path}{path}", 303)

    async def keep(self, **pending: str | None) -> None:
        """Remember something for as long as the session lasts; None forgets it."""
        now = self.parts.clock()
        fresh = await self.parts.vault.sessions.get(self.session.id, now) or self.session
        kept = {**fresh.pending, **pending}
        await self.parts.vault.sessions.keep(
            self.session.id, {name: value for name, value in kept.items() if value is not None}
        )


Handler = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[["Request"], Awaitable[Response]]


def cookie_name(parts: Parts) -> str:
    """The session cookie's name. `__Host-`: no other host and no unencrypted page can set it (RFC 6265bis, 4.1.3.2)."""
    return "__Host-shiftcal" if parts.public.https else "shiftcal"


async def session_of(request: Request) -> PortalSession | None:
    """The session of a request, if there is one that still lasts."""
    parts = parts_of(request)
    session_id = request.cookies.get(cookie_name(parts), "")
    return await parts.vault.sessions.get(session_id, parts.clock()) if session_id else None


def shown(handler: Handler, role: Role = "user") -> Endpoint:
    """Return the endpoint of a page for this role."""

    async def endpoint(request: Request) -> Response:
        visit = await _visit(request, role)
        return await handler(visit) if isinstance(visit, Visit) else visit

    return endpoint


def taken(handler: Handler, role: Role = "user") -> Endpoint:
    """Return the endpoint of a form for this role."""

    async def endpoint(request: Request) -> Response:
        parts, words = parts_of(request), words_of(request)
        if not _from_here(request, parts):
            return refusal(request, 403, words("error.csrf"))
        visit = await _visit(request, role)
        if isinstance(visit, Response):
            return visit
        form = await _form(request)
        if form is None:
            return refusal(request, 400, words("error.bad_request"))
        if not hmac.compare_digest(
            form.get("csrf", "").encode(errors="replace"), visit.session.csrf.encode()
        ):
            return refusal(request, 403, words("error.csrf"))
        wait_s = parts.limits.forms.wait_s(visit.session.id)
        if wait_s is not None:
            return too_many(request, wait_s)
        return await handler(replace(visit, form=form))

    return endpoint


def too_many(request: Request, wait_s: float) -> Response:
    """Return the page of a limit."""
    seconds = math.ceil(wait_s)
    response = refusal(request, 429, words_of(request).count("error.too_many", seconds))
    response.headers["Retry-After"] = str(seconds)
    return response


def outside(request: Request, why: str, status: int = 401) -> Response:
    """Return the page of somebody who is not in; `why` is a key of `entry`."""
    words = words_of(request)
    return page(
        request, "message.html", status,
        title=words("entry.title"), text=words(f"entry.{why}"), hint=words("entry.what_to_do"),
    )  # fmt: skip


async def _visit(request: Request, role: Role) -> Visit | Response:
    parts = parts_of(request)
    session = await session_of(request)
    if session is None:
        return outside(request, "ended" if cookie_name(parts) in request.cookies else "missing")
    if session.role != role:
        return outside(request, role, 403)
    return Visit(request, parts, session, words_of(request), {})


def _from_here(request: Request, parts: Parts) -> bool:
    origin = request.headers.get("Origin", "null")
    if origin != "null":
        return origin == parts.public.origin
    # A browser that says neither is old, or none at all: the token decides alone.
    return request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"


async def _form(request: Request) -> dict[str, str] | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_MOST:
            return None
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MOST))
    except ValueError:
        return None
