"""The demo runs on nothing but this machine, checks itself, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from sandbox.data import Upstream
from sandbox.month import TIME_ZONE

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def demo(home: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops.main", "demo", *arguments),
        cwd=home,
        env=environment(home),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def environment(home: Path) -> Mapping[str, str]:
    """Somebody's own settings, which must not reach the demo, and a place of its own for temporary files."""
    temporary = home / "tmp"
    temporary.mkdir()
    (home / ".env").write_text("SHIFTCAL_APP_ID=somebody-elses\n")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SHIFTCAL_")}
    own = {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "SHIFTCAL_TOPIC_PREFIX": "somebody-elses."}
    return inherited | own


def left_behind(home: Path) -> list[str]:
    """Temporary files, and, where the system tells, processes that were started with this home."""
    found = [path.name for path in (home / "tmp").iterdir()]
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            mine = f"TMPDIR={home / 'tmp'}".encode() in process.read_bytes().split(b"\0")
        except OSError:  # it has just ended, or is somebody else's
            continue
        found += [f"process {process.parent.name}"] if mine else []
    return found


async def test_the_script(tmp_path: Path) -> None:
    """Every step ends with the calendars that were worked out from the messages alone."""
    async with demo(tmp_path, "--script") as process:
        out, err = await asyncio.wait_for(process.communicate(), 150)
    lines = out.decode().splitlines()
    assert process.returncode == 0, err.decode()
    assert len(lines) == 15
    assert all(line.endswith("as expected") for line in lines[1:-1])
    assert "at the median" in lines[-1]
    assert left_behind(tmp_path) == []


async def test_the_page(tmp_path: Path) -> None:
    """A button tells what its change cost; Ctrl-C in the middle of another one ends everything."""
    before = assigned_shifts()
    async with demo(tmp_path, "--port", "0") as process, aiohttp.ClientSession() as session:
        assert process.stdout is not None
        url = ""
        while not url:
            line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
            assert line, "it ended before the page was there"
            url = next((word for word in line.split() if word.startswith("http://")), "")
        published = await press(session, f"{url}/demo/publish")
        planned = await press(session, f"{url}/demo/class")
        waiting = asyncio.create_task(press(session, f"{url}/demo/break"))
        await asyncio.sleep(1)
        refused = await press(session, f"{url}/demo/edit")
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), 30)
        await asyncio.wait({waiting})
        waiting.exception()
    # The demo takes its month from the clock: midnight may have passed between the two counts.
    assert any(f" {n} events changed, {n} calls," in published for n in (before, assigned_shifts()))
    assert planned == "add a class: 0 events changed, 0 calls"
    assert refused.startswith("Still at it")
    assert (process.returncode, err) == (0, b"")
    assert left_behind(tmp_path) == []


def assigned_shifts() -> int:
    """How many shifts of the demo's month, as of today, are somebody's."""
    rosters = Upstream(datetime.now(ZoneInfo(TIME_ZONE)).date()).rosters()
    return sum(bool(change["shift"]["user_id"]) for roster in rosters for change in roster.value["changes"])


async def press(session: aiohttp.ClientSession, url: str) -> str:
    async with session.post(url) as answer:
        return await answer.text()


async def test_the_port_is_taken(tmp_path: Path) -> None:
    """One line says so, before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with demo(tmp_path, "--port", str(port)) as process:
            out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert out == b""
    assert err.decode() == f"shiftcal: port {port} of 127.0.0.1 is taken: choose another one with --port\n"
    assert left_behind(tmp_path) == []


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux tells what others run with")
async def test_ctrl_c_while_it_starts(tmp_path: Path) -> None:
    """The worker has hardly begun to import; it ends as well."""
    async with demo(tmp_path, "--script") as process:
        assert process.stdout is not None
        await asyncio.wait_for(process.stdout.readline(), 60)
        await worker_exists(tmp_path, process.pid)
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert left_behind(tmp_path) == []


async def worker_exists(home: Path, demo_pid: int) -> None:
    for _ in range(1000):
        if any(name.startswith("process ") and name != f"process {demo_pid}" for name in left_behind(home)):
            return
        await asyncio.sleep(0.02)
    pytest.fail("the demo started no worker")
