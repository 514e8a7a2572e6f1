"""Which topic it is, whatever its name."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import IncompatibleBrokerVersion

from sandbox.broker import EmbeddedBroker
from streams.cluster import Cluster
from streams.security import Broker
from streams.topic_ids import topic_ids
from tests.kafka import Kafka


async def test_a_topic_that_is_made_anew(kafka: Kafka, prefix: str) -> None:
    """It has another id; the one beside it keeps its own, and one that is not there has none."""
    one, two = f"{prefix}one", f"{prefix}two"
    async with Cluster(Broker(kafka.bootstrap)) as cluster:
        await cluster.admin.create_topics([NewTopic(one, 1, 1), NewTopic(two, 3, 1)])
        before = await _known(cluster, one, two)
        await cluster.admin.delete_topics([one])
        await _until(cluster, lambda counts: one not in counts)
        assert await topic_ids(cluster, [one, two]) == {two: before[two]}
        await cluster.admin.create_topics([NewTopic(one, 1, 1)])
        after = await _known(cluster, one, two)
    assert after[two] == before[two]
    assert len({before[one], before[two], after[one]}) == 3
    assert all(len(each) == 32 for each in after.values())


async def test_the_embedded_broker() -> None:
    """It gives ids as well."""
    made = EmbeddedBroker({"one": 1, "two": 2})
    try:
        async with Cluster(Broker(made.bootstrap)) as cluster:
            found = await topic_ids(cluster, ["one", "two", "three"])
    finally:
        made.close()
    assert found.keys() == {"one", "two"}
    assert found["one"] != found["two"]


@pytest.mark.parametrize("error", [NotImplementedError, IncompatibleBrokerVersion])
async def test_brokers_that_are_too_old(error: type[Exception]) -> None:
    """Their topics are known by name alone."""

    class Old:
        class admin:  # noqa: N801  stands for an attribute
            @staticmethod
            async def _send_request(_: Any) -> None:
                raise error

    assert await topic_ids(cast("Cluster", Old), ["one"]) == {"one": ""}


async def _known(cluster: Cluster, *names: str) -> dict[str, str]:
    await _until(cluster, lambda counts: set(names) <= counts.keys())
    return await topic_ids(cluster, names)


async def _until(cluster: Cluster, fits: Any) -> None:
    async with asyncio.timeout(20):
        while not fits(await cluster.partition_counts()):  # noqa: ASYNC110  a cluster rings no bell
            await asyncio.sleep(0.05)
