"""An operator's office: a portal on a real Kafka, its topics and vault, and a browser that is in as an operator.

In: a Kafka, the stand-in as Google. Out: `Office`. What workers would say is put into the projection by hand. Not here: situations.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiokafka.structs import ConsumerRecord

from sandbox.google import StandIn
from schemas.outputs import LastError, SyncResult, SyncStatus
from schemas.views import View
from streams.codec import encode
from streams.reach import broker_of, names_of
from streams.sender import Sender
from streams.topics import create
from tests.kafka import Kafka
from tests.portal.world import Answer, Browser, World, csrf_of, world_of
from tests.records import read_all
from vault import AuditEntry, Batch, News, Source, Span

AGENCY, OLGA = "metro", "olga"
PARTITIONS = 2


def held_status(user: str, agency: str = AGENCY) -> SyncStatus:
    """The status of somebody whose removals wait."""
    error = LastError(code="held", message="3 removals wait.", what_to_do="Publish again, or release.")
    return SyncStatus(agency_id=agency, user_id=user, state="paused", last_error=error)


class Office:
    """Pages, and what stands behind them."""

    def __init__(self, world: World, browser: Browser, sender: Sender) -> None:
        self.world, self.browser, self.sender = world, browser, sender
        self.settings = world.parts.settings
        self.names = names_of(self.settings)
        self._offset = 0

    async def enter(self, **claims: Any) -> Answer:
        """Come in as an operator."""
        return await self.browser.enter(
            **{"agency": AGENCY, "user": OLGA, "name": "Olga", "role": "operator", **claims}
        )

    async def get(self, path: str, **query: str) -> Answer:
        """Look at a page."""
        return await self.browser.get(f"/operators{path}" + (f"?{urlencode(query)}" if query else ""))

    async def confirm(self, path: str, **fields: str) -> Answer:
        """Go to the question, and press its button, with the fields that stand there."""
        page = await self.get(path, **fields)
        assert f'action="/operators{path}"' in page.text, page.said
        return await self.post(path, page, **fields)

    async def post(self, path: str, page: Answer, **fields: str) -> Answer:
        """Send a form as a browser does."""
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        form: Mapping[str, str] = {"csrf": csrf_of(page), **fields}
        return await self.browser.ask("POST", f"/operators{path}", follow=True, headers=headers, data=form)

    async def say(self, *statuses: SyncStatus) -> None:
        """Statuses are projected."""
        await self._apply(statuses=[self._news(one.agency_id, one.user_id, one) for one in statuses])

    async def view(self, user: str, view: View, agency: str = AGENCY) -> None:
        """A view is projected."""
        await self._apply(views=[self._news(agency, user, encode(view))])

    async def tell(self, *results: SyncResult) -> None:
        """Results are projected."""
        await self._apply(results=[self._news(one.agency_id, one.user_id, one) for one in results])

    async def audit(self) -> list[AuditEntry]:
        return await self.world.vault.audit.newest(100)

    async def read(self, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
        """Everything in a topic, by its real name."""
        return await read_all(self.settings.kafka_bootstrap, topic)

    def _news(self, agency: str, user: str, value: Any) -> News[Any]:
        self._offset += 1
        return News(agency, user, Source("topic", 0, self._offset - 1, self.world.clock()), value)

    async def _apply(self, **news: list[News[Any]]) -> None:
        offsets = [one.source.offset for each in news.values() for one in each]
        span = Span(min(offsets), max(offsets) + 1)
        await self.world.vault.projection.apply(Batch({("topic", 0): span}, **news))


@asynccontextmanager
async def opened(
    google: StandIn, kafka: Kafka | str, prefix: str, home: Path, **more: Any
) -> AsyncIterator[Office]:
    """A portal with topics of its own; the address alone where its Kafka is away."""
    where = kafka if isinstance(kafka, str) else kafka.bootstrap
    settings = {"kafka_bootstrap": where, "topic_prefix": prefix, "partitions": PARTITIONS, **more}
    async with world_of(google, home, **settings) as world, world.browser() as browser:
        sender = Sender(broker_of(world.parts.settings))
        try:
            if not isinstance(kafka, str):
                names = names_of(world.parts.settings)
                await create(broker_of(world.parts.settings), names.specs(PARTITIONS), 1)
                await sender.start()
            yield Office(world, browser, sender)
        finally:
            await sender.stop()
