"""`vault rotate`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from tests.ops.conftest import Shell
from vault import NewConnection, Vault

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/v.db"


def _store(url: str, key: str, *users: str) -> None:
    async def store() -> None:
        vault = await Vault.open(url, [key])
        for user in users:
            new = NewConnection("metro", user, f"{user}@x", SecretStr(f"token-of-{user}"), ("s",))
            await vault.store(new, NOON)
        await vault.close()

    asyncio.run(store())


def _reads(url: str, key: str, user: str) -> bool:
    async def read() -> bool:
        vault = await Vault.open(url, [key])
        found = await vault.connection("metro", user)
        await vault.close()
        return found is not None and found.refresh_token.get_secret_value() == f"token-of-{user}"

    return asyncio.run(read())


def test_a_new_key(shiftcal: Shell, url: str, key: str) -> None:
    """It says how many; afterwards the new key is enough, and a second run finds nothing to do."""
    _store(url, key, "ann", "bob")
    newest = Fernet.generate_key().decode()
    ended = shiftcal("vault", "rotate", database_url=url, vault_keys=f"{newest},{key}")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == "encrypted 2 secrets anew; 2 are under the newest key\n"
    assert _reads(url, newest, "bob")
    again = shiftcal("vault", "rotate", database_url=url, vault_keys=newest)
    assert again.out == "encrypted 0 secrets anew; 2 are under the newest key\n"


def test_a_token_of_a_key_that_is_not_given(shiftcal: Shell, url: str, key: str) -> None:
    """One line names whose it is; the others are done."""
    _store(url, key, "ann")
    newest, older = (Fernet.generate_key().decode() for _ in range(2))
    _store(url, older, "bob")
    ended = shiftcal("vault", "rotate", database_url=url, vault_keys=f"{newest},{older}")
    assert ended.status == 1
    assert ended.out.startswith("encrypted 1 secrets anew")
    assert "metro/ann" in ended.complaint
    assert _reads(url, key, "ann")
    assert _reads(url, newest, "bob")


def test_no_key(shiftcal: Shell, url: str) -> None:
    """One line says how to make one."""
    ended = shiftcal("vault", "rotate", database_url=url)
    assert (ended.status, ended.out) == (1, "")
    assert "SHIFTCAL_VAULT_KEYS" in ended.complaint
