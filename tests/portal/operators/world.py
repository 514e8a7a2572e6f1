"""What the projector reads, and where it puts it: a Kafka with topics of the test's own, and a vault.

In: a Kafka, a prefix, a directory. Out: `World`. Rows and statuses are written as workers write them. Not here: situations.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cryptography.fernet import Fernet

from portal.projecting.projector import Projector
from schemas.outputs import CausedBy, LastError, SyncResult, SyncStatus
from schemas.policy import Policies
from schemas.rows import UserRow
from schemas.views import View
from streams.cluster import Cluster
from streams.codec import decode, encode_row, key, plain
from streams.reach import broker_of, names_of
from streams.sender import Sender
from streams.settings import Settings
from streams.topics import create
from tests.kafka import Kafka
from vault import Vault

AGENCY, ANN, BOB = "metro", "ann", "bob"
PARTITIONS = 2
PATIENCE_S = 20.0

T = TypeVar("T")


def now() -> datetime:
    return datetime.now(UTC)


def status(user: str = ANN, state: str = "in_sync", agency: str = AGENCY, **fields: Any) -> SyncStatus:
    return SyncStatus.model_validate({"agency_id": agency, "user_id": user, "state": state, **fields})


def lost(user: str = ANN, code: str = "invalid_grant") -> SyncStatus:
    """The status of somebody whose grant is gone."""
    error = LastError(code=code, message="The access was taken back.", what_to_do="Connect again.")
    return status(user, "needs_reauthorization", last_error=error)


def result(user: str = ANN, latency_ms: int = 300, at: datetime | None = None, **fields: Any) -> SyncResult:
    said = now()
    cause = CausedBy(topic="schedule-changed", partition=0, offset=1, event_id="e1", occurred_at=said)
    return SyncResult(
        agency_id=AGENCY,
        user_id=user,
        calendar_id="ops",
        shift_id=fields.pop("shift_id", "1"),
        version=1,
        action=fields.pop("action", "inserted"),
        google_event_id="bgs1",
        at=at or said,
        caused_by=cause,
        latency_ms=latency_ms,
        **fields,
    )


class World:
    """Topics, a vault, and whoever writes as a worker does."""

    def __init__(self, settings: Settings, vault: Vault, sender: Sender) -> None:
        self.settings, self.vault, self.sender = settings, vault, sender
        self.names = names_of(settings)
        self.broker = broker_of(settings)

    async def say(self, *statuses: SyncStatus) -> None:
        """Write statuses."""
        for one in statuses:
            await self.send(self.names.status, one.agency_id, one.user_id, plain(one))

    async def tell(self, *results: SyncResult) -> None:
        """Write results."""
        for one in results:
            await self.send(self.names.results, one.agency_id, one.user_id, plain(one))

    async def row(self, row: UserRow) -> None:
        """Write a user's row as the table's changelog has it."""
        await self.send(self.names.changelog("users"), row.agency_id, row.user_id, encode_row(row))

    async def send(self, topic: str, agency: str, user: str, value: bytes | None) -> None:
        await self.sender.deliver(topic, key(agency, user), value)

    async def create(self) -> None:
        """Create the topics that are missing."""
        await create(self.broker, self.names.specs(self.settings.partitions), 1)

    @asynccontextmanager
    async def cluster(self) -> AsyncIterator[Cluster]:
        """Ask and change the cluster."""
        async with Cluster(self.broker) as cluster:
            yield cluster

    async def delete(self, topic: str) -> None:
        """Delete a topic, and wait until it is gone."""
        async with self.cluster() as cluster:
            await cluster.admin.delete_topics([topic])
            await eventually(cluster.partition_counts, lambda counts: topic not in counts)

    @asynccontextmanager
    async def projecting(self, vault: Vault | None = None) -> AsyncIterator[Projector]:
        """Run a projector; a bug of it fails the test."""
        projector = Projector(self.settings, Policies(), vault or self.vault)
        running = asyncio.create_task(projector.run())
        try:
            yield projector
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def caught_up(self, projector: Projector) -> None:
        """Wait until the projector knows that it has read everything."""
        since = now()
        await eventually(
            lambda: _given(projector.freshness), lambda fresh: fresh.behind == 0 and fresh.fresh_at > since
        )

    async def state(self, user: str = ANN) -> str | None:
        """What the vault says of a user."""
        found = await self.vault.projection.status(AGENCY, user)
        return found.status.state if found else None

    async def shows(self, state: str | None, user: str = ANN) -> None:
        """Wait until the vault says so."""
        seen = await eventually(lambda: self.state(user), lambda found: found == state)
        assert seen == state

    async def view(self, user: str = ANN) -> View | None:
        """What the vault holds of a user's schedule."""
        found = await self.vault.projection.view(AGENCY, user)
        return None if found is None else decode(View, found)

    async def counted(self) -> int:
        """How many results the histogram holds."""
        minutes = await self.vault.projection.latency(datetime(2020, 1, 1, tzinfo=UTC))
        return sum(sum(minute.counts) for minute in minutes)


@asynccontextmanager
async def open_world(kafka: Kafka, prefix: str, home: Path, **more: Any) -> AsyncIterator[World]:
    """Make the topics, open the vault."""
    more = {"database_url": f"sqlite+aiosqlite:///{home}/vault.db"} | more
    settings = Settings(
        kafka_bootstrap=kafka.bootstrap,
        topic_prefix=prefix,
        partitions=PARTITIONS,
        vault_keys=Fernet.generate_key().decode(),
        **more,
    )
    vault = await open_vault(settings)
    sender = Sender(broker_of(settings))
    try:
        world = World(settings, vault, sender)
        await world.create()
        await sender.start()
        yield world
    finally:
        await sender.stop()
        await vault.close()


async def open_vault(settings: Settings, **options: Any) -> Vault:
    """Open the vault of these settings once more."""
    keys = [one.get_secret_value() for one in settings.vault_keys]
    return await Vault.open(settings.database_url.get_secret_value(), keys, **options)


async def eventually(
    look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], seconds: float = PATIENCE_S
) -> T:
    """Look until it is as wanted; what was seen last where it never is."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while not wanted(seen := await look()) and clock() < deadline:  # noqa: ASYNC110  what is looked at rings no bell
        await asyncio.sleep(0.03)
    return seen


async def _given(value: T) -> T:
    return value
