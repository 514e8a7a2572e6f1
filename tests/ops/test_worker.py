"""`worker`: what keeps it from starting is one line."""

from __future__ import annotations

import os
from pathlib import Path

from streams.membership import membership
from tests.kafka import Kafka
from tests.ops.conftest import Shell, World

GOOGLE = {"google_client_id": "id", "google_client_secret": "geheim"}


def test_topics_missing(process: Shell, kafka: Kafka, prefix: str, key: str) -> None:
    """They are named, with the command that creates them."""
    ended = process("worker", kafka_bootstrap=kafka.bootstrap, topic_prefix=prefix, vault_keys=key, **GOOGLE)
    assert ended.status == 1
    assert f"{prefix}schedule-changed" in ended.complaint
    assert "shiftcal topics create" in ended.complaint


def test_no_keys(world: World, process: Shell) -> None:
    """Tokens could not be read."""
    ended = process("worker", **world.settings | GOOGLE | {"vault_keys": ""})
    assert ended.status == 1
    assert "SHIFTCAL_VAULT_KEYS" in ended.complaint


def test_a_state_directory_in_use(world: World, process: Shell, tmp_path: Path) -> None:
    """The process that holds it is named."""
    with membership(tmp_path / ".state"):
        ended = process("worker", **world.settings | GOOGLE)
    assert ended.status == 1
    assert str(os.getpid()) in ended.complaint
    assert "SHIFTCAL_STATE_DIR" in ended.complaint
