"""Keeps web pages away from a stand-in that anybody's browser could reach.

In: a request to the page, the admin routes or a control. Out: 403 where a foreign page sent it.
A browser on this machine can be made to post here by any site, or to reach us under a name that was re-bound to
127.0.0.1; both show in Origin and Host. So names are taken from a list: loopback's, and those that whoever started the
stand-in gave, such as its name among containers. The API itself needs a token and is left open to every client.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
NAMES: Final = web.AppKey("names", frozenset[str])
"""Under which names the application may be asked, in small letters."""


def local(handler: Handler) -> Handler:
    """The handler behind the check."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if urlsplit(f"//{request.host}").hostname not in request.app[NAMES]:
            raise web.HTTPForbidden(text="Use the address 127.0.0.1 or localhost.")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="Requests from other pages are refused.")
        return await handler(request)

    return guarded
