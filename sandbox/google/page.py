"""The page: every account's week side by side, following changes by itself.

In: the shared parts, the buttons of whoever embeds the stand-in. Out: `GET /`, its two static files, the JSON it
reads (`/_standin/week`, `/_standin/page`), the event stream, and a POST route per button.
Nothing untrusted is ever put into HTML here: the page's script sets texts of elements, and the policy header allows
no inline script.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from sandbox.google.guard import local
from sandbox.google.week import parse_start, week

if TYPE_CHECKING:
    from sandbox.google.core import Core

PING_S = 15.0
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:"
_HEADERS = {
    "Content-Security-Policy": f"{_POLICY}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}


@dataclass(frozen=True, slots=True)
class Control:
    """A button: its label, and the path that it posts to."""

    label: str
    path: str


OnControl = Callable[[str], Awaitable[str]]


class Page:
    """The page and what it needs."""

    def __init__(self, core: Core, controls: Sequence[Control], on_control: OnControl | None) -> None:
        self._core = core
        self._controls = tuple(controls)
        self._on_control = on_control

    def routes(self) -> list[web.RouteDef]:
        """Static files, JSON, stream, buttons."""
        return [
            *(web.get(path, local(self._file)) for path in _FILES),
            web.get("/_standin/page", local(self._page)),
            web.get("/_standin/week", local(self._week)),
            web.get("/_standin/stream", local(self._stream)),
            *(web.post(path, local(self._press)) for path in sorted({c.path for c in self._controls})),
        ]

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name, kind = _FILES[request.path]
        body = resources.files("sandbox.google").joinpath("static", name).read_bytes()
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=_HEADERS)

    async def _page(self, _: web.Request) -> web.StreamResponse:
        controls = [{"label": control.label, "path": control.path} for control in self._controls]
        calls = sum(self._core.journal.calls.values())
        return _json({"controls": controls, "notes": list(self._core.hub.notes), "calls": calls})

    async def _week(self, request: web.Request) -> web.StreamResponse:
        try:
            start = parse_start(request.query.get("start"))
        except ValueError as error:
            raise web.HTTPBadRequest(text="start must be a date, such as 2026-12-07.") from error
        view = week(self._core.state, start)
        return _json({**view, "calls": sum(self._core.journal.calls.values())})

    async def _press(self, request: web.Request) -> web.StreamResponse:
        if self._on_control is None:
            raise web.HTTPNotFound(text="Nobody listens to this button.")
        return web.Response(text=await self._on_control(request.path), headers=_HEADERS)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        frames = self._core.hub.open()
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\nevent: calendars\ndata: {}\n\n")
            while (frame := await _next(frames)) is not None:
                await response.write(frame)
        except ConnectionResetError:  # the page was closed
            return response
        finally:
            self._core.hub.close(frames)
        return response


async def _next(frames: asyncio.Queue[bytes | None]) -> bytes | None:
    """The next frame, or a comment that finds out whether the page still listens."""
    try:
        async with asyncio.timeout(PING_S):
            return await frames.get()
    except TimeoutError:
        return b": still here\n\n"


def _json(content: object) -> web.Response:
    return web.Response(body=orjson.dumps(content), content_type="application/json", headers=_HEADERS)
