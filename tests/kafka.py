"""The Kafka that tests and benches talk to: the most real one that this machine offers.

In: `SHIFTCAL_TEST_KAFKA`, else Docker, else Java with Maven, else nothing. Out: a `Kafka` with its bootstrap address.
`python -m tests.kafka` starts one, prints its address and waits for Ctrl-C. Not here: topics, and what tests do.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final, Protocol

import pytest

from sandbox.broker import EmbeddedBroker
from tests import kafka_java

if TYPE_CHECKING:
    from collections.abc import Callable


class Kafka(Protocol):
    """A broker; the four verbs that disturb it block, and skip the test where they cannot work."""

    bootstrap: str
    name: str
    unproven: str | None

    def pause(self) -> None:
        """Freeze the broker: connections stay open, nothing is answered."""

    def resume(self) -> None:
        """Wake a frozen broker."""

    def kill(self) -> None:
        """End the broker at once; its data stays."""

    def restart(self) -> None:
        """Start the broker again on the same address and data."""

    def close(self) -> None:
        """End what was started; somebody else's broker is left alone."""


class Undisturbed:
    """A broker that is not ours to freeze or kill, or that cannot come back with its data."""

    def __init__(
        self, bootstrap: str, name: str, *, unproven: str | None, close: Callable[[], object]
    ) -> None:
        """Wrap the broker at this address; `close` ends what was started for it."""
        self.bootstrap = bootstrap
        self.name = name
        self.unproven = unproven
        self._close = close

    def pause(self) -> None:
        """Skip the test."""
        self._refuse()

    def resume(self) -> None:
        """Skip the test."""
        self._refuse()

    def kill(self) -> None:
        """Skip the test."""
        self._refuse()

    def restart(self) -> None:
        """Skip the test."""
        self._refuse()

    def close(self) -> None:
        """End what was started for this address, if anything."""
        self._close()

    def _refuse(self) -> None:
        pytest.skip(f"{self.name} cannot be frozen or killed: this needs Java and Maven, or Docker")


def start_kafka(*, lasting: bool = False) -> Kafka:
    """Start, or find, the most real Kafka there is; `lasting`: it is to be measured, and worth some warming."""
    if bootstrap := os.environ.get("SHIFTCAL_TEST_KAFKA"):
        return Undisturbed(bootstrap, f"Kafka at {bootstrap}", unproven=None, close=lambda: None)
    if docker_answers():
        from tests.kafka_docker import DockerKafka  # noqa: PLC0415  only where an engine runs

        return DockerKafka()
    if kafka_java.available():
        return kafka_java.JavaKafka(lasting=lasting)
    return _embedded()


MOCK_PROVES_LITTLE: Final = (
    "NOT PROVEN here: real rebalances, compaction, retention, a broker's restart, several workers. "
    "Set SHIFTCAL_TEST_KAFKA, or install Docker, or Java with Maven."
)


def _embedded() -> Kafka:
    broker = EmbeddedBroker()
    name = "librdkafka's mock cluster"
    return Undisturbed(broker.bootstrap, name, unproven=MOCK_PROVES_LITTLE, close=broker.close)


def docker_answers() -> bool:
    """Whether there is an engine."""
    if shutil.which("docker") is None:
        return False
    try:
        return (
            subprocess.run(["docker", "info"], capture_output=True, timeout=10, check=False).returncode == 0
        )
    except subprocess.TimeoutExpired:
        return False


def main() -> None:
    """Start a Kafka, say where, and keep it until Ctrl-C or SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    kafka = start_kafka()
    try:
        print(kafka.bootstrap, flush=True)
        print(f"{kafka.name}; Ctrl-C ends it. {kafka.unproven or ''}".rstrip(), file=sys.stderr)
        ended.wait()
    finally:
        kafka.close()


if __name__ == "__main__":
    main()
