"""What a load balancer and Prometheus see of a worker."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest

from schemas.errors import OperatorError
from streams.health import health
from streams.settings import Settings


@pytest.fixture
def port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _settings(port: int) -> Settings:
    return Settings(_env_file=None, http_host="127.0.0.1", http_port=port)


async def _get(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


async def test_a_worker_that_becomes_ready(port: int) -> None:
    """Lives from the start, is ready once it says so, and not any more when it stops being."""
    ready = [False]
    async with health(_settings(port), lambda: ready[0], lambda: b"lanes 3\n"):
        assert await _get(port, "/live") == (200, "live\n")
        assert await _get(port, "/ready") == (503, "not ready\n")
        ready[0] = True
        assert await _get(port, "/ready") == (200, "ready\n")
        ready[0] = False
        assert (await _get(port, "/ready"))[0] == 503
        assert await _get(port, "/metrics") == (200, "lanes 3\n")
        assert (await _get(port, "/users"))[0] == 404


async def test_a_port_that_is_taken(port: int) -> None:
    """Ends in one line that names the setting."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(
            OperatorError, match=f"SHIFTCAL_HTTP_PORT {port} on 127.0.0.1 cannot be used"
        ) as caught:
            async with health(_settings(port), lambda: True, lambda: b""):
                pytest.fail("was served")
    assert "\n" not in str(caught.value)


async def test_no_port(port: int) -> None:
    """Serves nothing."""
    async with health(_settings(0), lambda: True, lambda: b""):
        with pytest.raises(aiohttp.ClientConnectorError):
            await _get(port, "/live")


async def test_what_is_no_request(port: int, caplog: pytest.LogCaptureFixture) -> None:
    """Is answered with 400, and not logged: whoever scans ports would fill the log with tracebacks."""
    async with health(_settings(port), lambda: True, lambda: b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /live nonsense\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.0 400")
        writer.close()
        await writer.wait_closed()
        assert caplog.records == []


async def test_a_fault_of_our_own(port: int, caplog: pytest.LogCaptureFixture) -> None:
    """Is answered with 500, and logged with what led to it."""
    async with health(_settings(port), lambda: True, lambda: 1 // 0):  # type: ignore[arg-type, return-value]
        assert (await _get(port, "/metrics"))[0] == 500
    [record] = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_the_port_after_the_end(port: int) -> None:
    """Is free again."""
    for _ in range(2):
        async with health(_settings(port), lambda: True, lambda: b""):
            assert (await _get(port, "/ready"))[0] == 200
