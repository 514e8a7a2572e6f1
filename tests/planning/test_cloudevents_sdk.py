"""What the official SDK writes is read, in either mode (https://github.com/cloudevents/sdk-python)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cloudevents.core.bindings.kafka import KafkaMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from planning.intake import Reading, Source, read
from tests.planning import messages
from tests.planning.build import NOW
from tests.planning.wrapped import data, raw


def reading(topic: str, message: KafkaMessage) -> Reading:
    key = message.key.encode() if isinstance(message.key, str) else message.key
    return read(Source(topic, topic, 0, 0, NOW, key, message.value, tuple(message.headers.items())))


@given(
    st.one_of(messages.schedules(), messages.publications()),
    st.text(min_size=1, max_size=20),
    st.dictionaries(st.sampled_from(("partitionkey", "subject", "traceparent")), st.text("ab/", min_size=1)),
)
def test_any_message(case: tuple[str, dict[str, Any]], event_id: str, more: dict[str, str]) -> None:
    """The same facts as of the plain message, whatever the id and the extensions."""
    topic, message = case[0], case[1] | {"event_id": event_id}
    attributes = more | {
        "id": event_id,
        "source": "/scheduler",
        "type": "org.example.changed",
        "time": datetime.fromisoformat(message["occurred_at"]),
    }
    event = CloudEvent(attributes, data(message))
    plain = read(Source(topic, topic, 0, 0, NOW, None, raw(message)))
    assert plain.letters == ()
    assert reading(topic, to_structured_event(event)) == plain
    assert reading(topic, to_binary_event(event)) == plain
