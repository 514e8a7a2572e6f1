"""A real Apache Kafka as a child process: one node, KRaft, on free ports of 127.0.0.1.

In: a Java runtime and Maven, which fetches the jars once into `.kafka/`. Out: a broker that can be
frozen, killed and restarted on the same data. Not here: which kind of Kafka a test run uses.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.kafka_config import COMMON, VERSION

JARS: Final = Path(__file__).parent.parent / ".kafka" / VERSION

_POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{VERSION}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
</dependencies></project>
"""

# Outlives this process by a moment, however it ends (SIGKILL too): when its standard input closes, the broker goes.
_GUARD: Final = 'read _; kill -9 "$1"; rm -rf "$2"'


class KafkaDidNotStart(RuntimeError):
    """The broker's process ended, or did not answer in time."""


def available() -> bool:
    """Whether this machine can run the jars: Java, and either the jars or Maven to fetch them."""
    return shutil.which("java") is not None and (any(JARS.glob("*.jar")) or shutil.which("mvn") is not None)


def fetch_jars() -> Path:
    """The directory of Kafka's jars, filled through Maven the first time."""
    if any(JARS.glob("*.jar")):
        return JARS
    JARS.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=JARS.parent) as scratch:
        pom = Path(scratch, "pom.xml")
        pom.write_text(_POM)
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=jars"]
        done = subprocess.run(
            ["mvn", "-q", "-B", "-f", pom, *goal], capture_output=True, text=True, check=False
        )
        if done.returncode:
            msg = f"Maven could not fetch Kafka {VERSION}: {done.stdout.strip()[-2000:]}"
            raise KafkaDidNotStart(msg)
        # A rename, so that an interrupted download never looks like a complete one, nor two runs like half of each.
        try:
            Path(scratch, "jars").rename(JARS)
        except OSError:
            if not any(JARS.glob("*.jar")):
                raise
    return JARS


class JavaKafka:
    """One broker of our own; every method blocks (from a coroutine: `asyncio.to_thread`)."""

    def __init__(
        self,
        *,
        heap_mb: int = 512,
        lasting: bool = False,
        listeners: Mapping[str, str] = MappingProxyType({}),
        properties: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Format a new data directory and start the broker on it.

        `lasting`: it is to be measured, so Java may spend processor time at first to be faster later; most are gone by then.
        `listeners`: names of further ones with their protocols, beside the plain one; `addresses` says where they are.
        """
        self._jars = fetch_jars()
        self._options = [f"-Xmx{heap_mb}m", *([] if lasting else ["-XX:TieredStopAtLevel=1"])]
        self._home = Path(tempfile.mkdtemp(prefix="shiftcal-kafka-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        port, controller, *more = _free_ports(2 + len(listeners))
        self.bootstrap = f"127.0.0.1:{port}"
        self.addresses = {name: f"127.0.0.1:{number}" for name, number in zip(listeners, more, strict=True)}
        self.name = f"Apache Kafka {VERSION} (jars)"
        self.unproven: str | None = None
        self._config = self._home / "server.properties"
        ours = _properties(self.bootstrap, f"127.0.0.1:{controller}", self._home / "data")
        self._config.write_text(
            _file({**ours, **_more_listeners(ours, listeners, self.addresses), **properties})
        )
        try:
            self._format()
            self._start()
        except BaseException:
            self.close()
            raise

    def pause(self) -> None:
        """Freeze the broker: connections stay open, nothing is answered."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Wake a frozen broker."""
        self._running().send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the broker at once, as a power cut would; its data stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._dismiss_guard()

    def restart(self) -> None:
        """Start the broker again on the same port and data, after a `kill` or instead of one."""
        self.kill()
        self._start()

    def close(self) -> None:
        """End the broker and remove its data."""
        self.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def _format(self) -> None:
        cluster = ["--standalone", "--cluster-id", "c2hpZnRjYWwtdGVzdHMtMQ", "--config", str(self._config)]
        done = subprocess.run(
            [*self._java(), "kafka.tools.StorageTool", "format", *cluster],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            msg = f"formatting the data directory failed: {(done.stdout + done.stderr).strip()[-2000:]}"
            raise KafkaDidNotStart(msg)

    def _start(self) -> None:
        with (self._home / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._java(), "kafka.Kafka", self._config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C goes to the whole group: the broker must outlive the tests' own tear-down.
                start_new_session=True,
            )
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "guard", str(self._process.pid), self._home],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_until_ready(deadline=time.monotonic() + 60)

    def _wait_until_ready(self, deadline: float) -> None:
        host, _, port = self.bootstrap.rpartition(":")
        while time.monotonic() < deadline and self._running().poll() is None:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
                if admin.list_topics(timeout=5).brokers:
                    return
            except (OSError, KafkaException):
                time.sleep(0.1)
        log = (self._home / "broker.log").read_text(errors="replace")
        msg = f"Kafka did not start: {log.strip()[-2000:]}"
        raise KafkaDidNotStart(msg)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            msg = "the broker is not running: restart() it first"
            raise KafkaDidNotStart(msg)
        return self._process

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    def _java(self) -> list[str]:
        return ["java", *self._options, "-XX:+UseSerialGC", "-cp", f"{self._jars}{os.sep}*"]


def _properties(bootstrap: str, controller: str, data: Path) -> dict[str, str]:
    return COMMON | {
        "listeners": f"PLAINTEXT://{bootstrap},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{bootstrap}",
        "controller.quorum.bootstrap.servers": controller,
        "log.dirs": str(data),
    }


def _more_listeners(
    ours: Mapping[str, str], listeners: Mapping[str, str], addresses: Mapping[str, str]
) -> dict[str, str]:
    places = [f"{name}://{address}" for name, address in addresses.items()]
    protocols = [f"{name}:{protocol}" for name, protocol in listeners.items()]
    added = {
        "listeners": places,
        "advertised.listeners": places,
        "listener.security.protocol.map": protocols,
    }
    return {name: ",".join([ours[name], *more]) for name, more in added.items()}


def _file(properties: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in properties.items())


def _free_ports(count: int) -> list[int]:
    """Ports nobody listens on; all held at once, so that they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
