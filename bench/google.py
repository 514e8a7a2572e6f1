"""The stand-in for Google, as a process of its own: no latency, no quota, no check against the discovery document.

Comes in: accounts to make. Goes out: refresh tokens, and the journal of what arrived. Not here: its rules.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import aiohttp

from bench.processes import BenchFailed, Process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WRITES = frozenset({"events.insert", "events.patch", "events.update", "events.delete"})
_PAGE = 5_000


class Arrival(NamedTuple):
    """One call of the Calendar API that reached Google, at this wall clock time."""

    at: float
    event_id: str
    method: str
    status: int | None
    account: str


class Google:
    """The stand-in and an HTTP session to it."""

    def __init__(self, env: Mapping[str, str], home: Path) -> None:
        self._process = Process(["sandbox.google", "--no-check"], env, home / "google.log")
        self.url = ""

    async def start(self) -> None:
        """Wait for its address."""
        self._http = aiohttp.ClientSession()
        for _ in range(300):
            self._process.check()
            if "listening on " in (said := self._process.said()):
                self.url = said.partition("listening on ")[2].split()[0]
                return
            await asyncio.sleep(0.1)
        raise BenchFailed("the stand-in did not start")

    async def stop(self) -> None:
        """End it, with all its calendars."""
        await self._http.close()
        await self._process.stop()

    async def token(self, account: str) -> str:
        """Make an account and return a refresh token for it."""
        async with self._http.post(f"{self.url}/_standin/accounts", json={"account": account}) as answer:
            made = await answer.json()
        return str(made["refresh_token"])

    async def mark(self) -> int:
        """Return where the journal stands now."""
        async with self._http.get(f"{self.url}/_standin/stats") as answer:
            return int((await answer.json())["entries"])

    async def calls(self, since: int) -> list[Arrival]:
        """Return every call of the Calendar API since a mark, in order of arrival."""
        found: list[Arrival] = []
        while True:
            address = f"{self.url}/_standin/journal?since={since}&limit={_PAGE}"
            async with self._http.get(address) as answer:
                page = await answer.json()
            found += [
                Arrival(
                    each["at"], each["event_id"] or "", each["method"], each["status"], each["account"] or ""
                )
                for each in page["entries"]
                if each["method"].startswith("events.")
            ]
            if len(page["entries"]) < _PAGE:
                return found
            since = page["next"]
