"""A database per test: every test of this directory runs on a SQLite file, and again on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from tests.postgres import Postgres, waited_for
from vault import Vault


async def _migrated(url: str) -> None:
    await (await Vault.open(url, [])).close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with today's tables: copying it is quicker than making them for each test."""
    path = tmp_path_factory.mktemp("vault") / "migrated.db"
    waited_for(_migrated(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_database(postgres: Postgres) -> Iterator[str]:
    """The name of a PostgreSQL database, likewise."""
    with postgres.database() as url:
        waited_for(_migrated(url))
        yield str(make_url(url).database)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with today's tables, and nothing in them."""
    if request.param == "sqlite":
        copyfile(request.getfixturevalue("migrated_file"), tmp_path / "vault.db")
        yield f"sqlite+aiosqlite:///{tmp_path}/vault.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database(like=request.getfixturevalue("migrated_database")) as address:
        yield address


@pytest.fixture
def key() -> str:
    """A key made for this test."""
    return Fernet.generate_key().decode()


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., Awaitable[Vault]]]:
    """Opens vaults that are closed at the end of the test."""
    async with AsyncExitStack() as stack:

        async def open_vault(url: str, *keys: str, **options: Any) -> Vault:
            vault = await Vault.open(url, keys, **options)
            stack.push_async_callback(vault.close)
            return vault

        yield open_vault


@pytest.fixture
async def vault(url: str, key: str, opened: Callable[..., Awaitable[Vault]]) -> Vault:
    """An empty vault with one key."""
    return await opened(url, key)
