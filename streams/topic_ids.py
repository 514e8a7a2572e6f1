"""Which topic it is: a topic that is deleted and made anew has its old name and another id.

In: topics' names. Out: their ids, as the brokers gave them. Not here: what follows from another id.
aiokafka asks for metadata of a version that has no ids yet, so the question of the version that has is spelled here.
https://github.com/apache/kafka/blob/4.1.0/clients/src/main/resources/common/message/MetadataResponse.json
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from io import BytesIO

    from streams.cluster import Cluster

_NOBODY = UUID(int=0)
_TEXT = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)


class _Id:
    """Sixteen bytes."""

    @staticmethod
    def encode(value: UUID) -> bytes:
        return value.bytes

    @staticmethod
    def decode(data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))

    @staticmethod
    def repr(value: UUID) -> str:
        return str(value)


_PARTITION = (
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", CompactArray(Int32)),
    ("isr", CompactArray(Int32)),
    ("offline", CompactArray(Int32)),
    _TAGS,
)
_TOPIC = (
    ("error_code", Int16),
    ("name", _TEXT),
    ("id", _Id),
    ("is_internal", Boolean),
    ("partitions", CompactArray(*_PARTITION)),
    ("authorized_operations", Int32),
    _TAGS,
)


class _Answer(Response):
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(("id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), _TAGS)),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC)),
        _TAGS,
    )


class _Question(RequestStruct):
    API_KEY = 3
    API_VERSION = 12
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("topics", CompactArray(("id", _Id), ("name", _TEXT), _TAGS)),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        _TAGS,
    )


class _Ask(Request[_Question]):
    API_KEY = 3

    def __init__(self, topics: Collection[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_Question]) -> _Question:
        return request_struct_class([(_NOBODY, name, {}) for name in self._topics], False, False, {})


async def topic_ids(cluster: Cluster, topics: Collection[str]) -> dict[str, str]:
    """Return the id of each topic that there is; empty where the brokers are too old to give ids (before Kafka 3.0)."""
    try:
        answer: Any = await cluster.admin._send_request(_Ask(topics))  # noqa: SLF001 - nothing public asks for ids
    except (NotImplementedError, IncompatibleBrokerVersion):
        return dict.fromkeys(topics, "")
    return {
        topic["name"]: "" if topic["id"] == _NOBODY else topic["id"].hex
        for topic in answer.to_object()["topics"]
        if not topic["error_code"]
    }
