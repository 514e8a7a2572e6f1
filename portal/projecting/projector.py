"""One loop that reads what topics say of users and has the vault keep it.

In: `sync-status`, `sync-results`, the changelog of the users' table. Out: batches, applied in order; a bell for who has news.
Not here: what a record means (`batches`), and what a batch changes (`vault.projection`).

==============================================  =============================================================
what happens                                    then
==============================================  =============================================================
it starts again                                 it reads on where the vault's positions are
it dies between two transactions                it reads the last records again, and the vault passes them over
another portal reads the same                   both apply, each record counts once
the beginning of a topic is gone                it goes on with what there is
a topic is made anew                            it has another id: it is read from its beginning, then what came
                                                from the old one is dropped
a topic ends before our position                the same records cannot come back: what came from it is dropped,
                                                and it is read anew
the database is locked or gone                  the batch waits, and is applied when it is back
Kafka is gone, or a topic                       it waits, and reads on when it is back
a record is not ours                            it is logged and passed over
==============================================  =============================================================
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from portal.projecting.batches import Batches
from portal.projecting.followed import followed
from portal.projecting.freshness import Bell, Freshness
from portal.projecting.visit import ANSWER_S, Moved, Tools, Visit
from schemas.errors import OperatorError
from streams.cluster import Cluster, ended, started
from streams.failures import kafka_line
from streams.reach import broker_of, names_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from schemas.policy import Policies
    from streams.security import Broker
    from streams.settings import Settings
    from vault import Vault

log = logging.getLogger(__name__)

#: Seconds until the next attempt, each a little later than the one before.
RETRY_S, RETRY_MOST_S = 0.5, 5.0
#: The client itself gives up well before we do, and then closes its connections.
_REQUEST_MS = 4_000


class Projector:
    """One per portal. `freshness` and `bell` are for its pages."""

    def __init__(
        self,
        settings: Settings,
        policies: Policies,
        vault: Vault,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take what it reads with; nothing is reached before `run`."""
        self._settings, self._policies, self._vault, self._now = settings, policies, vault, now
        self.freshness, self.bell = Freshness(now), Bell()

    async def run(self) -> NoReturn:
        """Read until cancelled, whatever happens to Kafka and the database."""
        pause = RETRY_S
        while True:
            try:
                async with self._visit() as visit:
                    await visit.begin()
                    pause = RETRY_S
                    await visit.follow()
            except Moved as moved:
                log.info("the portal begins to read again: %s", moved, extra={"decision": "reads_again"})
            except (KafkaError, OperatorError, OSError) as error:
                if (line := self._line(error)) is None:
                    raise
                if self.freshness.failed(line):
                    log.warning("the portal has no news for now: %s", line, extra={"decision": "no_news"})
            await asyncio.sleep(pause)
            pause = min(2 * pause, RETRY_MOST_S)

    @asynccontextmanager
    async def _visit(self) -> AsyncIterator[Visit]:
        broker, names = broker_of(self._settings), names_of(self._settings)
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(ANSWER_S):
                cluster = Cluster(broker, _REQUEST_MS)
                stack.push_async_callback(cluster.stop)
                await started(cluster.start(), ANSWER_S)
                found = await followed(cluster, names)
                consumer = await stack.enter_async_context(self._reading(broker))
            batches = Batches(found, self._policies, self._now)
            tools = Tools(self._vault, batches, self.freshness, self.bell, self._now)
            yield Visit(found, consumer, lambda: followed(cluster, names), tools)

    @asynccontextmanager
    async def _reading(self, broker: Broker) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            client_id="shiftcal-portal",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",  # what is to be done then is decided by who reads
            fetch_max_wait_ms=self._settings.fetch_wait_ms,
            request_timeout_ms=_REQUEST_MS,
            **broker.aiokafka(),
        )
        try:
            await started(consumer.start(), ANSWER_S)
            # Its `stop` raises CancelledError while a task of its own has not had a turn yet.
            await asyncio.sleep(0)
            yield consumer
        finally:
            await ended(consumer.stop())

    def _line(self, error: Exception) -> str | None:
        """Say what keeps us from reading; None where it is a bug of ours."""
        where = self._settings.kafka_bootstrap
        match error:
            case OperatorError():
                return str(error)
            case KafkaError():
                return kafka_line(error, where)
            case TimeoutError():
                return f"Kafka at {where} does not answer in time: check that it is healthy"
            case _:
                return f"Kafka at {where} cannot be reached: {error}"
