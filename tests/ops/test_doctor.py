"""`doctor`: each check is ok, or says what to do; nothing it asks can hold it up, and nothing is written."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from cryptography.fernet import Fernet

from tests.e2e.google import Google
from tests.ops.conftest import Ended, Jsonl, Shell, World
from tests.ops.messages import grant

Doctor = Callable[..., Ended]


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with Google() as standin:
        yield standin


@pytest.fixture
def doctor(world: World, google: Google, shiftcal: Shell) -> Doctor:
    """The command, with a stand-in for Google and a client of ours."""
    urls = {name.removeprefix("SHIFTCAL_").lower(): url for name, url in google.settings.items()}
    usual = world.settings | urls | {"google_client_id": "client", "google_client_secret": "secret"}

    def run(*arguments: str, **settings: str) -> Ended:
        return shiftcal("doctor", *arguments, **usual | settings)

    return run


def outcomes(ended: Ended) -> dict[str, str]:
    return {check["check"]: check["outcome"] for check in ended.json["checks"]}


def finding(ended: Ended, name: str) -> Any:
    return next(check for check in ended.json["checks"] if check["check"] == name)


def test_a_deployment_before_its_first_worker(doctor: Doctor, world: World, tmp_path: Path) -> None:
    """What is to come is a warning; nothing was made, and nothing sent."""
    ended = doctor("--json")
    assert (ended.status, ended.err, ended.json["ok"]) == (0, "", True)
    assert outcomes(ended) == {
        "settings": "ok",
        "policies": "ok",
        "state directory": "ok",
        "kafka": "ok",
        "topics": "ok",
        "state": "warning",
        "group": "warning",
        "clock: Kafka": "ok",
        "database": "warning",
        "keys": "ok",
        "google client": "ok",
        "clock: Google": "ok",
        "google api": "ok",
    }
    assert list(tmp_path.iterdir()) == []
    assert world.read("shiftcal-rebuild") == []


def test_for_a_person(doctor: Doctor) -> None:
    """A line for each check."""
    lines = doctor().out.splitlines()
    assert lines[0].split() == ["check", "what", "was", "found", "what", "to", "do"]
    assert next(line for line in lines if line.startswith("topics")).split()[1:3] == ["ok", "all"]
    assert "start one with `shiftcal worker`" in next(line for line in lines if line.startswith("group"))


def test_topics_that_are_missing(doctor: Doctor) -> None:
    """Named together, with the command that makes them; what needs them is not tried."""
    ended = doctor("--json", topic_prefix="nobody-has-this-")
    assert (ended.status, ended.json["ok"]) == (1, False)
    assert (
        "15 of 15 topics are missing (nobody-has-this-schedule-changed," in finding(ended, "topics")["said"]
    )
    assert finding(ended, "topics")["what_to_do"] == "run `shiftcal topics create`"
    assert {outcomes(ended)[name] for name in ("state", "group", "clock: Kafka")} == {"skipped"}
    assert ended.complaint == "shiftcal doctor: 1 of 13 checks failed"


def test_topics_of_another_shape(doctor: Doctor) -> None:
    """As `topics check` says it."""
    ended = doctor("--json", partitions="5")
    assert "has 2 partitions, 5 are needed" in finding(ended, "topics")["said"]


def test_nothing_is_there(doctor: Doctor) -> None:
    """Each check says what to look at, and the others are made all the same."""
    nowhere = "http://127.0.0.1:1/"
    ended = doctor(
        "--json",
        kafka_bootstrap="127.0.0.1:1",
        google_token_url=nowhere,
        google_api_url=nowhere,
        database_url="postgresql+asyncpg://u:secret-word@127.0.0.1:1/d",
    )
    assert ended.status == 1
    found = outcomes(ended)
    assert {found[name] for name in ("kafka", "database", "google client", "google api")} == {"failed"}
    assert {found[name] for name in ("topics", "state", "group", "keys", "clock: Google")} == {"skipped"}
    assert "SHIFTCAL_KAFKA_BOOTSTRAP: no Kafka answers at 127.0.0.1:1" in finding(ended, "kafka")["said"]
    assert "SHIFTCAL_DATABASE_URL" in finding(ended, "database")["said"]
    assert "secret-word" not in ended.out
    assert ended.complaint == "shiftcal doctor: 4 of 13 checks failed"


def test_hosts_that_never_answer(doctor: Doctor) -> None:
    """They take connections and say nothing: every check ends in its time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        ended = doctor(
            "--json",
            "--timeout",
            "1",
            kafka_bootstrap=where,
            google_token_url=f"http://{where}/token",
            google_api_url=f"http://{where}/",
            database_url=f"postgresql+asyncpg://u:p@{where}/d",
        )
        took = time.monotonic() - began
    assert ended.status == 1
    found = outcomes(ended)
    assert {found[name] for name in ("kafka", "database", "google client", "google api")} == {"failed"}
    assert "no answer within 1 s" in finding(ended, "kafka")["said"]
    assert took < 15


