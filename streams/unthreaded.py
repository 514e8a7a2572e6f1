"""The consumer in the event loop of everything else, without the thread that Faust has for it.

In: Faust's thread as a class. Out: the same services in the worker's own loop. Not here: what a consumer does.

Two threads under one interpreter lock hand it to and fro with every compression, RocksDB write and send, some three thousand
times a second; a fetched record waited 4 ms until the consumer's thread had its turn, at each of three hops. Faust has the
thread so that heartbeats go on while a stream keeps the loop from turning. None of ours does (`turns`, `each`), and a worker whose
loop hangs for good should lose its users rather than keep them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from faust.transport.drivers import aiokafka as driver
from mode.utils.futures import maybe_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Unthreaded(driver.AIOKafkaConsumerThread):
    """What Faust calls the consumer's thread; its loop and its parent's are one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, thread_loop=asyncio.get_running_loop(), **options)
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start, and return once the consumer has; raises what it failed with."""
        self._thread_started.set()
        self._thread_running = running = self.parent_loop.create_future()
        self._serving = self.parent_loop.create_task(self._serve())
        self._serving.add_done_callback(self._served)
        try:
            await running
        finally:
            self._thread_running = None

    async def call_thread(self, fun: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        """Call what the thread would."""
        return await maybe_async(fun(*args, **options))

    async def _gather_remaining_tasks(self) -> None:
        """Leave the other tasks of the loop alone; Faust cancels all there are in its thread."""

    def _served(self, serving: asyncio.Task[None]) -> None:
        """Let nobody wait for the end of what has ended; the app was told of the error already (`crash`)."""
        self.set_shutdown()
        if not serving.cancelled():
            serving.exception()
