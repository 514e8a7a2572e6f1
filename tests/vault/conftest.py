"""A database per test: a SQLite file always, a fresh PostgreSQL database too where SHIFTCAL_TEST_POSTGRES names a
server (an address whose user may create databases).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from vault import Vault

POSTGRES = os.environ.get("SHIFTCAL_TEST_POSTGRES")


async def _on_the_server(statement: str) -> None:
    assert POSTGRES is not None
    engine = create_async_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"] if POSTGRES else ["sqlite"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/vault.db"
        return
    assert POSTGRES is not None
    name = f"vault_{uuid4().hex}"
    await _on_the_server(f"CREATE DATABASE {name}")
    yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    await _on_the_server(f"DROP DATABASE {name} WITH (FORCE)")


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
