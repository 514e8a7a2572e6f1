"""The worker's `/live`, `/ready` and `/metrics`.

Comes in: HTTP. Goes out: 200 or 503, and numbers. Not here: anything about a user.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from schemas.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from streams.settings import Settings


@asynccontextmanager
async def health(
    settings: Settings, ready: Callable[[], bool], page: Callable[[], bytes]
) -> AsyncIterator[None]:
    """Serve while the block runs; nothing where the port is 0."""
    if settings.http_port == 0:
        yield
        return

    async def live(_: web.Request) -> web.Response:
        return web.Response(text="live\n")

    async def is_ready(_: web.Request) -> web.Response:
        return web.Response(text="ready\n") if ready() else web.Response(status=503, text="not ready\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=page(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = web.Application()
    app.add_routes([web.get("/live", live), web.get("/ready", is_ready), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.http_host, settings.http_port).start()
        except OSError as error:
            raise OperatorError(
                f"SHIFTCAL_HTTP_PORT {settings.http_port} on {settings.http_host} cannot be used"
                f" ({error.strerror}); stop what uses it, or choose another port"
            ) from None
        yield
    finally:
        await runner.cleanup()
