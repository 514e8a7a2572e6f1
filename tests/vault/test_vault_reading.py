"""Who is connected, for a process that must change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.vault.facts import AGENCY, LATER, NOON, consent, run_sql
from vault import Known, Reading, Vault, VaultUnavailable


def files(directory: Path) -> list[Path]:
    return list(directory.iterdir())


@pytest.fixture
async def reading(url: str, vault: Vault) -> AsyncIterator[Reading]:
    opened = await Reading.open(url)
    yield opened
    await opened.close()


async def test_connections(reading: Reading, vault: Vault) -> None:
    """Whoever is connected, whoever was, and nobody; without any key."""
    await vault.store(consent("ann", calendar="team@group"), NOON)
    await vault.store(consent("bob"), NOON)
    await vault.release(AGENCY, "bob", LATER, "disconnected")
    scopes = ("calendar.events", "openid")
    assert await reading.connection(AGENCY, "ann") == Known(
        "ann@example.com", "team@group", scopes, NOON, live=True
    )
    assert await reading.connection(AGENCY, "bob") == Known(
        "bob@example.com", "primary", scopes, NOON, live=False
    )
    assert await reading.connection(AGENCY, "eve") is None


async def test_a_write(reading: Reading, vault: Vault) -> None:
    """The database itself refuses it."""
    await vault.store(consent("ann"), NOON)
    with pytest.raises(Exception, match=r"readonly|read-only"):
        async with reading._database.writing() as session:
            await session.execute(text("DELETE FROM connections"))
    assert await reading.connection(AGENCY, "ann") is not None


async def test_the_last_to_leave(tmp_path: Path, key: str, opened: Callable[..., Awaitable[Vault]]) -> None:
    """On SQLite the last to close would move what writers left behind into the file: that, too, is a change."""
    url = f"sqlite+aiosqlite:///{tmp_path}/100%20 #1.db"
    vault = await opened(url, key)
    await vault.store(consent("ann"), NOON)
    reading = await Reading.open(url)
    assert await reading.connection(AGENCY, "ann") is not None
    await vault.close()
    before = {file: file.read_bytes() for file in files(tmp_path) if "shm" not in file.name}
    assert await reading.connection(AGENCY, "ann") is not None
    await reading.close()
    assert {file: file.read_bytes() for file in before} == before
    assert len(before) == 2
    assert all(before.values())


async def test_tables_of_another_release(url: str, reading: Reading, vault: Vault) -> None:
    """They are read as they are, and left at their step."""
    await vault.store(consent("ann"), NOON)
    await run_sql(
        url,
        "UPDATE alembic_version SET version_num = '0000'",
        "ALTER TABLE connections ADD COLUMN of_tomorrow INTEGER",
    )
    assert await reading.connection(AGENCY, "ann") is not None


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is not made."""
    with pytest.raises(VaultUnavailable, match="no database is there"):
        await Reading.open(f"sqlite+aiosqlite:///{tmp_path}/none.db")
    assert files(tmp_path) == []
