"""The tests' own broker keeps its promises, or every chaos test lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

if TYPE_CHECKING:
    from tests.kafka import Kafka
    from tests.kafka_java import JavaKafka


def _create(bootstrap: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for done in admin.create_topics([NewTopic(topic, 1, 1)]).values():
        done.result()


def _send(bootstrap: str, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0, "message.max.bytes": 20_000_000})
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def _first(bootstrap: str, topic: str) -> bytes | None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "log_level": 0, "group.id": topic})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(30)
        return None if message is None else message.value()
    finally:
        consumer.close()


def test_a_message_of_16_mib(kafka: Kafka, prefix: str) -> None:
    """The broker takes a message of 16 MiB."""
    if kafka.unproven:
        pytest.skip(kafka.unproven)
    value = bytes(16 * 1024 * 1024)
    _create(kafka.bootstrap, prefix + "big")
    _send(kafka.bootstrap, prefix + "big", value)
    assert _first(kafka.bootstrap, prefix + "big") == value


@pytest.mark.long
def test_a_killed_broker_comes_back_with_its_data(own_kafka: JavaKafka, prefix: str) -> None:
    """What was acknowledged before a kill is there after the restart, at the same address."""
    _create(own_kafka.bootstrap, prefix + "kept")
    _send(own_kafka.bootstrap, prefix + "kept", b"still here")
    own_kafka.kill()
    own_kafka.restart()
    assert _first(own_kafka.bootstrap, prefix + "kept") == b"still here"


def test_a_frozen_broker_does_not_answer_until_it_is_woken(own_kafka: JavaKafka) -> None:
    """A pause is silence, and a resume ends it."""
    admin = AdminClient({"bootstrap.servers": own_kafka.bootstrap, "log_level": 0})
    own_kafka.pause()
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=1)
    own_kafka.resume()
    assert admin.list_topics(timeout=30).brokers


def test_a_topic_that_nobody_created(kafka: Kafka, prefix: str) -> None:
    """Topics do not appear by themselves: a test that forgets one must fail."""
    if kafka.unproven:
        pytest.skip(kafka.unproven)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    admin.list_topics(prefix + "absent", timeout=10)
    assert prefix + "absent" not in admin.list_topics(timeout=10).topics
