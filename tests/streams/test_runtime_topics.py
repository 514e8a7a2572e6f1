"""Topics made and compared on a real Kafka; who a worker is."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka.admin import NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition

from planning.intake import LONGEST_LETTER
from streams.cluster import Cluster
from streams.membership import StateDirLocked, membership
from streams.names import Names
from streams.security import Broker
from streams.sender import MAX_REQUEST, Sender
from streams.topics import Severity, _until_visible, check, create
from tests.kafka import Kafka


async def test_created_topics_pass_the_check(kafka: Kafka, prefix: str) -> None:
    """What `create` makes `check` accepts; a second `create` makes nothing."""
    broker, specs = Broker(kafka.bootstrap), Names(prefix=prefix).specs(3)
    missing = await check(broker, specs)
    assert {difference.topic for difference in missing} == {spec.name for spec in specs}
    assert all(difference.severity is Severity.ERROR for difference in missing)
    assert set(await create(broker, specs, 1)) == {spec.name for spec in specs}
    assert await check(broker, specs) == []
    assert await create(broker, specs, 1) == ()


async def test_letters_are_as_long_as_what_they_hold(kafka: Kafka, prefix: str) -> None:
    """Whatever a broker's default is: over a letter that is refused the worker would end, at every start."""
    broker, names = Broker(kafka.bootstrap), Names(prefix=prefix)
    await create(broker, names.specs(1), 1)
    async with Cluster(broker) as cluster:
        found = await cluster.topic_configs([names.dead_letters])
    assert (
        int(found[names.dead_letters]["max.message.bytes"] or 0) == MAX_REQUEST > LONGEST_LETTER + 1_000_000
    )


async def test_differences_are_said_and_never_altered(kafka: Kafka, prefix: str) -> None:
    """Wrong counts and policies of internal topics are errors, less than unlimited retention of inputs a warning."""
    broker, names = Broker(kafka.bootstrap), Names(prefix=prefix)
    small = {"max.message.bytes": "1000000"}
    wrong = [
        NewTopic(names.inputs[0], 7, 1, topic_configs={"retention.ms": "86400000"}),
        NewTopic(names.user_facts, 2, 1, topic_configs=small),
        NewTopic(names.changelog("users"), 3, 1, topic_configs={"cleanup.policy": "delete"} | small),
        NewTopic(names.dead_letters, 3, 1, topic_configs=small),
    ]
    async with Cluster(broker) as cluster:
        await cluster.admin.create_topics(wrong)
        await _until_visible(cluster, {topic.name for topic in wrong})
    assert len(await create(broker, names.specs(3), 1)) == len(names.specs(3)) - len(wrong)
    found = {(d.topic, d.severity, d.what.split(";")[0]) for d in await check(broker, names.specs(3))}
    assert {(topic, severity) for topic, severity, _ in found} == {
        (names.inputs[0], Severity.WARNING),
        (names.user_facts, Severity.ERROR),
        (names.user_facts, Severity.WARNING),
        (names.changelog("users"), Severity.ERROR),
        (names.changelog("users"), Severity.WARNING),
        (names.dead_letters, Severity.WARNING),
    }
    assert (names.user_facts, Severity.ERROR, "has 2 partitions, 3 are needed") in found


async def test_deleted_beginning_of_an_input(kafka: Kafka, prefix: str) -> None:
    """Records that are gone cannot rebuild anything: said before they are missed."""
    broker, names = Broker(kafka.bootstrap), Names(prefix=prefix)
    await create(broker, names.specs(1), 1)
    sender = Sender(broker)
    await sender.start()
    for _ in range(3):
        await sender.deliver(names.inputs[0], b"k", b"v")
    await sender.stop()
    async with Cluster(broker) as cluster:
        await cluster.admin.delete_records(
            {TopicPartition(names.inputs[0], 0): RecordsToDelete(before_offset=2)}
        )
    (difference,) = await check(broker, names.specs(1))
    assert (difference.severity, difference.topic) == (Severity.WARNING, names.inputs[0])
    assert "starts at offset 2" in difference.what


def test_state_directory_serves_one_worker(tmp_path: Path) -> None:
    """The second is told who holds it and what to do; the id outlives the process, the lock does not."""
    with (
        membership(tmp_path) as first,
        pytest.raises(StateDirLocked, match="SHIFTCAL_STATE_DIR"),
        membership(tmp_path),
    ):
        pass
    with membership(tmp_path) as again:
        assert again == first
    with membership(tmp_path / "other") as other:
        assert other != first


def test_state_directory_of_a_worker_with_a_name(tmp_path: Path) -> None:
    """The name counts, in an empty directory, too; the directory still serves one worker at a time."""
    with (
        membership(tmp_path, "shiftcal-worker-0") as name,
        pytest.raises(StateDirLocked, match="SHIFTCAL_STATE_DIR"),
        membership(tmp_path, "shiftcal-worker-1"),
    ):
        pass
    assert name == "shiftcal-worker-0"
    with membership(tmp_path) as own, membership(tmp_path / "lost", "shiftcal-worker-0") as again:
        assert again == name != own


def test_password_is_not_shown() -> None:
    """A broker may be logged."""
    broker = Broker("h:1,h:2", "SASL_PLAINTEXT", "SCRAM-SHA-256", "user", "s3cret")
    assert "s3cret" not in repr(broker)
    assert broker.aiokafka()["sasl_plain_password"] == "s3cret"
    assert broker.aiokafka()["bootstrap_servers"] == ["h:1", "h:2"]
    assert "s3cret" not in repr(broker.faust_credentials())


@pytest.mark.parametrize(
    "wrong",
    [{"bootstrap": " "}, {"security_protocol": "TLS"}, {"security_protocol": "SASL_SSL"}],
)
def test_impossible_broker(wrong: dict[str, str]) -> None:
    """A combination that cannot work is refused before anything connects."""
    with pytest.raises(ValueError, match=r"Kafka|SASL"):
        Broker(**{"bootstrap": "h:1", **wrong})
