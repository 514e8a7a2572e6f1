"""Workers of `runtime_worker` as processes, and what they printed."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict

from tests.streams.runtime_worker import Setup


class Process:
    """One worker; its JSON lines are kept, its log too."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.seen: list[tuple[str, int, int]] = []
        self.notes: list[tuple[str, object]] = []
        self.errors = ""
        self._readers = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]

    async def _read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            match json.loads(line):
                case [topic, partition, offset]:
                    self.seen.append((topic, partition, offset))
                case dict() as notes:
                    self.notes += notes.items()
                case other:
                    raise AssertionError(other)

    async def _read_errors(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            self.errors += line.decode()

    def opened(self) -> int:
        return sum(1 for what, _ in self.notes if what == "open")

    async def ready(self, times: int = 1) -> None:
        await until(lambda: self.opened() >= times or self.process.returncode is not None, "a worker opens")
        assert self.process.returncode is None, self.errors

    async def ended(self, timeout: float = 30.0) -> int:
        async with asyncio.timeout(timeout):
            await self.process.wait()
            await asyncio.gather(*self._readers)
        assert self.process.returncode is not None
        return self.process.returncode

    async def term(self) -> tuple[int, float]:
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return await self.ended(), time.monotonic() - begun

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.ended()


@asynccontextmanager
async def worker(setup: Setup) -> AsyncIterator[Process]:
    process = Process(
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-W", "error", "-m", "tests.streams.runtime_worker", json.dumps(asdict(setup))),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    )
    try:
        yield process
    finally:
        await process.kill()


async def until(true: Callable[[], object], what: str, timeout: float = 30.0) -> None:
    end = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        await asyncio.sleep(0.02)
