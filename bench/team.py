"""Several workers of one group, each with a state directory and a port of its own.

Comes in: a stage. Goes out: workers that are started, killed and asked which users are theirs. Not here: what is measured.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING

import aiohttp

from bench.processes import BenchFailed, Process
from bench.stage import free_port
from streams.sender import partition_of
from streams.settings import Settings

if TYPE_CHECKING:
    from bench.crew import Crew
    from bench.stage import Stage

_CAUGHT_UP = re.compile(r"caught up with \S+, partitions \[([\d, ]*)\]")


class Member:
    """One worker of the group, whether it runs or not."""

    def __init__(self, stage: Stage, name: str) -> None:
        """Take the stage's settings as they are now."""
        self._stage, self.name, self._port = stage, name, free_port()
        self._env = stage.env | {
            "SHIFTCAL_STATE_DIR": str(stage.home / f"state-{name}"),
            "SHIFTCAL_HTTP_PORT": str(self._port),
        }
        self._process: Process | None = None

    def start(self) -> None:
        """Start it, and do not wait."""
        self._process = Process(["ops", "worker"], self._env, self._stage.home / f"{self.name}.log")

    def kill(self) -> None:
        """SIGKILL."""
        self._running.kill()
        self._process = None

    async def stop(self) -> None:
        """Stop it as an operator would, if it runs."""
        if self._process is not None:
            process, self._process = self._process, None
            await process.stop()

    def end(self) -> None:
        """End it if it runs."""
        if self._process is not None:
            self.kill()

    async def ready(self, deadline: float = 90.0) -> None:
        """Wait for `/ready`."""
        url, end = f"http://127.0.0.1:{self._port}/ready", time.monotonic() + deadline
        async with aiohttp.ClientSession() as http:
            while not await _answers(http, url):
                self._running.check()
                if time.monotonic() > end:
                    raise BenchFailed(f"worker {self.name} was not ready within {deadline:.0f} s")
                await asyncio.sleep(0.05)

    def users(self, crew: Crew) -> frozenset[str]:
        """Name the users whose lanes run here, by what the worker said when it opened them last."""
        said = _CAUGHT_UP.findall(self._running.said())
        mine = {int(number) for number in said[-1].split(",") if number.strip()}
        count = Settings.model_fields["partitions"].default
        return frozenset(
            user for user in crew.names() if partition_of(f"{crew.agency}/{user}".encode(), count) in mine
        )

    @property
    def _running(self) -> Process:
        if self._process is None:
            raise BenchFailed(f"worker {self.name} does not run")
        return self._process


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
