"""Raw aiohttp posting the very bodies that the product's inserts have, to the same stand-in.

Comes in: a crew. Goes out: inserts a second. Bodies are made and tokens fetched beforehand; as many calls are under way as
the product allows itself. Not here: anything that could go wrong, or twice.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aiohttp
import orjson

from planning.body import insert_body, render
from planning.observation import names_of
from planning.shifts import wish_of
from schemas.messages import Shift
from schemas.policy import Policy
from streams.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.crew import Crew
    from bench.google import Google

CALLS: int = Settings.model_fields["google_calls"].default


def body(crew: Crew, shift: int, version: int) -> bytes:
    """Return the body of the insert that the product sends for a shift."""
    wanted = wish_of(Shift.model_validate_json(orjson.dumps(crew.shift(shift, version))))
    rendered = render(crew.calendar, crew.shift_id(shift), wanted, Policy())
    names = names_of(crew.agency, crew.calendar, crew.shift_id(shift), version, rendered.fingerprint)
    return orjson.dumps(insert_body(crew.event(shift), rendered, names))


async def post(google: Google, crew: Crew, version: int = 1) -> float:
    """Insert every shift of the crew; return inserts a second, from the first request to the last answer."""
    users = crew.names()
    tokens = {user: await google.access_token(crew.account(user)) for user in users}
    # User after user in turn, as a publication goes.
    work = iter(
        [(tokens[crew.user(shift)], body(crew, shift, version)) for shift in crew.spread(len(crew.shifts))]
    )
    connector = aiohttp.TCPConnector(limit=CALLS)
    async with aiohttp.ClientSession(connector=connector, raise_for_status=True) as http:
        url = f"{google.url}/calendar/v3/calendars/primary/events?sendUpdates=none"
        # Connections are open before anything is timed, as the product's are.
        await asyncio.gather(*(_say_hello(http, google.url) for _ in range(CALLS)))
        began = time.monotonic()
        await asyncio.gather(*(_one_after_another(http, url, work) for _ in range(CALLS)))
        return len(crew.shifts) / (time.monotonic() - began)


async def _say_hello(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(f"{url}/_standin/health") as answer:
        await answer.read()


async def _one_after_another(
    http: aiohttp.ClientSession, url: str, work: Iterator[tuple[str, bytes]]
) -> None:
    for token, data in work:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with http.post(url, data=data, headers=headers) as answer:
            await answer.read()
