"""A real Apache Kafka in a container, for machines with a Docker engine.

In: an engine that answers. Out: a broker that can be frozen, killed and restarted on the same data. Not here: the
choice between this and the other kinds.
"""

from __future__ import annotations

import socket
import time
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from testcontainers.core.container import DockerContainer

from tests.kafka_config import COMMON, VERSION

IMAGE: Final = f"apache/kafka:{VERSION}"


class DockerKafka:
    """One broker in a container of its own; every method blocks."""

    def __init__(self) -> None:
        """Start the container and wait until Kafka answers."""
        # A fixed port of the host: a port that Docker picks would change on restart, and clients would never return.
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        container = DockerContainer(IMAGE).with_bind_ports(9092, port)
        # The engine's own address, since the broker has to advertise it: where tests run in a container themselves, a container's
        # address is known once it runs, and asking for it before raises.
        self.bootstrap = f"{container.get_docker_client().host()}:{port}"
        self.name = f"Apache Kafka ({IMAGE})"
        self.unproven: str | None = None
        for key, value in _environment(self.bootstrap).items():
            container = container.with_env(key, value)
        self._container = container
        try:
            self._container.start()
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def pause(self) -> None:
        """Freeze the broker: connections stay open, nothing is answered."""
        self._container.get_wrapped_container().pause()

    def resume(self) -> None:
        """Wake a frozen broker."""
        self._container.get_wrapped_container().unpause()

    def kill(self) -> None:
        """End the broker at once; the container keeps its data."""
        self._container.get_wrapped_container().kill()

    def restart(self) -> None:
        """Start the broker again on the same port and data."""
        self._container.get_wrapped_container().restart(timeout=0)
        self._wait_until_ready()

    def close(self) -> None:
        """Remove the container and its data."""
        self._container.stop()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 90
        while True:
            try:
                AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0}).list_topics(timeout=5)
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return


def _environment(bootstrap: str) -> dict[str, str]:
    ours = {
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://{bootstrap}",
        "controller.quorum.voters": "1@localhost:9093",
    }
    # https://hub.docker.com/r/apache/kafka: a property's name in capitals, its dots as underscores.
    properties = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in (COMMON | ours).items()}
    return properties | {"KAFKA_HEAP_OPTS": "-Xmx512m"}
