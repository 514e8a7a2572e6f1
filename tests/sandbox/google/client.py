"""A bare client of the stand-in: what goes in and comes out, nothing decided in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

Json = dict[str, Any]

ID = "bgs" + "0" * 52
NEW_YORK = "America/New_York"


@dataclass(frozen=True)
class Reply:
    """One answer, read to its end."""

    status: int
    json: Any
    headers: Mapping[str, str]
    text: str

    @property
    def reason(self) -> str:
        """Google's reason word of a refusal."""
        return str(self.json["error"]["errors"][0]["reason"])


@dataclass
class Client:
    """Calls of one account."""

    session: aiohttp.ClientSession
    url: str
    token: str

    async def call(self, verb: str, path: str, body: Any = None, **options: Any) -> Reply:
        """Any call below the API's root."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        url = f"{self.url}/calendar/v3/{path}"
        async with self.session.request(verb, url, json=body, headers=headers, **options) as response:
            return await read(response)

    async def insert(self, body: Json, calendar: str = "primary", **options: Any) -> Reply:
        """events.insert."""
        return await self.call("POST", f"calendars/{calendar}/events", body, **options)

    async def get(self, event_id: str = ID, **options: Any) -> Reply:
        """events.get."""
        return await self.call("GET", f"calendars/primary/events/{event_id}", **options)

    async def update(self, body: Json, event_id: str = ID, **options: Any) -> Reply:
        """events.update."""
        return await self.call("PUT", f"calendars/primary/events/{event_id}", body, **options)

    async def patch(self, body: Json, event_id: str = ID, **options: Any) -> Reply:
        """events.patch."""
        return await self.call("PATCH", f"calendars/primary/events/{event_id}", body, **options)

    async def delete(self, event_id: str = ID, **options: Any) -> Reply:
        """events.delete."""
        return await self.call("DELETE", f"calendars/primary/events/{event_id}", **options)

    async def listing(self, calendar: str = "primary", **query: Any) -> Reply:
        """events.list."""
        return await self.call("GET", f"calendars/{calendar}/events", params=query)

    async def ids(self, **query: Any) -> list[str]:
        """The ids of one page."""
        reply = await self.listing(**query)
        assert reply.status == 200, reply.text
        return [item["id"] for item in reply.json["items"]]

    async def admin(self, verb: str, path: str, body: Any = None, **options: Any) -> Reply:
        """An admin route."""
        async with self.session.request(
            verb, f"{self.url}/_standin/{path}", json=body, **options
        ) as response:
            return await read(response)


async def read(response: aiohttp.ClientResponse) -> Reply:
    """An answer as a value."""
    text = await response.text()
    is_json = bool(text) and response.content_type == "application/json"
    return Reply(response.status, await response.json() if is_json else None, response.headers, text)


def timed(
    start: str = "2026-12-02T07:00:00-05:00", end: str = "2026-12-02T19:00:00-05:00", **more: Any
) -> Json:
    """A shift with times."""
    sides = {
        side: {"dateTime": time, "timeZone": NEW_YORK} for side, time in (("start", start), ("end", end))
    }
    return {"id": ID, "summary": "Medic 12 Day", **sides, **more}


def all_day(start: str = "2026-12-02", end: str = "2026-12-03", **more: Any) -> Json:
    """An all-day shift."""
    return {"id": ID, "summary": "On call", "start": {"date": start}, "end": {"date": end}, **more}


def without_id(body: Json) -> Json:
    """The same event, its id left to Google."""
    return {key: value for key, value in body.items() if key != "id"}
