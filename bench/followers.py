"""Listens to what the product tells the world: results as they come, and every user's newest status.

Comes in: `sync-results` and `sync-status`. Goes out: counts to wait for. Not here: what is measured from them.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import orjson
from aiokafka import AIOKafkaConsumer

from bench.processes import BenchFailed

if TYPE_CHECKING:
    from collections.abc import Callable


class Follower:
    """Reads both topics from their beginning."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._results, self._status = f"{prefix}sync-results", f"{prefix}sync-status"
        self._consumer = AIOKafkaConsumer(
            self._results, self._status, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
        )
        self.results: list[tuple[float, bytes]] = []
        self.states: dict[bytes, tuple[str, int]] = {}

    async def start(self) -> None:
        """Begin to listen."""
        await self._consumer.start()
        self._task = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Listen no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._consumer.stop()

    def is_in_sync(self, users: int) -> bool:
        """Say whether so many users are in sync and nothing is pending for anybody."""
        settled = sum(state == ("in_sync", 0) for state in self.states.values())
        return settled >= users and settled == len(self.states)

    async def until(self, done: Callable[[], bool], what: str, deadline: float) -> None:
        """Wait until that is so."""
        end = time.monotonic() + deadline
        while not done():
            if self._task.done():
                self._task.result()
            if time.monotonic() > end:
                raise BenchFailed(
                    f"waited {deadline:.0f} s in vain: {what}; {len(self.results)} results so far"
                )
            await asyncio.sleep(0.005)

    async def _listen(self) -> None:
        while True:
            for tp, records in (await self._consumer.getmany(timeout_ms=1_000)).items():
                now = time.time()
                for record in records:
                    if tp.topic == self._results:
                        self.results.append((now, record.value))
                    else:
                        status: dict[str, Any] = orjson.loads(record.value)
                        self.states[record.key] = (status["state"], status["pending"])
