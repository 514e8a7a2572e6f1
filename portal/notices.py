"""Telling the host application of users who have to connect again, so that it can mail them.

In: who has lost the grant, as the vault's projection says. Out: signed requests to `NOTIFY_URL`, until one is answered with
2xx, and a reminder each day for as long as it lasts. Not here: which notice is due (`vault.notices`), and mails.

Level-triggered: each round compares who is lost with who is known to be, so nothing that a crash or an outage swallowed stays
unsaid. The answer to a notice may be lost, so one may come twice: it then has the same `Idempotency-Key`.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

import aiohttp

from portal.webhook import request_of
from vault import VaultUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from portal.projecting.freshness import Freshness
    from portal.webhook import Headers
    from schemas.outputs import SyncStatus
    from streams.settings import Settings
    from vault import Notice, Person, Vault

log = logging.getLogger(__name__)

#: Seconds between two rounds.
ROUND_S: Final = 5.0
#: A host application that takes longer has not answered.
ANSWER_S: Final = 10.0
#: So many at once, and so many in one go: all of them are answered well before the vault lends them to somebody else.
AT_ONCE: Final = 8
IN_ONE_GO: Final = 64
#: The first wait after a failure, and the longest: a host application that is down for a day is not asked all the time.
FIRST_WAIT: Final = timedelta(seconds=10)
LONGEST_WAIT: Final = timedelta(hours=1)
_PAGE: Final = 200
_LOST: Final = "needs_reauthorization"
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Lost(NamedTuple):
    """Somebody who has to connect again, and when the connection was made that is lost."""

    status: SyncStatus
    connected_at: datetime


class NotTaken(Exception):
    """The host application did not take a notice; the text says why and quotes nothing of it."""

    def __init__(self, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = None if retry_after_s is None else timedelta(seconds=retry_after_s)


class Notifier:
    """One per portal; several may run beside each other."""

    def __init__(
        self,
        settings: Settings,
        vault: Vault,
        freshness: Freshness,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take what it works with; the settings name an address. Nothing is said while the projection is late: it may name who is back by now."""
        self._settings, self._vault, self._freshness, self._now = settings, vault, freshness, now
        self.trouble: str | None = None
        #: Of whom was looked up when they connected, at which status.
        self._looked: dict[Person, datetime] = {}

    async def run(self) -> NoReturn:
        """Tell until cancelled."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": "Shiftcal"}) as session:
            while True:
                try:
                    if self._freshness.is_current:
                        await self.round(session)
                except VaultUnavailable as error:
                    log.warning("notices wait: %s", error, extra={"decision": "notices_wait"})
                await asyncio.sleep(ROUND_S)

    async def round(self, session: aiohttp.ClientSession) -> None:
        """Note who is lost and who is back, then send what is due."""
        notices = self._vault.notices
        known = await notices.open_()
        lost = await self._lost(known)
        for person, since in list(known.items()):
            # Connected since: between this loss and the one that is known the user was back, so it is another one.
            if person not in lost or lost[person].connected_at > since:
                await notices.settle(*person)
                del known[person]
        for person, (status, _) in lost.items():
            if person not in known:
                reason = status.last_error.code if status.last_error else _LOST
                await notices.raise_(*person, reason, self._now())
        while due := await notices.due(self._now(), IN_ONE_GO):
            await self._send(session, due, lost)

    async def _lost(self, known: Collection[Person]) -> dict[Person, Lost]:
        found: dict[Person, Lost] = {}
        looked: dict[Person, datetime] = {}
        after: Person | None = None
        while page := await self._vault.projection.search(state=_LOST, after=after, limit=_PAGE):
            for one in page:
                after = person = (one.status.agency_id, one.status.user_id)
                looked[person] = one.at
                if person in known and self._looked.get(person) == one.at:  # nothing is new about it
                    found[person] = Lost(one.status, _LONG_AGO)
                    continue
                info = await self._vault.connection_info(*person)
                connected_at = info.connected_at if info else _LONG_AGO
                # A status from before the connect says nothing of it: a newer one is on its way.
                if info is None or info.state != "live" or connected_at <= one.at:
                    found[person] = Lost(one.status, connected_at)
        self._looked = looked
        return found

    async def _send(
        self, session: aiohttp.ClientSession, due: list[Notice], lost: dict[Person, Lost]
    ) -> None:
        turn = asyncio.Semaphore(AT_ONCE)

        async def tell(notice: Notice) -> None:
            known = lost.get((notice.agency_id, notice.user_id))
            if known is None:  # raised by another portal a moment ago: the next round knows
                await self._vault.notices.failed(notice.id, self._now() + FIRST_WAIT, "")
                return
            async with turn:
                await self._tell(session, notice, known.status)

        await asyncio.gather(*map(tell, due))

    async def _tell(self, session: aiohttp.ClientSession, notice: Notice, status: SyncStatus) -> None:
        url, key = self._settings.notify_url, self._settings.notify_key
        assert url is not None  # noqa: S101  nobody runs this without an address
        assert key is not None  # noqa: S101  nor do the settings
        body, headers = request_of(notice, status, key.get_secret_value(), self._now())
        try:
            await _post(session, url, body, headers)
        except NotTaken as error:
            self.trouble = str(error)
            wait = waited(notice.attempts, error.retry_after, random.random())  # noqa: S311  spreads attempts
            fields = {
                "decision": "notice_not_taken",
                "count": notice.attempts + 1,
                "seconds": wait.total_seconds(),
            }
            log.warning("notice %s was not taken (%s); it is sent again", notice.id, error, extra=fields)
            await self._vault.notices.failed(notice.id, self._now() + wait, str(error))
        else:
            self.trouble = None
            await self._vault.notices.delivered(notice.id, self._now())


def waited(attempts: int, retry_after: timedelta | None, dice: float) -> timedelta:
    """Return how long to wait after so many attempts failed before: twice as long each time, and up to a fifth more."""
    wait = min(FIRST_WAIT * (1 << min(attempts, 10)), LONGEST_WAIT)
    return max(wait, min(retry_after or wait, timedelta(days=1))) * (1 + dice / 5)


async def _post(session: aiohttp.ClientSession, url: str, body: bytes, headers: Headers) -> None:
    try:
        # No redirects: what is signed for one address is for nobody else.
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            if answer.ok and answer.status < 300:
                return
            raise NotTaken(f"it answered {answer.status}", _seconds(answer.headers.get("Retry-After")))
    except TimeoutError:
        raise NotTaken("it did not answer in time") from None
    except (aiohttp.ClientError, OSError) as error:
        raise NotTaken(f"it cannot be reached: {type(error).__name__}") from None


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() and len(text) < 7 else None
