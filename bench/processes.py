"""Child processes: the worker, the stand-in, the product's commands.

Comes in: what to run, its environment, a file for what it says. Goes out: a process that ends with us. Not here: topics.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent


class BenchFailed(RuntimeError):
    """A process ended or did not do its work in time: there is nothing to measure."""


class Process:
    """A Python module as a process of its own."""

    def __init__(
        self, arguments: list[str], env: Mapping[str, str], log: Path, python: Path | None = None
    ) -> None:
        """Start it; its output goes to `log`, and it runs beside the log, where no `.env` lies."""
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(python or sys.executable), "-m", *arguments],
                env=dict(env),
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.pid = self._process.pid

    def check(self) -> None:
        """Raise if it has ended."""
        if (code := self._process.poll()) is not None:
            raise BenchFailed(f"a process ended with {code}; it last said:\n{self.said()[-2_000:]}")

    def said(self) -> str:
        """Return its output so far."""
        return self._log.read_text(errors="replace")

    async def stop(self, deadline: float = 40.0) -> None:
        """End it as an operator would."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self._process.wait, deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BenchFailed(f"a process did not stop within {deadline:.0f} s of SIGTERM") from None

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()


async def command(arguments: list[str], env: Mapping[str, str], home: Path) -> None:
    """Run one of the product's commands to its end."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ops", *arguments),
        env=dict(env),
        cwd=home,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await running.communicate()
    if running.returncode:
        raise BenchFailed(
            f"`shiftcal {' '.join(arguments)}` failed: {said.decode(errors='replace')[-2_000:]}"
        )
