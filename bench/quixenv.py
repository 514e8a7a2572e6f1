"""The environment of the Quix Streams peer: its pins of confluent-kafka and pydantic are not the product's.

Comes in: `bench/peers/requirements-quix.txt`. Goes out: the Python of `.venv-quix`, made once. Not here: the peer.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bench.processes import ROOT, BenchFailed

REQUIREMENTS = Path(__file__).parent / "peers" / "requirements-quix.txt"
VENV = ROOT / ".venv-quix"


async def python() -> Path:
    """Return the interpreter; the first time, or after a change of the pins, this installs for a minute."""
    found, stamp = VENV / "bin" / "python", VENV / "requirements.txt"
    wanted = REQUIREMENTS.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        await _run(sys.executable, "-m", "venv", str(VENV))
        await _run(str(found), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS))
        stamp.write_text(wanted)
    return found


async def _run(*command: str) -> None:
    running = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await running.communicate()
    if running.returncode:
        raise BenchFailed(f"`{' '.join(command)}` failed: {said.decode(errors='replace')[-2_000:]}")
