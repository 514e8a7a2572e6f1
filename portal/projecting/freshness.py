"""How fresh what the pages show is, and who may look again.

In: what the projector came to. Out: `Freshness`, for a page's "news is late", and `Bell`, for pages that are open. In this
process's memory: each portal knows it of itself.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: News is late where for so long nobody could say that everything was read.
PATIENCE = timedelta(seconds=15)


class Freshness:
    """How far behind the projector is. `trouble`: why it reads nothing, as a line for operators."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._fresh_at = now()
        self.behind: int | None = None
        self.trouble: str | None = None
        self.unreadable = 0
        self._complete = False

    def looked(self, behind: int, everything_until: datetime) -> None:
        """Note how many records are unread, and until when everything that there was is read."""
        self.behind, self.trouble = behind, None
        self._complete = self._complete or everything_until > self._fresh_at
        self._fresh_at = max(self._fresh_at, everything_until)

    def failed(self, trouble: str) -> bool:
        """Note why nothing is read; whether that is another reason than before."""
        other, self.trouble = self.trouble != trouble, trouble
        return other

    @property
    def fresh_at(self) -> datetime:
        """Until when everything was read; before the first look, since when it is tried."""
        return self._fresh_at

    @property
    def is_current(self) -> bool:
        """Whether everything was read once since the start, and not much is unread: what is to be done may rest on it."""
        return self._complete and not self.is_late

    @property
    def is_late(self) -> bool:
        """Whether what pages show may be old."""
        return self._now() - self._fresh_at > PATIENCE


class Bell:
    """Wakes the pages of those of whom there is news."""

    def __init__(self) -> None:
        self._waiting: defaultdict[tuple[str, str], set[asyncio.Event]] = defaultdict(set)

    def ring(self, persons: Iterable[tuple[str, str]]) -> None:
        """There is news of these."""
        for person in persons:
            for event in self._waiting.get(person, ()):
                event.set()

    async def wait(self, agency_id: str, user_id: str, timeout: float) -> bool:
        """Wait for news of this user; False where none came in so many seconds."""
        person, event = (agency_id, user_id), asyncio.Event()
        self._waiting[person].add(event)
        try:
            async with asyncio.timeout(timeout):
                return await event.wait()
        except TimeoutError:
            return False
        finally:
            self._waiting[person].discard(event)
            if not self._waiting[person]:
                del self._waiting[person]
