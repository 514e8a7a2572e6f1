"""The parts of the demo, put together: broker, Google, vault, worker, and the agency that sends messages.

In: the page's port and buttons. Out: a running `Stage`; everything ends with it. Not here: what is played on it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import orjson
from cryptography.fernet import Fernet
from pydantic import SecretStr

from ops.demo.worker import Worker
from sandbox.broker import EmbeddedBroker, EmbeddedBrokerUnavailable
from sandbox.data import AGENCY, Message, Upstream
from sandbox.google import Control, StandIn
from sandbox.google.scopes import EVENTS
from sandbox.month import PEOPLE, TIME_ZONE, Json
from schemas.errors import OperatorError
from streams.kafka import quiet
from streams.names import Names
from streams.security import Broker
from streams.sender import Sender
from vault import NewConnection, Vault

PARTITIONS: Final = 12
SESSION_TIMEOUT_S: Final = 3
"""The embedded broker waits for a killed worker's session, and nearly as long again, before it lets the next one in."""


class Stage:
    """Everything that runs, and every message sent so far."""

    def __init__(self, home: Path, google: StandIn, sender: Sender, worker: Worker, vault: Vault) -> None:
        self.home = home
        self.google = google
        self.worker = worker
        self.upstream = Upstream(datetime.now(ZoneInfo(TIME_ZONE)).date())
        self.accounts = {person.user_id: person.account for person in PEOPLE}
        self.sent: list[Message] = []
        self._sender = sender
        self._vault = vault

    async def send(self, messages: Iterable[Message]) -> float:
        """Hand messages to Kafka; gives the moment just before, on `time.monotonic()`."""
        messages = list(messages)
        self.sent += messages
        begun = time.monotonic()
        for topic, value in messages:
            key = f"{AGENCY}/{value.get('calendar_id') or value.get('user_id')}"
            await self._sender.deliver(topic, key.encode(), orjson.dumps(value))
        return begun

    async def connect(self) -> None:
        """Have all three people consent, and an appointment of their own on each calendar."""
        for person in PEOPLE:
            tokens = self.google.connect(person.account, time_zone=TIME_ZONE)
            self.google.state.insert(
                self.google.state.calendars[person.account], dentist(self.upstream.today)
            )
            new = NewConnection(
                AGENCY, person.user_id, person.account, SecretStr(tokens.refresh_token), (EVENTS,)
            )
            await self._vault.store(new, datetime.now(UTC))
        announcements = await self._vault.announcements()
        for one in announcements:
            await self._sender.deliver("sync-commands", one.key.encode(), orjson.dumps(one.value))
        await self._vault.announced([one.id for one in announcements])


def dentist(today: date) -> Json:
    """An appointment of tomorrow, of a person's own."""
    day = today + timedelta(days=1)
    times = {
        side: {"dateTime": f"{day}T{hour}:00:00", "timeZone": TIME_ZONE}
        for side, hour in (("start", "16"), ("end", "17"))
    }
    return {"summary": "Dentist", **times}


@asynccontextmanager
async def stage(
    port: int, controls: Sequence[Control] = (), on_control: Callable[[str], Awaitable[str]] | None = None
) -> AsyncIterator[Stage]:
    """Start everything; end it in the opposite order."""
    quiet()
    async with AsyncExitStack() as stack:
        google = await stack.enter_async_context(StandIn(port, controls=controls, on_control=on_control))
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shiftcal-demo-")))
        broker = stack.enter_context(_broker())
        sender = Sender(Broker(broker.bootstrap), client_id="shiftcal-demo")
        await sender.start()
        stack.push_async_callback(sender.stop)
        key = Fernet.generate_key().decode()
        settings = _settings(home, broker, google) | {"VAULT_KEYS": key}
        vault = await Vault.open(settings["DATABASE_URL"], [key])
        stack.push_async_callback(vault.close)
        worker = Worker(settings, home)
        stack.push_async_callback(worker.stop)
        await worker.start()
        yield Stage(home, google, sender, worker, vault)


def _broker() -> EmbeddedBroker:
    try:
        return EmbeddedBroker({spec.name: spec.partitions for spec in Names().specs(PARTITIONS)})
    except EmbeddedBrokerUnavailable as error:
        raise OperatorError(str(error)) from error


def _settings(home: Path, broker: EmbeddedBroker, google: StandIn) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP": broker.bootstrap,
        "PARTITIONS": str(PARTITIONS),
        "SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S),
        # The embedded broker does not wake a fetch that waits: on three hops this is most of the way to Google.
        "FETCH_WAIT_MS": "20",
        "STATE_DIR": str(home / "state"),
        "DATABASE_URL": f"sqlite+aiosqlite:///{home / 'connections.db'}",
        "GOOGLE_CLIENT_ID": "demo",
        "GOOGLE_CLIENT_SECRET": "demo",
        "GOOGLE_API_URL": google.url,
        "GOOGLE_AUTH_URL": google.auth_url,
        "GOOGLE_TOKEN_URL": google.token_url,
        "GOOGLE_REVOKE_URL": google.revoke_url,
        # Whoever presses every button in a minute should not meet the quota of a single person.
        "GOOGLE_USER_PER_MINUTE": "6000",
        "RESYNC_COOLDOWN_S": "0",
        "LOG_LEVEL": "WARNING",
        "LOG_FORMAT": "console",
    }
