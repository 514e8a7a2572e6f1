"""The stand-in for Google, as a process of its own: no latency, no quota, no check against the discovery document.

Comes in: accounts to make. Goes out: refresh tokens, and the journal of what arrived. Not here: its rules.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import aiohttp

from bench.processes import BenchFailed, Process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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
    committed: bool
    answered: float | None
    """When it was answered; None while it is under way."""


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
        return str((await self._ask("POST", "accounts", {"account": account}))["refresh_token"])

    async def slow(self, milliseconds: float) -> None:
        """Let every answer of the API take so long on top."""
        await self._ask("PUT", "settings", {"latency_ms": milliseconds})

    async def keep_bodies(self) -> None:
        """Let the journal keep what was sent, for those who look at it."""
        await self._ask("PUT", "settings", {"keep_bodies": True})

    async def forget(self) -> None:
        """Forget the journal; the calendars stay."""
        await self._ask("POST", "reset", {"journal_only": True})

    async def events(self, account: str) -> list[dict[str, Any]]:
        """Return what stands in an account's calendar."""
        found: list[dict[str, Any]] = (await self._ask("GET", f"calendars/{quote(account)}/events"))["items"]
        return found

    async def access_token(self, account: str) -> str:
        """Make an account and return an access token for it."""
        return str((await self._ask("POST", "accounts", {"account": account}))["access_token"])

    async def mark(self) -> int:
        """Return where the journal stands now."""
        return int((await self._ask("GET", "stats"))["entries"])

    async def calls(self, since: int) -> list[Arrival]:
        """Return every call of the Calendar API since a mark, in order of arrival."""
        return [_arrival(each) for each in await self.journal(since) if each["method"].startswith("events.")]

    async def journal(self, since: int) -> list[dict[str, Any]]:
        """Return every entry since a mark, those of the token endpoint too."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self._ask("GET", f"journal?since={since}&limit={_PAGE}")
            found += page["entries"]
            if len(page["entries"]) < _PAGE:
                return found
            since = page["next"]

    async def until_written(
        self, since: int, count: int, deadline: float = 300.0, check: Callable[[], None] | None = None
    ) -> list[Arrival]:
        """Wait until so many writes since a mark have changed a calendar and nothing is under way; return all calls."""
        end, reached, seen = time.monotonic() + deadline, since, 0
        while True:
            fresh = await self.journal(reached)
            reached += len(fresh)
            seen += sum(each["method"] in WRITES for each in fresh)
            if seen >= count:
                calls = await self.calls(since)
                if all(call.answered for call in calls) and sum(call.committed for call in calls) >= count:
                    return calls
            if check is not None:
                check()
            if time.monotonic() > end:
                raise BenchFailed(f"waited {deadline:.0f} s in vain for {count} writes; {seen} came")
            await asyncio.sleep(0.1)

    async def until_title(
        self,
        account: str,
        event: str,
        title: str,
        deadline: float = 120.0,
        check: Callable[[], None] | None = None,
    ) -> None:
        """Wait until an event in an account's calendar has this title."""
        end = time.monotonic() + deadline
        while True:
            found = {one["id"]: one["summary"] for one in await self.events(account)}
            if found.get(event) == title:
                return
            if check is not None:
                check()
            if time.monotonic() > end:
                raise BenchFailed(f"waited {deadline:.0f} s in vain for the newest title of an event")
            await asyncio.sleep(0.05)

    async def until_quiet(self, since: int) -> None:
        """Wait until no call has come for a second and none is under way."""
        while True:
            calls = await self.calls(since)
            newest = max((call.at for call in calls), default=0.0)
            if time.time() - newest > 1.0 and all(call.answered for call in calls):
                return
            await asyncio.sleep(0.1)

    async def _ask(self, verb: str, path: str, body: Any = None) -> Any:
        async with self._http.request(verb, f"{self.url}/_standin/{path}", json=body) as answer:
            said = await answer.json(content_type=None)
            if answer.status != HTTPStatus.OK:
                raise BenchFailed(f"the stand-in refused {verb} {path.partition('?')[0]}: {said}")
            return said


def _arrival(entry: dict[str, Any]) -> Arrival:
    answered = entry["answered_mono"]
    return Arrival(
        entry["at"],
        entry["event_id"] or "",
        entry["method"],
        entry["status"],
        entry["account"] or "",
        entry["committed"],
        None if answered is None else entry["at"] + answered - entry["mono"],
    )
