"""An embedded Kafka for the demo and for tests on machines without one: librdkafka's mock cluster, in this process.

In: topics with their partition counts. Out: a bootstrap address that any process of this machine can use.
Not here: messages. Not for production: everything is in memory, and the mock has no admin API (topics are created here, in the
process that owns the broker), no compaction and no retention; a partition keeps its newest 5 MB or 100,000 records. A member that
comes back waits for its old session's end, and nearly a session more: give workers a short session timeout.
https://github.com/confluentinc/librdkafka/blob/master/src/rdkafka_mock.h
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

REBALANCE_DELAY_MS: Final = 100
"""How long a group waits for more members before its first assignment; the mock's own 3 s only make a start slow."""
_PRODUCER: Final = 0
_CONF_OK: Final = 0


class EmbeddedBrokerUnavailable(RuntimeError):
    """This installation has no mock cluster."""


class EmbeddedBroker:
    """A one-node cluster on 127.0.0.1, up once it is made; `close` ends it and everything it holds."""

    def __init__(self, topics: Mapping[str, int] | None = None) -> None:
        self._library = _load()
        self._client: int | None = _client(self._library)
        cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        if not cluster:
            self.close()
            raise EmbeddedBrokerUnavailable("the embedded broker found no free port on 127.0.0.1")
        self._cluster: int = cluster
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, REBALANCE_DELAY_MS)
        self.bootstrap: str = self._library.rd_kafka_mock_cluster_bootstraps(cluster).decode()
        self._known: dict[str, int] = {}
        for name, partitions in (topics or {}).items():
            self.create_topic(name, partitions)

    @property
    def topics(self) -> Mapping[str, int]:
        """Topics created here with their partition counts; a client that names another one makes it, with four."""
        return dict(self._known)

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic; once more with the same count is fine."""
        if self._client is None:
            raise RuntimeError("the embedded broker is closed")
        if self._known.get(name) == partitions:
            return
        code = self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        if code:
            reason = self._library.rd_kafka_err2str(code).decode()
            raise ValueError(f"could not create topic {name} with {partitions} partitions: {reason}")
        self._known[name] = partitions

    def close(self) -> None:
        """End the broker; twice is fine."""
        client, self._client = self._client, None
        if client is None:
            return
        if cluster := getattr(self, "_cluster", None):
            self._library.rd_kafka_mock_cluster_destroy(cluster)
        self._library.rd_kafka_destroy(client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _client(library: ctypes.CDLL) -> int:
    """Make the client that the cluster lives in; it connects to nothing."""
    text = ctypes.create_string_buffer(512)
    conf = library.rd_kafka_conf_new()
    # Emergencies only: the mock tells of each connection that goes, and a killed worker is part of the demo.
    if library.rd_kafka_conf_set(conf, b"log_level", b"0", text, len(text)) != _CONF_OK:
        library.rd_kafka_conf_destroy(conf)
        raise EmbeddedBrokerUnavailable(f"librdkafka refused its settings: {text.value.decode()}")
    client: int | None = library.rd_kafka_new(_PRODUCER, conf, text, len(text))
    if not client:
        library.rd_kafka_conf_destroy(conf)
        raise EmbeddedBrokerUnavailable(f"librdkafka did not start: {text.value.decode()}")
    return client


def _load() -> ctypes.CDLL:
    """Load librdkafka through the extension module that is linked to it.

    Where the library itself stands differs: `confluent_kafka.libs/` in Linux wheels, `confluent_kafka/.dylibs/` in macOS ones, the
    system's directories after a build from source. A symbol is looked up in a module's dependencies too (dlsym(3)), so the module is enough.
    """
    spec = importlib.util.find_spec("confluent_kafka")
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    modules = sorted(module for place in places for module in place.glob("cimpl*.so"))
    if not modules:
        raise EmbeddedBrokerUnavailable(
            "the embedded broker needs the confluent-kafka package (Linux or macOS): pip install confluent-kafka"
        )
    try:
        library = ctypes.CDLL(str(modules[0]))
        _declare(library)
    except (OSError, AttributeError) as error:
        raise EmbeddedBrokerUnavailable(
            f"the installed confluent-kafka has no mock cluster ({error}); install a wheel of version 2.12 or newer"
        ) from error
    return library


def _declare(library: ctypes.CDLL) -> None:
    """Tell ctypes the signatures: an undeclared pointer would be cut to 32 bits."""
    pointer, text, number, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
    signatures: dict[str, tuple[type | None, list[type]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, size]),
        "rd_kafka_conf_destroy": (None, [pointer]),
        "rd_kafka_new": (pointer, [number, pointer, text, size]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_err2str": (text, [number]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
