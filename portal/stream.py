"""The part of a page that changes by itself, sent as it changes: server-sent events.

Comes in: a visit that stays. Goes out: a piece of HTML each time it is another one, with the word of whether the page's buttons
still fit. Not here: what it shows (`tab`). https://html.spec.whatwg.org/multipage/server-sent-events.html

The projector of this process wakes a stream at once; what another portal's has written is found by looking.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import orjson
from starlette.responses import Response, StreamingResponse

from portal.guard import session_of
from portal.standing import UNDER_WAY
from portal.tab import fragment, look
from vault import VaultUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from portal.guard import Visit

#: Seconds between two looks: while something is under way, and while nothing is.
QUICK_S: Final = 0.3
SLOW_S: Final = 5.0
#: A stream ends after so many seconds; the browser comes again by itself, and is asked who it is.
LONGEST_S: Final = 120.0
#: So often something is sent in any case: proxies close what is silent, and a page that was closed is found out.
PING_S: Final = 15.0
#: Streams of one process: each costs a look every few seconds.
MOST: Final = 2_000


class Streams:
    """The endpoint, and how many are open."""

    def __init__(self) -> None:
        self._open = 0

    async def live(self, visit: Visit) -> Response:
        """Open a stream."""
        if self._open >= MOST:
            return Response(status_code=503, headers={"Retry-After": "30"})
        return StreamingResponse(
            self._events(visit),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _events(self, visit: Visit) -> AsyncIterator[bytes]:
        self._open += 1
        try:
            async for event in _changes(visit):
                yield event
        finally:
            self._open -= 1


async def _changes(visit: Visit) -> AsyncIterator[bytes]:
    clock, closing = asyncio.get_running_loop().time, visit.parts.closing
    ends_at, ping_at, told = clock() + LONGEST_S, clock() + PING_S, b""
    yield b"retry: 1000\n\n"
    while clock() < ends_at and not closing.is_set():
        try:
            tab = await look(visit)
        except VaultUnavailable:
            # What the page shows stays; its heart goes on beating, and it is looked again.
            pause = SLOW_S
        else:
            event = _event(fragment(visit, tab), connected=tab.standing.connected)
            if event != told:
                told, ping_at = event, clock() + PING_S
                yield event
            pause = QUICK_S if tab.standing.mode in UNDER_WAY else SLOW_S
        if clock() >= ping_at:
            if await session_of(visit.request) is None:
                return
            ping_at = clock() + PING_S
            yield b": still here\n\n"
        await _news(visit, pause)


async def _news(visit: Visit, timeout_s: float) -> None:
    """Wait until there is news of this user, or the process ends, or so long."""
    waiting = (
        asyncio.create_task(visit.parts.bell.wait(visit.session.agency_id, visit.session.user_id, timeout_s)),
        asyncio.create_task(visit.parts.closing.wait()),
    )
    try:
        await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _event(html: str, *, connected: bool) -> bytes:
    return b"data: " + orjson.dumps({"html": html, "connected": connected}) + b"\n\n"
