"""The worker of the demo: a process of its own, so that a kill is a kill.

In: settings. Out: a process that is ready, killed, or stopped. Not here: what it works with.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aiohttp

from schemas.errors import OperatorError

READY_S: Final = 45.0
STOP_S: Final = 25.0
_ROOT: Final = Path(__file__).resolve().parents[2]


class Worker:
    """`shiftcal worker`, started anew as often as the demo likes; always with the same state."""

    def __init__(self, settings: Mapping[str, str], home: Path) -> None:
        self._home = home
        self._log = home / "worker.log"
        self._port = _free_port()
        self._settings = {**settings, "HTTP_PORT": str(self._port)}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process; `ready` waits for it."""
        with self._log.open("ab") as log:
            starting = asyncio.ensure_future(
                asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "ops.main", "worker"),
                    cwd=self._home,  # a .env where the demo is called is not meant for it
                    env=self._environment(),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C reaches the demo alone, which then stops its parts in order
                )
            )
            try:
                self._process = await asyncio.shield(starting)
            except asyncio.CancelledError:
                self._process = await starting  # or it would live on, known to nobody
                raise

    async def ready(self) -> None:
        """Wait until it says that it consumes and may call Google."""
        async with aiohttp.ClientSession() as session:
            try:
                async with asyncio.timeout(READY_S):
                    while not await self._answers(session):
                        self.check()
                        await asyncio.sleep(0.05)
            except TimeoutError:
                raise OperatorError(
                    f"the demo's worker was not ready after {READY_S:.0f} s: {self._last_words()}"
                ) from None

    def check(self) -> None:
        """Raise where it ended by itself."""
        if self._process is not None and self._process.returncode is not None:
            raise OperatorError(
                f"the demo's worker ended with status {self._process.returncode}: {self._last_words()}"
            )

    async def kill(self) -> None:
        """End it with SIGKILL: no time for a last word to anybody."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End it as an operator would; nothing happens where it does not run."""
        await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except (TimeoutError, asyncio.CancelledError):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"http://127.0.0.1:{self._port}/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's own settings: a demo must not meet anybody's Kafka or database."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.upper().startswith("SHIFTCAL_")
        }
        path = os.pathsep.join(filter(None, (str(_ROOT), inherited.get("PYTHONPATH"))))
        return {**inherited, "PYTHONPATH": path} | {
            f"SHIFTCAL_{name}": value for name, value in self._settings.items()
        }

    def _last_words(self) -> str:
        text = self._log.read_text(errors="replace").strip() if self._log.exists() else ""
        return text[-2_000:] or "it said nothing"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
