"""A hand on a stand-in that is a process of its own: the admin routes as methods.

In: its address. Out: accounts, calendars, calls. An error of HTTP leaves as aiohttp's. Not here: what the routes do (`admin.py`).
"""

from __future__ import annotations

from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from sandbox.google.errors import Json

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
_PAGE: Final = 5_000


class RemoteStandIn:
    """A stand-in elsewhere; use `async with`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=_TIMEOUT, raise_for_status=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def answers(self) -> bool:
        """Whether a stand-in is there; Google itself, or nobody, is none."""
        try:
            return bool((await self.ask("GET", "health"))["ok"])
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError):
            return False

    async def grants(self) -> dict[str, int]:
        """How many consents each account has open."""
        accounts = (await self.ask("GET", "accounts"))["accounts"]
        return {one["account"]: one["refresh_tokens"] for one in accounts}

    async def connect(self, account: str, time_zone: str) -> str:
        """Make the account, if it is new, and have it consent: a refresh token."""
        body = {"account": account, "time_zone": time_zone}
        return str((await self.ask("POST", "accounts", body))["refresh_token"])

    async def events(self, calendar: str) -> list[Json]:
        """What stands on a calendar."""
        found: list[Json] = (await self.ask("GET", f"calendars/{quote(calendar, safe='')}/events"))["items"]
        return found

    async def add_event(self, calendar: str, event: Json) -> None:
        """Write an event as the calendar's own user."""
        await self.ask("POST", f"calendars/{quote(calendar, safe='')}/events", event)

    async def mark(self) -> int:
        """Where the journal stands now."""
        return int((await self.ask("GET", "stats"))["entries"])

    async def calls(self, since: int = 0) -> list[Json]:
        """Every call of the calendar API since a mark, as `journal.Entry` writes it."""
        found: list[Json] = []
        while True:
            page = await self.ask("GET", f"journal?since={since}&limit={_PAGE}")
            found += [entry for entry in page["entries"] if entry["method"].startswith("events.")]
            if len(page["entries"]) < _PAGE:
                return found
            since = page["next"]

    async def ask(self, verb: str, path: str, body: Json | None = None) -> Any:
        """One admin route, its path escaped already."""
        async with self._http.request(
            verb, URL(f"{self.url}/_standin/{path}", encoded=True), json=body
        ) as answer:
            return await answer.json()
