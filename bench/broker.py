"""How many bytes topics take on the broker: Kafka's own answer to DescribeLogDirs, summed over partitions.

Comes in: a bootstrap address and a prefix. Goes out: bytes by topic, as they lie in the log files: batches with their headers
and compression, keys and values. Not here: indexes, and copies on other brokers (the bench's Kafka is one node).

aiokafka has no such request yet, so its two shapes stand here:
https://kafka.apache.org/protocol.html#The_Messages_DescribeLogDirs
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Int64, Schema, String

_KEY, _VERSION = 35, 1


class _Sizes(Response):
    API_KEY, API_VERSION = _KEY, _VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            Array(
                ("error_code", Int16),
                ("log_dir", String("utf-8")),
                (
                    "topics",
                    Array(
                        ("name", String("utf-8")),
                        (
                            "partitions",
                            Array(
                                ("partition_index", Int32),
                                ("partition_size", Int64),
                                ("offset_lag", Int64),
                                ("is_future_key", Boolean),
                            ),
                        ),
                    ),
                ),
            ),
        ),
    )


class _AskSizesV1(RequestStruct):
    API_KEY, API_VERSION = _KEY, _VERSION
    RESPONSE_TYPE = _Sizes
    SCHEMA = Schema(("topics", Array(("topic", String("utf-8")), ("partitions", Array(Int32)))))


class _AskSizes(Request[_AskSizesV1]):
    API_KEY = _KEY

    def build(self, request_struct_class: type[_AskSizesV1]) -> _AskSizesV1:
        """Ask for everything: null names no topic."""
        return request_struct_class(None)


async def topic_bytes(bootstrap: str, prefix: str) -> Counter[str]:
    """Return the bytes of every topic whose name begins so, the prefix taken off."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer: Any = await admin._send_request(_AskSizes())  # noqa: SLF001 - the only way to send one's own
    finally:
        await admin.close()
    sizes: Counter[str] = Counter()
    for error, _, topics in answer.results:
        if error:
            raise for_code(error)("the broker does not say how large its topics are")
        for name, partitions in topics:
            if name.startswith(prefix):
                sizes[name.removeprefix(prefix)] += sum(size for _, size, *_ in partitions)
    return sizes
