"""Topics of the bench's own, with as many partitions as the product's.

Comes in: names that no topic has. Goes out: empty topics, gone again at the end where they are borrowed.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PARTITIONS: int = Settings.model_fields["partitions"].default


async def make(bootstrap: str, *names: str) -> None:
    """Create them."""
    async with _admin(bootstrap) as admin:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])


@asynccontextmanager
async def borrowed(bootstrap: str, *names: str) -> AsyncIterator[None]:
    """Have them for a while."""
    await make(bootstrap, *names)
    try:
        yield
    finally:
        async with _admin(bootstrap) as admin:
            await admin.delete_topics(list(names))


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
