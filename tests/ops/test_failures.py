"""What may be wrong outside: one line on standard error, status 1, no traceback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka.errors import IllegalStateError

from ops import topics
from tests.kafka import Kafka
from tests.ops.conftest import Jsonl, Shell
from tests.ops.messages import grant, schedule, upsert


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address where nobody listens, nor can: it is taken for as long as the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def test_a_wrong_setting(process: Shell) -> None:
    """It is named, and its value is not repeated."""
    ended = process("topics", "check", partitions="many-secrets")
    assert (ended.status, ended.out) == (1, "")
    assert "SHIFTCAL_PARTITIONS" in ended.complaint
    assert "secrets" not in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["worker"],
        ["topics", "create"],
        ["topics", "check"],
        ["produce", "file.jsonl"],
        ["connections", "import", "grants.jsonl"],
        ["resync", "metro-ems", "u-17"],
        ["disconnect", "metro-ems", "u-17"],
        ["replay", "schedule-changed"],
        ["dead-letters", "list"],
    ],
)
def test_kafka_down(process: Shell, jsonl: Jsonl, nowhere: str, key: str, arguments: list[str]) -> None:
    """The setting and the address are named, and Kafka's client is silent."""
    jsonl(schedule(upsert()))
    jsonl(grant(), name="grants.jsonl")
    ended = process(*arguments, kafka_bootstrap=nowhere, vault_keys=key)
    assert ended.status == 1
    assert "SHIFTCAL_KAFKA_BOOTSTRAP" in ended.complaint
    assert nowhere in ended.complaint


@pytest.mark.parametrize(
    "arguments",
    [
        ["produce", "file.jsonl"],
        ["resync", "metro-ems", "u-17"],
        ["replay", "schedule-changed"],
        ["dead-letters", "list"],
    ],
)
def test_topics_missing(
    shiftcal: Shell, jsonl: Jsonl, kafka: Kafka, prefix: str, arguments: list[str]
) -> None:
    """They are named, with the command that creates them."""
    jsonl(schedule(upsert()))
    ended = shiftcal(*arguments, kafka_bootstrap=kafka.bootstrap, topic_prefix=prefix)
    assert ended.status == 1
    assert prefix in ended.complaint
    assert "shiftcal topics create" in ended.complaint


@pytest.mark.parametrize("verb", [["validate"], ["produce"], ["connections", "import"]])
def test_a_file_that_is_not_there(shiftcal: Shell, verb: list[str]) -> None:
    """It is named."""
    ended = shiftcal(*verb, "nowhere.jsonl")
    assert ended.status == 1
    assert ended.complaint == "shiftcal: nowhere.jsonl: cannot be read: No such file or directory"


def test_a_directory_for_a_file(shiftcal: Shell, tmp_path: Path) -> None:
    """It is named."""
    assert shiftcal("validate", str(tmp_path)).complaint.endswith("cannot be read: Is a directory")


def test_no_keys(process: Shell, jsonl: Jsonl, kafka: Kafka, prefix: str) -> None:
    """Tokens are not stored without, and the line says how to make one."""
    settings = {"kafka_bootstrap": kafka.bootstrap, "topic_prefix": prefix}
    assert process("topics", "create", partitions="1", **settings).status == 0
    ended = process("connections", "import", jsonl(grant()), **settings)
    assert ended.status == 1
    assert "SHIFTCAL_VAULT_KEYS" in ended.complaint


def test_a_database_that_is_not_there(process: Shell, nowhere: str) -> None:
    """The setting is named, the password is not."""
    ended = process("connections", "list", database_url=f"postgresql+asyncpg://me:geheim@{nowhere}/shiftcal")
    assert ended.status == 1
    assert "SHIFTCAL_DATABASE_URL" in ended.complaint
    assert "geheim" not in ended.err


def test_a_wrong_file_of_policies(process: Shell, tmp_path: Path) -> None:
    """The worker does not start, and the line names file, table and key."""
    (tmp_path / "policies.toml").write_text('[default]\non_unpublish = "burn"\n')
    ended = process("worker", policies="policies.toml")
    assert ended.status == 1
    assert "policies.toml" in ended.complaint
    assert "on_unpublish" in ended.complaint


def test_a_bug_of_ours(monkeypatch: pytest.MonkeyPatch, shiftcal: Shell) -> None:
    """It keeps its traceback: nobody but us can put it right."""

    def broken() -> None:
        raise IllegalStateError("ours")

    monkeypatch.setattr(topics, "load_settings", broken)
    with pytest.raises(IllegalStateError):
        shiftcal("topics", "check")


def test_files_that_a_command_makes(process: Shell, tmp_path: Path) -> None:
    """They are not for everybody on the machine to read."""
    assert process("connections", "list").status == 0
    made = [file for file in tmp_path.iterdir() if file.name.startswith("shiftcal.db")]
    assert made
    assert not any(file.stat().st_mode & 0o007 for file in made)
