"""Asks, then writes, many at once: what the peers on asyncio share. aiogoogle, one instance and one session for all.

Comes in: changes. Goes out: events; changes of one event one after the other, `CALLS` calls at a time. Tuned as aiogoogle
needs it: connections for all calls (its session's default is 100), a refresh per user behind a lock (it has none), and
orjson.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from http import HTTPStatus
from typing import Any, Self

import aiohttp
import orjson
from aiogoogle import Aiogoogle, GoogleAPI
from aiogoogle.auth.creds import ClientCreds, UserCreds
from aiogoogle.excs import HTTPError
from aiogoogle.sessions.aiohttp_session import AiohttpSession

from bench.peers.common import CALLS, Change, Job, discovery


class Writer:
    """Everybody's calendar."""

    def __init__(self, job: Job) -> None:
        client = ClientCreds(client_id="bench", client_secret="bench")  # noqa: S106 - the stand-in takes any
        self._google = Aiogoogle(session_factory=_session, client_creds=client)
        oauth = self._google.oauth2
        oauth.openid_configs = {**oauth.openid_configs, "token_endpoint": f"{job.google}/token"}
        self.events = GoogleAPI({**discovery(), "rootUrl": f"{job.google}/"}).events
        self._creds = {user: UserCreds(refresh_token=token) for user, token in job.tokens.items()}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._calls = asyncio.Semaphore(CALLS)
        self._last: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        """Open the session. Tasks see it that were made after this: aiogoogle keeps it in a context variable."""
        await self._google.__aenter__()
        return self

    async def __aexit__(self, *how: object) -> None:
        """Close the session."""
        await self._google.__aexit__(*how)

    def submit(self, change: Change) -> asyncio.Task[None]:
        """Write this once the change of the same event before it is written."""
        event = change.event["id"]
        task = asyncio.create_task(self._after(self._last.get(event), change))
        self._last[event] = task
        return task

    async def drain(self) -> None:
        """Wait until all is written."""
        while self._last:
            await asyncio.gather(*self._last.values())

    async def call(self, user: str, request: Any) -> Any:
        """Make one call for a user."""
        async with self._calls:
            async with self._locks[user]:
                _, self._creds[user] = await self._google.oauth2.refresh(
                    self._creds[user], client_creds=self._google.client_creds
                )
            return await self._google.as_user(request, user_creds=self._creds[user])

    async def _after(self, before: asyncio.Task[None] | None, change: Change) -> None:
        if before is not None:
            await before
        await self._write(change)
        if self._last.get(change.event["id"]) is asyncio.current_task():
            del self._last[change.event["id"]]

    async def _write(self, change: Change) -> None:
        event_id = change.event["id"]
        try:
            found = await self.call(change.user, self.events.get(calendarId="primary", eventId=event_id))
        except HTTPError as error:
            if error.res.status_code != HTTPStatus.NOT_FOUND:
                raise
            await self.call(change.user, self.events.insert(calendarId="primary", json=change.event))
            return
        if not change.is_old(found):
            event = {name: value for name, value in change.event.items() if name != "id"}
            request = self.events.patch(calendarId="primary", eventId=event_id, json=event)
            await self.call(change.user, request)


def _session() -> AiohttpSession:
    connector = aiohttp.TCPConnector(limit=CALLS)
    return AiohttpSession(connector=connector, json_serialize=lambda value: orjson.dumps(value).decode())
