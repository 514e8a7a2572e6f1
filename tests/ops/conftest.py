"""The command, as a process or in this one, with settings of the test's own and nothing else from outside."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord
from cryptography.fernet import Fernet

from ops.main import status
from streams.settings import Settings
from tests.kafka import Kafka
from tests.records import read_all

ROOT = Path(__file__).parent.parent.parent
PARTITIONS = 2


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on standard error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


Shell = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SHIFTCAL_{name.upper()}", raising=False)


@pytest.fixture
def process() -> Shell:
    """Runs the command as operators do: a process of its own."""

    def run(*arguments: str, stdin: bytes = b"", **settings: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "ops", *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), **_environment(settings)},
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def shiftcal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs the command in this process: quicker, and every leak is an error."""

    def run(*arguments: str, **settings: str) -> Ended:
        with monkeypatch.context() as patch:
            for name, value in _environment(settings).items():
                patch.setenv(name, value)
            capsys.readouterr()
            ended = status(arguments)
        said = capsys.readouterr()
        return Ended(ended, said.out, said.err)

    return run


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    return {f"SHIFTCAL_{name.upper()}": value for name, value in settings.items()}


class World:
    """A Kafka with topics of the test's own, a database, and the command bound to both."""

    def __init__(self, kafka: Kafka, prefix: str, run: Shell) -> None:
        self.prefix = prefix
        self.settings = {
            "kafka_bootstrap": kafka.bootstrap,
            "topic_prefix": prefix,
            "partitions": str(PARTITIONS),
            "vault_keys": Fernet.generate_key().decode(),
        }
        self._run = run

    def __call__(self, *arguments: str) -> Ended:
        return self._run(*arguments, **self.settings)

    def read(self, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
        """Every record of a topic, named without prefix."""
        return asyncio.run(read_all(self.settings["kafka_bootstrap"], self.prefix + topic))

    def write(self, topic: str, *records: tuple[int, bytes | None, bytes | None, dict[str, str]]) -> None:
        """Write records of partition, key, value and headers to a topic, named without prefix."""
        asyncio.run(_write(self.settings["kafka_bootstrap"], self.prefix + topic, records))


@pytest.fixture
def world(kafka: Kafka, prefix: str, shiftcal: Shell) -> World:
    """All topics created, nobody connected."""
    made = World(kafka, prefix, shiftcal)
    ended = made("topics", "create")
    assert (ended.status, ended.err) == (0, "")
    return made


@pytest.fixture
def jsonl(tmp_path: Path) -> Callable[..., str]:
    """Writes values as lines of a file, texts as they stand."""

    def write(*lines: object, name: str = "file.jsonl") -> str:
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        (tmp_path / name).write_text("".join(f"{text}\n" for text in texts))
        return name

    return write


Jsonl = Callable[..., str]


async def _write(bootstrap: str, topic: str, records: Any) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for partition, key, value, headers in records:
            raw = [(name, text.encode()) for name, text in headers.items()]
            await producer.send_and_wait(topic, value, key, partition=partition, headers=raw)
    finally:
        await producer.stop()


@pytest.fixture
def key() -> str:
    """A key of the vault, made for this test."""
    return Fernet.generate_key().decode()
