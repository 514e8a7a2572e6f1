"""Commands to the workers, over Kafka.

Comes in: a user and what is asked. Goes out: a message on `sync-commands`, as any other producer writes it; `NotPassedOn` where
Kafka does not take it in time. The portal starts, and shows what it has, while Kafka is away: the producer is started by the
first message that needs it, and made anew when it could not.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aiokafka.errors import KafkaError

from portal.parts import NotPassedOn, utc_now
from schemas.facts import PreferencesSet
from streams.codec import key
from streams.commands import message
from streams.outbox import send_announcements
from streams.preferences import choose
from streams.reach import broker_of, names_of
from streams.sender import Sender
from vault import VaultUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from datetime import datetime

    from schemas.preferences import Preferences
    from streams.settings import Settings
    from vault import Vault

log = logging.getLogger(__name__)

#: A person waits meanwhile.
_PATIENCE_S: Final = 5.0


class KafkaCommands:
    """The commands of one portal. Close it at the end."""

    def __init__(self, settings: Settings, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self._broker, self._names = broker_of(settings), names_of(settings)
        self._vault, self._clock = vault, clock
        self._sender: Sender | None = None
        self._starting = asyncio.Lock()

    async def send(self, agency_id: str, user_id: str, command: Mapping[str, object]) -> None:
        """Send one command of now."""
        value = message(agency_id, user_id, command, self._clock())
        async with self._in_time() as sender:
            await sender.deliver(self._names.topic("sync-commands"), key(agency_id, user_id), value)

    async def prefer(self, agency_id: str, user_id: str, preferences: Preferences) -> None:
        """Tell what a user has chosen by now, and keep it."""
        fact = PreferencesSet(
            agency_id=agency_id, user_id=user_id, preferences=preferences, occurred_at=self._clock()
        )
        async with self._in_time() as sender:
            await choose(self._vault, sender, self._names, fact)

    async def announce(self) -> None:
        """Send what the outbox holds; what stays there a worker sends within seconds."""
        with contextlib.suppress(NotPassedOn):  # said in the log already
            async with self._in_time() as sender:
                await send_announcements(self._vault, sender, self._names)

    async def close(self) -> None:
        """Send what is still waiting, then close."""
        if self._sender is not None:
            await self._sender.stop()

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[Sender]:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                yield await self._started()
        except (KafkaError, OSError, VaultUnavailable) as error:  # TimeoutError is one of the second
            fields = {"decision": "not_passed_on", "reason": type(error).__name__}
            log.warning("what a user asked could not be passed on", extra=fields)
            raise NotPassedOn from None

    async def _started(self) -> Sender:
        async with self._starting:
            if self._sender is None:
                sender = Sender(self._broker, client_id="shiftcal-portal")
                await sender.start()
                self._sender = sender
            return self._sender
