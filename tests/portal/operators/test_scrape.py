"""What workers say of themselves: real HTTP, of real and of odd servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from portal.operators import scrape
from portal.operators.scrape import Crew, Worker, crew
from streams.metrics import Metrics
from tests.portal.operators.office import Office


def page_of(used: int, share: int, waiting: int = 0) -> bytes:
    """The page of a worker with these numbers."""
    metrics = Metrics()
    metrics.used.set(used)
    metrics.permits.set(share)
    metrics.waiting.set(waiting)
    metrics.open.set(1)
    metrics.lanes.set(2)
    metrics.lag.labels("topic", 0).set(7)
    metrics.called("insert", "done", 0.2)
    return metrics.page()


@asynccontextmanager
async def serving(body: bytes | None, status: int = 200) -> AsyncIterator[str]:
    """An HTTP server that says this; None: nothing, ever."""
    closing = asyncio.Event()

    async def metrics(_: web.Request) -> web.Response:
        if body is None:
            await closing.wait()
        headers = {"Location": "http://127.0.0.1:1/"} if status == 302 else {}
        return web.Response(body=body, status=status, headers=headers)

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        closing.set()
        await runner.cleanup()


async def test_two_workers() -> None:
    """Their numbers are summed up."""
    async with serving(page_of(400, 5_000, 3)) as one, serving(page_of(100, 5_000)) as two:
        found = await crew([one, two])
    assert (found.used, found.share, found.left, found.waiting, found.silent) == (500, 10_000, 9_500, 3, 0)
    assert found.workers[0] == Worker(one, None, ready=True, used=400, share=5_000, waiting=3, lanes=2)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 503, "it answered 503"),
        (b"", 302, "it answered 302"),
        (b"hello", 200, "not a worker of this release"),
        (b"\xff\xff", 200, "not a worker of this release"),
        (b"shiftcal_lanes 1\n", 200, "not a worker of this release"),
    ],
)
async def test_somebody_else_listens(body: bytes, status: int, said: str) -> None:
    """It is said of that worker, and the others count."""
    async with serving(body, status) as odd, serving(page_of(1, 10)) as good:
        found = await crew([odd, good])
    assert said in str(found.workers[0].trouble)
    assert (found.silent, found.used) == (1, 1)


async def test_nobody_listens() -> None:
    """The same."""
    found = await crew(["http://127.0.0.1:1"])
    assert found == Crew((Worker("http://127.0.0.1:1", "nobody listens there"),))


async def test_a_worker_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for longer than a person waits."""
    monkeypatch.setattr(scrape, "ANSWER_S", 0.2)
    async with serving(None) as frozen, serving(page_of(1, 10)) as good:
        found = await asyncio.wait_for(crew([frozen, good]), 2)
    assert "no answer within" in str(found.workers[0].trouble)
    assert found.used == 1


async def test_on_the_page(office: Office) -> None:
    """Used and left, and plainly who cannot be reached."""
    async with serving(page_of(400, 5_000, 3)) as one:
        urls = (one, "http://127.0.0.1:1")
        object.__setattr__(
            office.world.parts, "settings", office.settings.model_copy(update={"portal_workers": urls})
        )
        said = (await office.get("")).said
    assert "400 of 5000 4600 left now; 3 calls wait" in said
    assert "1 of 2 workers cannot be reached: the numbers are too low." in said
    assert "http://127.0.0.1:1 Cannot be reached: nobody listens there" in said
    assert "The whole deployment may make 10000 per minute." in said
