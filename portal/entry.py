"""In by a signed link, and out again.

Comes in: the host application's link, or a form that says goodbye. Goes out: a session with its cookie, and a page that says
what to do where there is none. Nothing of a request decides where the browser goes: users go to their page, operators to theirs.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response

from portal.guard import cookie_name, outside, session_of, too_many
from portal.limits import network
from portal.links import LinkRefused
from portal.pages import parts_of
from vault import PortalSession

if TYPE_CHECKING:
    from starlette.requests import Request

    from portal.guard import Visit
    from portal.links import Visitor
    from portal.parts import Parts

HOMES: Final = {"user": "/", "operator": "/operators"}


async def enter(request: Request) -> Response:
    """Begin a session by a link, under a new id: whatever id the browser came with is worth nothing afterwards."""
    parts = parts_of(request)
    if request.method == "HEAD":  # whoever only asks whether the address works must not use the link up
        return Response(status_code=204)
    address = request.client.host if request.client else ""
    wait_s = parts.limits.entries.wait_s(network(address))
    if wait_s is not None:
        return too_many(request, wait_s)
    try:
        visitor = parts.key.read(request.query_params.get("link", ""), parts.clock())
    except LinkRefused as refused:
        return outside(request, refused.why)
    if not await parts.vault.sessions.use_link(visitor.link, visitor.expires_at, parts.clock()):
        return outside(request, "used")
    before = await session_of(request)
    session = _session(visitor, parts)
    await parts.vault.sessions.begin(session)
    if before is not None:
        await parts.vault.sessions.end(before.id)
    response = RedirectResponse(f"{parts.public.path}{HOMES[session.role]}", 303)
    _set_cookie(response, parts, session.id)
    return response


async def leave(visit: Visit) -> Response:
    """End the session."""
    await visit.parts.vault.sessions.end(visit.session.id)
    response = outside(visit.request, "ended", 200)
    _set_cookie(response, visit.parts, "", max_age=0)
    return response


def _session(visitor: Visitor, parts: Parts) -> PortalSession:
    now = parts.clock()
    return PortalSession(
        id=secrets.token_urlsafe(32),
        agency_id=visitor.agency_id,
        user_id=visitor.user_id,
        name=visitor.name,
        role=visitor.role,
        csrf=secrets.token_urlsafe(32),
        created_at=now,
        expires_at=now + timedelta(minutes=parts.settings.portal_session_minutes),
        pending={"agency_name": visitor.agency_name},
    )


def _set_cookie(response: Response, parts: Parts, value: str, max_age: int | None = None) -> None:
    # Lax: sent when Google sends the browser back, but with no form or frame of another site.
    response.set_cookie(
        cookie_name(parts),
        value,
        max_age=max_age,
        path="/",
        secure=parts.public.https,
        httponly=True,
        samesite="lax",
    )
