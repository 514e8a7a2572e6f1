"""`topics create` and `topics check`, on a Kafka."""

from __future__ import annotations

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.kafka import Kafka
from tests.ops.conftest import Shell, World


async def _make(bootstrap: str, *topics: NewTopic) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics(list(topics))
    finally:
        await admin.close()


def test_nothing_there(shiftcal: Shell, kafka: Kafka, prefix: str) -> None:
    """Check names what is missing, create makes it and says so, then there is nothing left to do."""
    settings = {"kafka_bootstrap": kafka.bootstrap, "topic_prefix": prefix, "partitions": "2"}
    before = shiftcal("topics", "check", **settings)
    assert before.status == 1
    assert f"error: topic {prefix}schedule-changed is missing" in before.err
    created = shiftcal("topics", "create", **settings)
    assert (created.status, created.err) == (0, "")
    assert f"created {prefix}schedule-changed (2 partitions)" in created.out
    assert f"created {prefix}shiftcal-calendar-facts (2 partitions)" in created.out
    again = shiftcal("topics", "create", **settings)
    assert (again.status, again.err) == (0, "")
    assert again.out.startswith("nothing to create")
    after = shiftcal("topics", "check", **settings)
    assert (after.status, after.out) == (0, "all topics are as they should be\n")
    assert shiftcal("topics", "check", "--json", **settings).json == {"ok": True, "differences": []}


def test_an_input_topic_that_forgets(shiftcal: Shell, kafka: Kafka, prefix: str) -> None:
    """A warning, by create and by check: lost state could not be rebuilt. No failure."""
    settings = {"kafka_bootstrap": kafka.bootstrap, "topic_prefix": prefix, "partitions": "2"}
    week = NewTopic(f"{prefix}schedule-changed", 1, 1, topic_configs={"retention.ms": "604800000"})
    asyncio.run(_make(kafka.bootstrap, week))
    for verb in ("create", "check"):
        ended = shiftcal("topics", verb, **settings)
        assert ended.status == 0
        assert ended.complaint.startswith(f"warning: topic {prefix}schedule-changed keeps its records only")


def test_other_partitions_than_before(world: World, shiftcal: Shell) -> None:
    """An error, by create and by check, and for a script."""
    settings = world.settings | {"partitions": "3"}
    assert shiftcal("topics", "create", **settings).status == 1
    ended = shiftcal("topics", "check", "--json", **settings)
    assert (ended.status, ended.err) == (1, "")
    assert ended.json["ok"] is False
    assert {each["severity"] for each in ended.json["differences"]} == {"error"}


def test_more_copies_than_brokers(shiftcal: Shell, kafka: Kafka, prefix: str) -> None:
    """Kafka's refusal is one line."""
    ended = shiftcal(
        "topics", "create", kafka_bootstrap=kafka.bootstrap, topic_prefix=prefix, replication="30"
    )
    assert ended.status == 1
    assert "refused" in ended.complaint
    assert prefix in ended.complaint