def test_a_client_that_google_does_not_take(doctor: Doctor, google: Google) -> None:
    """The settings are named; the clock is not spoken of."""
    google.ask("PUT", "clients", {"client": "another-secret"})
    try:
        ended = doctor("--json")
    finally:
        google.ask("PUT", "clients", {})
    assert outcomes(ended)["google client"] == "failed"
    assert "correct SHIFTCAL_GOOGLE_CLIENT_ID and" in finding(ended, "google client")["said"]
    assert "secret" not in ended.out.replace("GOOGLE_CLIENT_SECRET", "")


def test_no_client(doctor: Doctor) -> None:
    """With Google's own address, none works without."""
    defaults = {"google_client_id": "", "google_token_url": ""}
    assert (
        "SHIFTCAL_GOOGLE_CLIENT_ID is not set"
        in finding(doctor("--json", **defaults), "google client")["said"]
    )


def test_something_else_than_google(doctor: Doctor, google: Google) -> None:
    """A page that answers every stranger is not the Calendar API."""
    ended = doctor("--json", google_api_url=google.settings["SHIFTCAL_GOOGLE_API_URL"] + "/_standin/")
    assert "is not Google's Calendar API" in finding(ended, "google api")["said"]


def test_keys_that_open_nothing(doctor: Doctor, world: World, jsonl: Jsonl) -> None:
    """Whose tokens they are; with both keys all is well, and the older one is spoken of."""
    assert world("connections", "import", jsonl(grant())).status == 0
    ended = doctor("--json")
    assert (outcomes(ended)["database"], outcomes(ended)["keys"]) == ("ok", "ok")
    assert "1 connections are live" in finding(ended, "database")["said"]
    fresh = Fernet.generate_key().decode()
    ended = doctor("--json", vault_keys=fresh)
    assert outcomes(ended)["keys"] == "failed"
    assert (
        "1 of 1 tokens fit none of SHIFTCAL_VAULT_KEYS: those of metro-ems/u-17"
        in finding(ended, "keys")["said"]
    )
    ended = doctor("--json", vault_keys=f"{fresh},{world.settings['vault_keys']}")
    assert outcomes(ended)["keys"] == "ok"
    assert "`shiftcal vault rotate`" in finding(ended, "keys")["what_to_do"]
    assert outcomes(doctor("--json", vault_keys=""))["keys"] == "failed"


def test_a_setting_that_cannot_be_read(doctor: Doctor) -> None:
    """Nothing else can be checked."""
    ended = doctor("--json", partitions="many")
    assert ended.status == 1
    assert "SHIFTCAL_PARTITIONS" in finding(ended, "settings")["said"]
    assert set(outcomes(ended).values()) == {"failed", "skipped"}


def test_policies(doctor: Doctor, jsonl: Jsonl) -> None:
    """Read, and tried."""
    good = jsonl('[agency."metro-ems"]', 'on_leave = "keep"', name="good.toml")
    assert "good.toml: read, with 1 agencies" in finding(doctor("--json", policies=good), "policies")["said"]
    bad = jsonl("[default]", 'on_leave = "nonsense"', name="bad.toml")
    ended = doctor("--json", policies=bad)
    assert outcomes(ended)["policies"] == "failed"
    assert "bad.toml" in finding(ended, "policies")["said"]


def test_a_state_directory(doctor: Doctor, tmp_path: Path) -> None:
    """One that is there, one that is no directory, and none at all."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "lock").write_text("not a number")
    assert "writable" in finding(doctor("--json", state_dir="there"), "state directory")["said"]
    (tmp_path / "file").write_text("")
    ended = doctor("--json", state_dir="file/state")
    assert outcomes(ended)["state directory"] == "failed"
    assert "SHIFTCAL_STATE_DIR" in finding(ended, "state directory")["what_to_do"]
    assert outcomes(doctor("--json", store="memory"))["state directory"] == "warning"


async def _from_the_future(world: World) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=world.settings["kafka_bootstrap"])
    await producer.start()
    try:
        at = datetime.now(UTC) + timedelta(minutes=1)
        await producer.send_and_wait(
            f"{world.prefix}sync-status", b"{}", b"k", timestamp_ms=round(at.timestamp() * 1000)
        )
    finally:
        await producer.stop()


def test_a_record_from_the_future(doctor: Doctor, world: World) -> None:
    """Somebody's clock is wrong."""
    asyncio.run(_from_the_future(world))
    ended = doctor("--json")
    assert (ended.status, outcomes(ended)["clock: Kafka"]) == (0, "warning")
    assert (
        f"records of {world.prefix}sync-status are dated more than 5 s"
        in finding(ended, "clock: Kafka")["said"]
    )


def test_state_that_was_lost(doctor: Doctor, world: World) -> None:
    """What a worker would refuse to start on, with its cure."""
    done = b'{"ends": {"%sshiftcal-users-changelog/0": 7}}' % world.prefix.encode()
    world.write("shiftcal-rebuild", (0, b"done", done, {}))
    ended = doctor("--json")
    assert outcomes(ended)["state"] == "failed"
    assert "new SHIFTCAL_APP_ID" in finding(ended, "state")["said"]
