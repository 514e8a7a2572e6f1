"""Bad days: errors, silence, closed connections."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from sandbox.google import StandIn
from tests.sandbox.google.client import Client, timed, without_id
from tests.sandbox.google.conftest import ANNA, BEN


def _held(standin: StandIn) -> int:
    return len(standin.state.calendars[ANNA].events)


async def test_next_calls_with_status_and_reason(standin: StandIn, anna: Client) -> None:
    """Exactly the next N matching calls are struck, and do nothing."""
    standin.faults.add(
        "status", method="events.insert", times=2, status=500, reason="backendError", retry_after="7"
    )
    listed = await anna.listing()
    replies = [await anna.insert(timed()) for _ in range(3)]
    assert (listed.status, [reply.status for reply in replies]) == (200, [500, 500, 200])
    assert (replies[0].reason, replies[0].headers["Retry-After"]) == ("backendError", "7")


async def test_html_page_instead_of_json(standin: StandIn, anna: Client) -> None:
    """What a front end of Google's answers when it is overloaded."""
    standin.faults.add("html", times=1)
    reply = await anna.insert(timed())
    assert (reply.status, reply.json, reply.headers["Content-Type"]) == (
        503,
        None,
        "text/html; charset=UTF-8",
    )
    assert _held(standin) == 0


@pytest.mark.parametrize(("commit", "held"), [(False, 0), (True, 1)])
async def test_connection_dropped(standin: StandIn, anna: Client, *, commit: bool, held: int) -> None:
    """The caller sees the same, whether the event stands or not."""
    standin.faults.add("drop", method="events.*", times=1, commit=commit)
    with pytest.raises(aiohttp.ClientError):
        await anna.insert(timed())
    assert _held(standin) == held
    entry = standin.journal.entries[0]
    assert (entry.status, entry.committed) == (None, commit)
    assert (await anna.insert(timed())).status == (409 if commit else 200)


@pytest.mark.parametrize(("commit", "held"), [(False, 0), (True, 1)])
async def test_no_answer_at_all(standin: StandIn, anna: Client, *, commit: bool, held: int) -> None:
    """The caller's own timeout ends the wait."""
    standin.faults.add("hang", commit=commit)
    with pytest.raises(TimeoutError):
        await anna.insert(timed(), timeout=aiohttp.ClientTimeout(total=0.2))
    assert _held(standin) == held


async def test_hang_that_ends(standin: StandIn, anna: Client) -> None:
    """After its seconds the connection is closed."""
    standin.faults.add("hang", seconds=0.1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await anna.listing()


async def test_stop_while_a_request_hangs(session: aiohttp.ClientSession) -> None:
    """The server does not wait for it."""
    standin = StandIn()
    await standin.start()
    client = Client(session, standin.url, standin.connect(ANNA).access_token)
    standin.faults.add("hang")
    waiting = asyncio.create_task(client.listing())
    await asyncio.sleep(0.3)
    assert len(standin.journal.entries) == 1
    began = time.monotonic()
    await standin.stop()
    assert time.monotonic() - began < 2
    with pytest.raises(aiohttp.ClientError):
        await waiting


async def test_empty_body(standin: StandIn, anna: Client) -> None:
    """200 and nothing; after the commit the event stands."""
    standin.faults.add("empty", times=1, commit=True)
    reply = await anna.insert(timed())
    assert (reply.status, reply.text, _held(standin)) == (200, "", 1)


async def test_unauthorized(standin: StandIn, anna: Client) -> None:
    """A 401 out of the blue."""
    standin.faults.add("unauthorized", times=1)
    assert [(await anna.listing()).status for _ in range(2)] == [401, 200]


async def test_latency(standin: StandIn, anna: Client) -> None:
    """Answers come later, and come right; a rule beside it still strikes."""
    standin.faults.add("latency", latency_ms=120)
    standin.faults.add("status", times=1)
    standin.latency_ms = 80
    began = time.monotonic()
    assert (await anna.listing()).status == 503
    assert time.monotonic() - began >= 0.2


async def test_caller_who_gives_up_while_google_works(standin: StandIn, anna: Client) -> None:
    """A timeout in the client does not undo the work in the server."""
    standin.latency_ms = 200
    with pytest.raises(TimeoutError):
        await anna.insert(timed(), timeout=aiohttp.ClientTimeout(total=0.05))
    standin.latency_ms = 0
    for _ in range(100):
        await asyncio.sleep(0.01)
        if _held(standin):
            break
    assert _held(standin) == 1


async def test_fault_of_one_account(standin: StandIn, anna: Client, ben: Client) -> None:
    """The others have a good day."""
    standin.faults.add("status", account=BEN)
    assert ((await anna.listing()).status, (await ben.listing()).status) == (200, 503)


async def test_share_with_a_seed(standin: StandIn, anna: Client) -> None:
    """The same seed strikes the same calls, about as many as the share says."""

    async def struck() -> list[int]:
        standin.faults.clear()
        standin.faults.add("status", method="events.insert", share=0.3, seed=5)
        return [(await anna.insert(without_id(timed()))).status for _ in range(60)]

    first, second = await struck(), await struck()
    assert first == second
    assert 8 <= first.count(503) <= 30


async def test_span_of_time(standin: StandIn, anna: Client) -> None:
    """A rule begins and ends by itself."""
    standin.faults.add("status", after_s=0.1, for_s=0.2)
    statuses = []
    for _ in range(3):
        statuses.append((await anna.listing()).status)
        await asyncio.sleep(0.17)
    assert statuses == [200, 503, 200]


async def test_token_endpoint_in_trouble(standin: StandIn, session: aiohttp.ClientSession) -> None:
    """Faults reach the OAuth endpoints, in the shape of those."""
    token = standin.connect(ANNA).refresh_token
    standin.faults.add("status", times=1, status=500, reason="internal_failure")
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "c", "client_secret": "s"}
    async with session.post(standin.token_url, data=form) as response:
        assert (response.status, (await response.json())["error"]) == (500, "internal_failure")
    async with session.post(standin.token_url, data=form) as response:
        assert response.status == 200
