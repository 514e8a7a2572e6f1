"""A database per test: every test of this directory runs on a SQLite file, and again on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.postgres import Postgres
from vault import Vault


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/vault.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as address:
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
