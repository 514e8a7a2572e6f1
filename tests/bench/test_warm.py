"""Warming a broker up leaves nothing behind."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient

from bench.warm import warm
from tests.kafka import Kafka


async def test_records_go_round(kafka: Kafka) -> None:
    """As many as the time allows; the topic is gone afterwards."""
    assert await warm(kafka.bootstrap, seconds=0.5) > 10
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        assert not [name for name in await admin.list_topics() if name.startswith("bench-warm-")]
    finally:
        await admin.close()
