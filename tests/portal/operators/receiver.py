"""A host application that takes notices, in whatever mood it is: a real HTTP server.

In: moods, one a request; the last one lasts. Out: what arrived. It remembers ids, as a good receiver does: `told` holds each
notice once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from portal.webhook import verify

KEY = "a secret that host and portal share"


class Receiver:
    """Moods: a status to answer with, `hang` to answer never, `lose` to take it and break the connection off."""

    def __init__(self) -> None:
        self.moods: list[int | str] = [204]
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.told: dict[str, dict[str, Any]] = {}
        self.headers: dict[str, str] = {}
        self.url = ""
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.closing = asyncio.Event()

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = dict(request.headers)
        self.requests.append((headers, body))
        mood = self.moods.pop(0) if len(self.moods) > 1 else self.moods[0]
        if mood == "hang":
            await self.closing.wait()
        if mood == "lose" or (isinstance(mood, int) and mood < 300):
            if not verify(headers, body, KEY, self.now()):
                return web.Response(status=401)
            self.told.setdefault(headers["Idempotency-Key"], json.loads(body))
        if mood == "lose":
            assert request.transport is not None
            request.transport.close()
        return web.Response(status=mood if isinstance(mood, int) else 204, headers=self.headers)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Serve while the block runs."""
    receiver = Receiver()
    app = web.Application()
    app.add_routes([web.post("/hook", receiver.take)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield receiver
    finally:
        receiver.closing.set()
        await runner.cleanup()
