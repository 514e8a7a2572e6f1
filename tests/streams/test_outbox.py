"""Announcements leave the vault once Kafka has them, and not before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from streams import outbox
from streams.names import Names
from streams.outbox import keep_sending, send_announcements
from vault import NewConnection, Vault, VaultUnavailable

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Topic:
    """Takes so many records, then none."""

    def __init__(self, room: int = 1_000) -> None:
        self.room = room
        self.records: list[tuple[str, bytes, dict[str, object]]] = []

    async def deliver(self, topic: str, key: bytes, value: bytes) -> None:
        if len(self.records) >= self.room:
            raise ConnectionError("the broker is gone")
        self.records.append((topic, key, json.loads(value)))

    def users(self) -> list[object]:
        return [value["user_id"] for _, _, value in self.records]


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Vault]:
    """Three users have connected, one after the other."""
    vault = await Vault.open(f"sqlite+aiosqlite:///{tmp_path}/vault.db", [Fernet.generate_key().decode()])
    for number, user in enumerate(("ann", "bob", "cyd")):
        new = NewConnection("metro", user, f"{user}@example.com", SecretStr("t"), ("scope",))
        await vault.store(new, NOON + timedelta(seconds=number))
    yield vault
    await vault.close()


async def _send(vault: Any, topic: Topic) -> int:
    return await send_announcements(vault, cast("Any", topic), Names("p."))


async def test_what_waits(vault: Vault) -> None:
    """Is sent in order, under the user's key, and once."""
    topic = Topic()
    assert await _send(vault, topic) == 3
    assert await _send(vault, topic) == 0
    assert [(name, key) for name, key, _ in topic.records] == [
        ("p.sync-commands", f"metro/{user}".encode()) for user in ("ann", "bob", "cyd")
    ]
    assert topic.records[0][2]["command"] == "connect"


async def test_a_broker_that_goes_away_between_two(vault: Vault) -> None:
    """Nothing is crossed out that was not delivered; what was delivered may come twice."""
    topic = Topic(room=1)
    with pytest.raises(ConnectionError):
        await _send(vault, topic)
    topic.room = 100
    await _send(vault, topic)
    assert topic.users() == ["ann", "ann", "bob", "cyd"]


class _Dying:
    """A vault whose process dies between the delivery and the crossing out."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def announcements(self) -> object:
        return await self._vault.announcements()

    async def announced(self, ids: list[int]) -> None:
        raise KeyboardInterrupt


async def test_a_crash_after_the_delivery(vault: Vault) -> None:
    """Leaves everything to be sent again."""
    topic = Topic()
    with pytest.raises(KeyboardInterrupt):
        await _send(_Dying(vault), topic)
    assert await _send(vault, topic) == 3
    assert topic.users() == ["ann", "bob", "cyd"] * 2


class _Away:
    """A vault that is away at first."""

    def __init__(self, vault: Vault) -> None:
        self._vault, self.asked = vault, 0

    async def announcements(self) -> object:
        self.asked += 1
        if self.asked < 3:
            raise VaultUnavailable("The database is away.")
        return await self._vault.announcements()

    async def announced(self, ids: list[int]) -> None:
        await self._vault.announced(ids)


async def test_a_vault_that_is_away(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is asked again; the worker lives on."""
    monkeypatch.setattr(outbox, "POLL_S", 0.01)
    topic = Topic()
    task = asyncio.create_task(keep_sending(cast("Any", _Away(vault)), cast("Any", topic), Names()))
    async with asyncio.timeout(5):
        while await vault.announcements():  # noqa: ASYNC110 - the vault has no event to wait for
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    assert topic.users() == ["ann", "bob", "cyd"]
