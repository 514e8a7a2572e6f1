"""The consumer in the event loop of everything else, without the thread that Faust has for it.

In: Faust's thread as a class. Out: the same services in the worker's own loop. Not here: what a consumer does.

Two threads under one interpreter lock hand it to and fro with every compression, RocksDB write and send, some three thousand
times a second; a fetched record waited 4 ms until the consumer's thread had its turn, at each of three hops. Faust has the
thread so that heartbeats go on while a stream keeps the loop from turning. None of ours does (`turns`, `each`), and a worker whose
loop hangs for good should lose its users rather than keep them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from faust.transport.drivers import aiokafka as driver
from mode.utils.futures import maybe_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


class Unthreaded(driver.AIOKafkaConsumerThread):
    """What Faust calls the consumer's thread; its loop and its parent's are one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, thread_loop=asyncio.get_running_loop(), **options)
        self._serving: asyncio.Task[None] | None = None
        self._sits_out, self._leaves = False, asyncio.Event()

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

    async def sit_out(self) -> None:
        """Take no part in the rebalance that has begun, since the app stops; returns once the group is being left."""
        self._sits_out = True
        await self._leaves.wait()

    def close(self) -> None:
        """Leave the client open: what is acked until the stop has still to be committed. Faust closes it at this point."""

    async def on_thread_stop(self) -> None:
        """Leave the group, also in the middle of a rebalance: aiokafka would wait for its end, and so for ourselves."""
        if self._sits_out:
            joining = self._ensure_consumer()._coordinator._coordination_task  # noqa: SLF001
            joining.cancel()
            await asyncio.wait({joining})
        self._leaves.set()
        await super().on_thread_stop()

    async def _gather_remaining_tasks(self) -> None:
        """Leave the other tasks of the loop alone; Faust cancels all there are in its thread."""

    def _served(self, serving: asyncio.Task[None]) -> None:
        """Let nobody wait for the start or the end of what has ended."""
        self.set_shutdown()
        if self._thread_running is not None:
            self._thread_running.cancel()  # does nothing where it has an error
        if serving.cancelled() or (error := serving.exception()) is None:
            return
        if error is not self._crash_reason:  # which the app was told of
            log.warning("the consumer ended with %r", error, extra={"decision": "consumer_ended"})
