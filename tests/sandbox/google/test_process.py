"""The stand-in as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys

import aiohttp

from tests.sandbox.google.client import Client, timed


async def test_process_from_start_to_signal(session: aiohttp.ClientSession) -> None:
    """It says where it listens, keeps the limits of its command line, and ends cleanly on SIGTERM."""
    limits = ("--latency-ms", "1", "--project-per-minute", "50", "--user-per-minute", "2")
    options = ("--port", "0", "--consent-page", *limits)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.google", *options, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode().split()
        assert line[:2] == ["listening", "on"]
        client = Client(session, line[2], "")
        client.token = (await client.admin("POST", "accounts", {"account": "a@b.example"})).json[
            "access_token"
        ]
        statuses = [(await client.insert(timed(id=f"shift{n}"))).status for n in range(3)]
        assert statuses == [200, 200, 403]
        quota = (await client.admin("GET", "quota")).json
        assert (quota["project_per_minute"], quota["user_per_minute"], quota["project_peak"]) == (50, 2, 2)
        settings = (await client.admin("GET", "settings")).json
        assert (settings["latency_ms"], settings["consent_page"]) == (1.0, True)
    finally:
        process.send_signal(signal.SIGTERM)
        code = await process.wait()
    assert code == 0
