"""The portal as an ASGI application.

Comes in: `Parts`. Goes out: a Starlette application with every route. Not here: what pages do, who serves it.

| path | |
|---|---|
| `GET /enter?link=` | in, by a link of the host application |
| `GET /` | the page "Google Calendar Sync" |
| `POST /connect`, `GET /connect/back` | to Google's consent page, and back |
| `POST /stop`, `POST /resync`, `POST /preferences`, `POST /leave` | its other forms |
| `GET /live` | the part of the page that changes by itself, as events |
| `/operators...` | the operators' pages (`portal.operators.routes`) |
| `GET /static/...` | our own files |
| `GET /live-check` | 200 while the process serves |
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router

from portal import actions, choices, connect, entry, tab
from portal.guard import shown, taken
from portal.headers import Headers
from portal.operators import routes as operators
from portal.pages import refusal, static, words_of
from portal.parts import Parts
from portal.stream import Streams
from vault import VaultUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

__all__ = ["Parts", "create_app"]

log = logging.getLogger(__name__)

_ERRORS = {400: "bad_request", 404: "not_found", 405: "not_allowed", 413: "too_large"}


def create_app(parts: Parts) -> Starlette:
    """Return the application."""
    routes = [*_routes(), *operators.routes()]
    path = parts.public.path
    app = _Application(
        routes=[Mount(path, app=_router(routes))] if path else routes,
        exception_handlers={HTTPException: _wrong, VaultUnavailable: _unavailable, Exception: _bug},
    )
    # Nothing of a request decides where a browser is sent, not even a slash too much.
    app.router.redirect_slashes = False
    app.state.parts = parts
    return app


class _Application(Starlette):
    """Starlette, with our headers outside of everything: also on the page that says that something broke."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return what handles a request."""
        parts: Parts = self.state.parts
        return Headers(
            super().build_middleware_stack(),
            parts.google.consents.origin,
            parts.settings.portal_frame_ancestors,
            https=parts.public.https,
        )


def _router(routes: Sequence[BaseRoute]) -> Router:
    return Router(routes, redirect_slashes=False)


def _routes() -> list[BaseRoute]:
    return [
        Route("/", shown(tab.show), methods=["GET"]),
        Route("/enter", entry.enter, methods=["GET"]),
        Route("/connect", taken(connect.authorize), methods=["POST"]),
        Route("/connect/back", connect.back, methods=["GET"]),
        Route("/stop", taken(actions.stop), methods=["POST"]),
        Route("/preferences", taken(choices.choose), methods=["POST"]),
        Route("/resync", taken(actions.resync), methods=["POST"]),
        Route("/leave", taken(entry.leave), methods=["POST"]),
        Route("/live", shown(Streams().live), methods=["GET"]),
        Route("/static/{name}", static, methods=["GET"]),
        Route("/live-check", _live, methods=["GET"]),
    ]


async def _live(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _wrong(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    response = refusal(request, status, words_of(request)(f"error.{_ERRORS.get(status, 'bad_request')}"))
    response.headers.update((isinstance(error, HTTPException) and error.headers) or {})
    return response


async def _unavailable(request: Request, error: Exception) -> Response:
    log.warning("a page waits for the database: %s", error, extra={"decision": "page_waits"})
    return refusal(request, 503, words_of(request)("error.unavailable"))


async def _bug(request: Request, _: Exception) -> Response:
    # Starlette raises it again once this is sent: it is logged by the server, with its traceback.
    return refusal(request, 500, words_of(request)("error.bug"))
