"""(c) A plain Quix Streams application with a sink that does what (b) does.

The sink sends each record's changes at once and confirms them when the checkpoint flushes it, which is how Quix Streams' own
documentation describes a streaming sink (https://quix.io/docs/quix-streams/connectors/sinks/custom-sinks.html). The
application's own settings stay at their defaults: a checkpoint every five seconds. It runs in an environment of its own,
since its pins are not ours; see `requirements-quix.txt`.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

import uvloop
from quixstreams import Application
from quixstreams.sinks.base import BaseSink

from bench.peers.common import Job, read
from bench.peers.writer import Writer


class CalendarSink(BaseSink):
    """Writes on an event loop in a thread beside the application's."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job
        self._opened = threading.Event()

    def setup(self) -> None:
        """Start the loop and wait for its session."""
        threading.Thread(target=lambda: uvloop.run(self._live()), daemon=True).start()
        self._opened.wait()

    def add(self, value: bytes, *_: Any, **__: Any) -> None:
        """Hand a message's changes over."""
        for change in read(value):
            self._loop.call_soon_threadsafe(self._writer.submit, change, context=self._context)

    def flush(self) -> None:
        """Wait until all is written; what failed is raised here, and the checkpoint is not committed."""
        asyncio.run_coroutine_threadsafe(self._writer.drain(), self._loop).result()

    async def _live(self) -> None:
        async with Writer(self._job) as self._writer:
            self._loop = asyncio.get_running_loop()
            # aiogoogle's session is a context variable: tasks are made in a context that has it.
            self._context = contextvars.copy_context()
            self._opened.set()
            await asyncio.Event().wait()


def main(job: Job) -> None:
    """Run until told to end; the application ends by itself on SIGTERM."""
    app = Application(
        broker_address=job.bootstrap,
        consumer_group=job.topic,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        loglevel="WARNING",
    )
    app.dataframe(app.topic(job.topic, value_deserializer="bytes")).sink(CalendarSink(job))
    app.run()


if __name__ == "__main__":
    main(Job.given())
