"""The worker's `/live`, `/ready` and `/metrics`.

Comes in: HTTP, and whatever else comes to an open port. Goes out: 200 or 503, and numbers. Not here: anything about a
user.
"""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from schemas.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from streams.settings import Settings


class _OursAlone(logging.Filter):
    """Keeps out the faults of clients: aiohttp logs each with its traceback, and with the bytes that came."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError | ConnectionError)


_requests = logging.getLogger(f"{__name__}.requests")
_requests.addFilter(_OursAlone())


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
    runner = web.AppRunner(app, access_log=None, logger=_requests)
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
