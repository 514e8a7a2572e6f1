"""The worker's own pulse: a tick a second, by which a frozen process notices that it was frozen.

Comes in: nothing. Goes out: `is_fresh`. Between two ticks of a process that was stopped lies the whole pause, during
which Kafka may have given its users to another worker. It is told so by its next heartbeat; until that had time to be
answered, the process does not trust itself.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_S = 1.0


class Pulse:
    """Fresh while the last tick is younger than half the session timeout, and for a while after a longer gap not."""

    def __init__(
        self, session_timeout: float, heartbeat: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the consumer's session timeout and heartbeat interval, in seconds."""
        self._bound = session_timeout / 2
        self._distrust = heartbeat + TICK_S
        self._clock = clock
        self._last = clock()
        self._trusted_from = self._last

    def is_fresh(self) -> bool:
        """Say whether this process has been running all along, as far as it can know."""
        now = self._clock()
        return now - self._last < self._bound and now >= self._trusted_from

    def tick(self) -> None:
        """Note that the process runs."""
        now = self._clock()
        if now - self._last >= self._bound:
            self._trusted_from = now + self._distrust
        self._last = now

    async def beat(self) -> None:
        """Tick until cancelled."""
        while True:
            self.tick()
            await asyncio.sleep(TICK_S)
