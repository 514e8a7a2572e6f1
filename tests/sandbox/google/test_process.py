"""The stand-in as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys

import aiohttp
import pytest
from yarl import URL

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


@pytest.mark.parametrize(
    ("options", "asked", "status"),
    [
        (("--host", "0.0.0.0"), "standin:8090", 403),  # noqa: S104 - as among containers
        (("--host", "0.0.0.0", "--name", "StandIn"), "standin:8090", 200),  # noqa: S104
        (("--host", "0.0.0.0", "--name", "standin"), "evil.example:8090", 403),  # noqa: S104
        (("--host", "0.0.0.0", "--name", "standin"), "standin.evil.example:8090", 403),  # noqa: S104
        (("--name", "standin"), "localhost", 200),
    ],
)
async def test_asked_by_another_name(
    session: aiohttp.ClientSession, options: tuple[str, ...], asked: str, status: int
) -> None:
    """Names are those of this machine and those that were given; listening everywhere adds none."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.google", "--no-check", *options), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        url = URL((await process.stdout.readline()).decode().split()[-1])
        assert url.host == (options[1] if options[0] == "--host" else "127.0.0.1")
        for path in ("/", "/_standin/stats"):
            async with session.get(
                url.with_host("127.0.0.1").with_path(path), headers={"Host": asked}
            ) as answer:
                assert answer.status == status
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
