"""A look at the database: what stands there, and that nothing is changed by looking."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.vault.facts import AGENCY, LATER, NOON, consent, run_sql
from vault import Inspection, Vault, VaultUnavailable, inspect
from vault.migrate import NEWEST


def files(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def test_no_database_yet(tmp_path: Path, key: str) -> None:
    """It is not made by being looked for."""
    assert await inspect(f"sqlite+aiosqlite:///{tmp_path}/none.db", [key]) == Inspection(step=None)
    assert files(tmp_path) == []


async def test_a_database_without_tables(tmp_path: Path, key: str) -> None:
    """It gets none."""
    (tmp_path / "empty.db").touch()
    assert (await inspect(f"sqlite+aiosqlite:///{tmp_path}/empty.db", [key])).step is None
    assert (tmp_path / "empty.db").read_bytes() == b""


async def test_tables_of_another_release(url: str, key: str, vault: Vault) -> None:
    """The step is told, and nothing else asked for."""
    await vault.store(consent("ann"), NOON)
    await run_sql(url, "UPDATE alembic_version SET version_num = '0000'")
    found = await inspect(url, [key])
    assert (found.step, found.newest, found.live) == ("0000", NEWEST, 0)


async def test_tokens(url: str, key: str, vault: Vault) -> None:
    """Those in use and those that Google has still to be told of; none is tried without keys."""
    await vault.store(consent("ann"), NOON)
    await vault.store(consent("bob"), NOON)
    await vault.release(AGENCY, "bob", LATER, "disconnected")
    expected = Inspection(step=NEWEST, live=1, revoking=1)
    assert await inspect(url, [key]) == expected
    assert await inspect(url, []) == expected


async def test_keys(url: str, key: str, vault: Vault) -> None:
    """One that opens nothing, and one that is not the newest any more."""
    await vault.store(consent("ann"), NOON)
    fresh = Fernet.generate_key().decode()
    assert (await inspect(url, [fresh])).unreadable == (f"{AGENCY}/ann",)
    found = await inspect(url, [fresh, key])
    assert (found.unreadable, found.older) == ((), 1)


async def test_a_database_that_is_not_there(key: str) -> None:
    """One line names the setting."""
    with pytest.raises(VaultUnavailable, match="SHIFTCAL_DATABASE_URL"):
        await inspect("postgresql+asyncpg://u:p@127.0.0.1:1/d", [key], wait_s=1)
