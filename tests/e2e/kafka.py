"""Kafka as producers and consumers outside the product see it.

In: a broker's address. Out: sent messages, read topics, and how far a consumer group has come.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]


class Record(NamedTuple):
    """One record of a topic."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes | None
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        """The value, read."""
        return json.loads(self.value or b"null")


class Topic:
    """A topic, read from its first record to its end of the moment, again and again."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self._name = name
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "nobody",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 50,
                "fetch.message.max.bytes": 20_000_000,
                "log_level": 0,
            }
        )
        self._partitions: list[TopicPartition] = []
        self._next: dict[int, int] = {}
        self._records: list[Record] = []

    def records(self) -> list[Record]:
        """Everything up to now."""
        if not self._partitions:
            found = self._consumer.list_topics(self._name, timeout=10).topics[self._name]
            self._partitions = [TopicPartition(self._name, number, 0) for number in found.partitions]
            self._consumer.assign(self._partitions)
        ends = {
            tp.partition: self._consumer.get_watermark_offsets(tp, timeout=10)[1] for tp in self._partitions
        }
        while any(self._next.get(number, 0) < end for number, end in ends.items()):
            for message in self._consumer.consume(500, timeout=0.1):
                self._take(message)
            for tp in self._consumer.position(self._partitions):
                # A position passes what compaction or a transaction left empty; before the first record it is unknown.
                self._next[tp.partition] = max(self._next.get(tp.partition, 0), tp.offset)
        return list(self._records)

    def close(self) -> None:
        """Give the connection back."""
        self._consumer.close()

    def _take(self, message: Message) -> None:
        assert message.error() is None, message.error()
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        key = message.key()
        headers = {name: _text(value) for name, value in dict(message.headers() or ()).items()}
        record = Record(
            self._name,
            partition,
            offset,
            None if key is None else bytes(key).decode(),
            message.value(),
            headers,
        )
        self._records.append(record)
        self._next[partition] = offset + 1


def _text(value: str | bytes | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""


class Broker:
    """What a test asks of the broker itself."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "linger.ms": 0,
                "message.max.bytes": 20_000_000,
                "log_level": 0,
            }
        )
        self._topics: dict[str, Topic] = {}
        self._groups: dict[str, Consumer] = {}

    def send(
        self,
        topic: str,
        values: Iterable[bytes | None],
        key: bytes | None = None,
        headers: Iterable[tuple[str, bytes | None]] = (),
    ) -> None:
        """Send, and wait until all are delivered."""
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error)

        for value in values:
            self._producer.produce(topic, value, key, headers=list(headers), on_delivery=delivered)
        assert self._producer.flush(30) == 0
        assert not failed, failed

    def records(self, topic: str) -> list[Record]:
        """Everything in a topic."""
        if topic not in self._topics:
            self._topics[topic] = Topic(self.bootstrap, topic)
        return self._topics[topic].records()

    def lag(self, group: str, topics: Iterable[str]) -> tuple[int, dict[str, int]]:
        """How many records the group has not committed yet, and where the topics end."""
        known = self.admin.list_topics(timeout=10).topics
        tps = [TopicPartition(name, number) for name in topics for number in known[name].partitions]
        ends, starts = (self._offsets(tps, which) for which in (OffsetSpec.latest(), OffsetSpec.earliest()))  # type: ignore[no-untyped-call]
        committed = self._committed(group, tps)
        return sum(end - committed.get(name, starts[name]) for name, end in ends.items()), ends

    def commits(self, group: str, topics: Iterable[str]) -> dict[str, int]:
        """How far the group has committed, where it has."""
        known = self.admin.list_topics(timeout=10).topics
        return self._committed(
            group, [TopicPartition(name, number) for name in topics for number in known[name].partitions]
        )

    def _committed(self, group: str, tps: list[TopicPartition]) -> dict[str, int]:
        if group not in self._groups:  # never joins it: only asks
            options = {"bootstrap.servers": self.bootstrap, "group.id": group, "log_level": 0}
            self._groups[group] = Consumer(options)
        found = self._groups[group].committed(tps, timeout=10)
        return {f"{tp.topic}/{tp.partition}": tp.offset for tp in found if tp.offset >= 0}

    def _offsets(self, tps: list[TopicPartition], which: OffsetSpec) -> dict[str, int]:
        asked = self.admin.list_offsets(dict.fromkeys(tps, which))
        return {f"{tp.topic}/{tp.partition}": int(future.result(10).offset) for tp, future in asked.items()}

    def forget_beginning(self, topic: str) -> None:
        """Delete every record up to now, as retention does."""
        known = self.admin.list_topics(timeout=10).topics[topic].partitions
        ends = [TopicPartition(topic, number, -1) for number in known]
        for future in self.admin.delete_records(ends).values():
            future.result(10)

    def close(self) -> None:
        """Give all connections back."""
        for topic in self._topics.values():
            topic.close()
        for group in self._groups.values():
            group.close()
        self._topics.clear()
        self._groups.clear()
