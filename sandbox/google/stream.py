"""Server-sent events for the page: "calendars changed" at most some times a second, and the notes.

In: touches (many) and notes (few). Out: frames in a queue per open page.
Not here: HTTP.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

import orjson

from sandbox.google.errors import Json

QUIET_S = 0.15
NOTES = 60
BACKLOG = 100


class Hub:
    """Fans changes out to the open pages. Without any page a touch costs next to nothing."""

    def __init__(self) -> None:
        self.notes: deque[Json] = deque(maxlen=NOTES)
        self._pages: set[asyncio.Queue[bytes | None]] = set()
        self._pending: asyncio.TimerHandle | None = None

    def open(self) -> asyncio.Queue[bytes | None]:
        """A new page; None in its queue ends it."""
        page: asyncio.Queue[bytes | None] = asyncio.Queue(BACKLOG)
        self._pages.add(page)
        return page

    def close(self, page: asyncio.Queue[bytes | None]) -> None:
        """A page is gone."""
        self._pages.discard(page)

    def touch(self) -> None:
        """Something that the page shows has changed; tells the pages soon, once for many touches."""
        if self._pages and self._pending is None:
            self._pending = asyncio.get_running_loop().call_later(QUIET_S, self._flush)

    def note(self, text: str) -> None:
        """Add a line to the list of last changes."""
        note = {"at": time.time(), "text": text}
        self.notes.append(note)
        self._send(b"event: note\ndata: " + orjson.dumps(note) + b"\n\n")

    def stop(self) -> None:
        """End all pages."""
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
        for page in self._pages:
            while page.full():
                page.get_nowait()
            page.put_nowait(None)

    def _flush(self) -> None:
        self._pending = None
        self._send(b"event: calendars\ndata: {}\n\n")

    def _send(self, frame: bytes) -> None:
        for page in self._pages:
            if page.full():  # a page that does not read loses the oldest: it reloads the whole week anyway
                page.get_nowait()
            page.put_nowait(frame)
