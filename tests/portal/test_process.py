"""The portal as a process: with Kafka and without."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from cryptography.fernet import Fernet

from portal.commands import KafkaCommands
from portal.links import sign
from portal.parts import NotPassedOn
from schemas.preferences import Preferences
from streams.codec import user_record
from streams.reach import broker_of, names_of
from streams.settings import Settings
from streams.topics import create
from tests.e2e.google import ROOT
from tests.e2e.world import free_port
from tests.kafka import Kafka
from tests.portal.world import AGENCY, SECRET, USER
from vault import Vault

NOBODY = "127.0.0.1:1"


def start(folder: Path, bootstrap: str) -> tuple[subprocess.Popen[bytes], str]:
    """A portal on a free port."""
    port = free_port()
    settings = {
        "KAFKA_BOOTSTRAP": bootstrap,
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/portal.db",
        "VAULT_KEYS": Fernet.generate_key().decode(),
        "GOOGLE_CLIENT_ID": "client",
        "GOOGLE_CLIENT_SECRET": "client-secret",
        "PORTAL_HOST_KEY": SECRET,
        "PORTAL_PORT": str(port),
        "PRIVACY_URL": "https://agency.example/privacy",
        "TERMS_URL": "https://agency.example/terms",
    }
    with (folder / "portal.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops", "portal"],
            env={"PYTHONPATH": str(ROOT), **{f"SHIFTCAL_{name}": value for name, value in settings.items()}},
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    return process, f"http://127.0.0.1:{port}"


async def page(session: aiohttp.ClientSession, url: str) -> str:
    """A page, once somebody serves it."""
    deadline = time.monotonic() + 60
    while True:
        try:
            async with session.get(url) as reply:
                assert reply.status == 200
                return await reply.text()
        except aiohttp.ClientConnectionError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


async def test_no_kafka(tmp_path: Path) -> None:
    """Pages come up all the same, and say soon that news is late; a signal ends it at once, with a page still open."""
    process, url = start(tmp_path, NOBODY)
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            assert await page(session, f"{url}/live-check") == "ok\n"
            said = {"agency": AGENCY, "user": USER, "name": "Ann Lee"}
            link = sign(said, SECRET.encode(), datetime.now(UTC), timedelta(minutes=5))
            text = await page(session, f"{url}/enter?link={link}")
            assert 'href="https://agency.example/privacy"' in text
            assert 'href="https://agency.example/terms"' in text
            async with session.get(f"{url}/live") as stream, asyncio.timeout(40):
                async for line in stream.content:
                    if b"News from the sync is late" in line:
                        break
                begun = time.monotonic()
                process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(process.wait, 20) == 0, log_of(tmp_path)
                assert time.monotonic() - begun < 5
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in log_of(tmp_path)
    assert link not in log_of(tmp_path)


def log_of(folder: Path) -> str:
    """What it logged."""
    return (folder / "portal.log").read_text()


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Vault]:
    """An empty vault."""
    opened = await Vault.open(f"sqlite+aiosqlite:///{tmp_path}/vault.db", [Fernet.generate_key().decode()])
    yield opened
    await opened.close()


async def test_commands_without_kafka(vault: Vault) -> None:
    """Who asks is told within seconds; a connect waits in the outbox, quietly."""
    commands = KafkaCommands(Settings(_env_file=None, kafka_bootstrap=NOBODY), vault)
    begun = time.monotonic()
    with pytest.raises(NotPassedOn):
        await commands.send(AGENCY, USER, {"command": "resync"})
    with pytest.raises(NotPassedOn):
        await commands.prefer(AGENCY, USER, Preferences(colour="sage"))
    await commands.announce()
    assert time.monotonic() - begun < 20
    assert await vault.preferences.get(AGENCY, USER) is None
    await commands.close()


async def test_commands(vault: Vault, kafka: Kafka, prefix: str) -> None:
    """They are what any other producer would write; a choice is a fact for the user's own row."""
    settings = Settings(_env_file=None, kafka_bootstrap=kafka.bootstrap, topic_prefix=prefix)
    topics = [f"{prefix}sync-commands", f"{prefix}shiftcal-user-facts"]
    await create(broker_of(settings), names_of(settings).specs(1), 1)
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    commands = KafkaCommands(settings, vault)
    try:
        await commands.send(AGENCY, USER, {"command": "disconnect", "purge": True})
        await commands.prefer(AGENCY, USER, Preferences(colour="sage"))
        async with asyncio.timeout(20):
            # Of two topics either may be heard first.
            heard = {record.topic: record for record in [await consumer.getone(), await consumer.getone()]}
    finally:
        await commands.close()
        await consumer.stop()
    command, choice = (heard[topic] for topic in topics)
    assert command.key == f"{AGENCY}/{USER}".encode()
    value = orjson.loads(command.value)
    assert (value["command"], value["purge"], value["schema_version"]) == ("disconnect", True, 1)
    assert datetime.now(UTC) - datetime.fromisoformat(value["occurred_at"]) < timedelta(minutes=1)
    fact = user_record(choice.value)
    assert fact.preferences.colour == "sage"  # type: ignore[union-attr]
    assert await vault.preferences.get(AGENCY, USER) == {"colour": "sage"}
