"""Access tokens: one a user, renewed before it ends, by one request however many calls wait for it.

Comes in: grants, and tokens that Google refused. Goes out: access tokens. Not here: aiogoogle's refresh, which asks
once per call and mixes users up; what the endpoint's answers mean (`oauth`); the vault.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from gcal.oauth import Issued
from gcal.port import Grant
from schemas.errors import GoogleForNow

Fetch = Callable[[Grant], Awaitable[Issued]]
Clock = Callable[[], float]

#: Renewed so long before the end, so that no call begins with a token that ends on its way.
SKEW_S = 120.0
#: A token that is still good outlives a failed renewal; the next try comes so much later.
RETRY_S = 15.0


@dataclass(slots=True, eq=False)
class _Entry:
    """What is known for one user's consent; its refresh token is not kept. The times are readings of the clock."""

    connected_at: datetime
    access_token: str | None = field(default=None, repr=False)
    renew_at: float = 0.0
    ends_at: float = 0.0
    renewal: asyncio.Task[str] | None = None


class AccessTokens:
    """The cache. It holds the `most` users that were busy last."""

    def __init__(self, fetch: Fetch, most: int = 20_000, clock: Clock = time.monotonic) -> None:
        self._fetch = fetch
        self._most = most
        self._clock = clock
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._renewals: set[asyncio.Task[str]] = set()

    async def token(self, grant: Grant) -> str:
        """Return a token that is good for a while."""
        entry = self._entry(grant)
        if entry.access_token is not None and self._clock() < entry.renew_at:
            return entry.access_token
        return await self._renewed(entry, grant)

    async def after_refusal(self, grant: Grant, refused: str) -> str:
        """Return another token than the one that Google refused: a newer one that is there, or a new one."""
        entry = self._entry(grant)
        if entry.access_token == refused:
            entry.access_token = None
        return await self.token(grant)

    def forget(self, agency_id: str, user_id: str) -> None:
        """Drop the user's token: the consent ended, or its calls failed for lack of rights."""
        self._entries.pop((agency_id, user_id), None)

    async def close(self) -> None:
        """End what is under way."""
        renewals = tuple(self._renewals)
        for renewal in renewals:
            renewal.cancel()
        await asyncio.gather(*renewals, return_exceptions=True)
        self._entries.clear()

    def _entry(self, grant: Grant) -> _Entry:
        key = (grant.agency_id, grant.user_id)
        entry = self._entries.get(key)
        # A token of an earlier consent is never used for a later one: it may be another Google account's.
        if entry is None or entry.connected_at != grant.connected_at:
            entry = self._entries[key] = _Entry(grant.connected_at)
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)
        self._entries.move_to_end(key)
        return entry

    async def _renewed(self, entry: _Entry, grant: Grant) -> str:
        if entry.renewal is None:
            entry.renewal = asyncio.create_task(self._renew(entry, grant))
            self._renewals.add(entry.renewal)
            entry.renewal.add_done_callback(self._ended)
        # Shielded: who gives up waiting does not take the token from the others.
        return await asyncio.shield(entry.renewal)

    async def _renew(self, entry: _Entry, grant: Grant) -> str:
        asked_at = self._clock()
        try:
            token, lifetime = await self._fetch(grant)
        except GoogleForNow:
            if entry.access_token is None or self._clock() >= entry.ends_at:
                raise
            entry.renew_at = min(self._clock() + RETRY_S, entry.ends_at)
            return entry.access_token
        finally:
            entry.renewal = None
        entry.access_token = token
        entry.ends_at = asked_at + lifetime
        entry.renew_at = entry.ends_at - min(SKEW_S, lifetime / 2)
        return token

    def _ended(self, renewal: asyncio.Task[str]) -> None:
        self._renewals.discard(renewal)
        if not renewal.cancelled():
            renewal.exception()  # looked at here, in case everybody who waited for it has gone
