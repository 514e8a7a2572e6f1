"""Kafka's records with nothing read into them: keys and headers are bytes, timestamps whatever they are.

In: a broker's address. Out: records to send and records that stand there. `tests.e2e.kafka` is for those who speak UTF-8.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from planning.intake import INPUTS, Source, broker_time, read

Letter = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


class Sent(NamedTuple):
    """A record to be sent, its topic without prefix."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int = 0


class Raw:
    """A cluster, and the deployment whose topics have this prefix."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._options: dict[str, Any] = {"bootstrap.servers": bootstrap, "log_level": 0}
        self._prefix = prefix

    def allow_any_timestamp(self, topic: str) -> None:
        """Let producers set what they like, as brokers before Kafka 4 do."""
        limit = ConfigEntry(
            "message.timestamp.after.max.ms", str(2**63 - 1), incremental_operation=AlterConfigOpType.SET
        )
        resource = ConfigResource(ResourceType.TOPIC, self._prefix + topic, incremental_configs=[limit])
        admin = AdminClient(self._options)
        for future in admin.incremental_alter_configs([resource]).values():
            future.result(10)

    def send(self, records: Iterable[Sent], **options: object) -> None:
        """Send, and wait until all are delivered."""
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error)

        producer = Producer({**self._options, "linger.ms": 5, "message.max.bytes": 60_000_000, **options})
        for one in records:
            producer.produce(
                self._prefix + one.topic,
                one.value,
                one.key,
                headers=list(one.headers),
                timestamp=one.timestamp,
                on_delivery=delivered,
            )
            producer.poll(0)
        assert producer.flush(60) == 0
        assert not failed, failed

    def records(self, topic: str) -> list[Message]:
        """Everything in a topic."""
        consumer = Consumer(
            {**self._options, "group.id": "nobody", "enable.auto.commit": False, "fetch.wait.max.ms": 50}
        )
        name = self._prefix + topic
        try:
            numbers = consumer.list_topics(name, timeout=10).topics[name].partitions
            ends = {
                n: consumer.get_watermark_offsets(TopicPartition(name, n), timeout=10)[1] for n in numbers
            }
            consumer.assign([TopicPartition(name, number, 0) for number in numbers])
            found: list[Message] = []
            while len(found) < sum(ends.values()):
                for message in consumer.consume(500, timeout=0.2):
                    assert message.error() is None, message.error()
                    found.append(message)
            return found
        finally:
            consumer.close()

    def letters(self) -> Counter[Letter]:
        """What stands in `dead-letters`, and how often."""
        return Counter(
            (
                _bytes(one.key()),
                _bytes(one.value()),
                tuple((name, _bytes(value) or b"") for name, value in dict(one.headers() or ()).items()),
            )
            for one in self.records("dead-letters")
        )

    def predicted(self) -> Counter[Letter]:
        """What must stand there: what the reader says in this process of all that stands on the input topics."""
        found: Counter[Letter] = Counter()
        for name in INPUTS:
            for one in self.records(name):
                partition, offset = one.partition(), one.offset()
                assert partition is not None
                assert offset is not None
                at = broker_time(one.timestamp()[1] / 1000)
                key, value = _bytes(one.key()), _bytes(one.value())
                source = Source(name, self._prefix + name, partition, offset, at, key, value)
                found.update((each.key, each.value, tuple(each.headers())) for each in read(source).letters)
        return found


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
