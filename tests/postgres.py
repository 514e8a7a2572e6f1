"""The PostgreSQL that tests talk to: the first of those that this machine offers.

In: `SHIFTCAL_TEST_POSTGRES` (an address whose user may create databases), else PostgreSQL's own programs, else Docker, else
nothing. Out: a `Postgres` that gives each test a database of its own. Not here: tables, and what tests do.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, Protocol, TypeVar
from uuid import uuid4

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

T = TypeVar("T")

NOT_PROVEN: Final = (
    "NOT PROVEN here: the vault on PostgreSQL, several hosts. "
    "Install Debian's postgresql or Docker, or set SHIFTCAL_TEST_POSTGRES."
)


class Server(Protocol):
    """A server; `close` ends what was started for it, and somebody else's is left alone."""

    url: str
    name: str

    def close(self) -> None:
        """End what was started."""


class Somebodys:
    """A server that was there before."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = "PostgreSQL of SHIFTCAL_TEST_POSTGRES"

    def close(self) -> None:
        """It stays."""


class Postgres:
    """A server, and databases on it; every method blocks."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.name = server.name

    @contextmanager
    def database(self, like: str = "template1") -> Iterator[str]:
        """The address of an empty database, or one like another; it is dropped at the end, whoever is connected to it."""
        name = f"shiftcal_{uuid4().hex}"
        statement(self._server.url, f"CREATE DATABASE {name} TEMPLATE {like}")
        try:
            yield make_url(self._server.url).set(database=name).render_as_string(hide_password=False)
        finally:
            statement(self._server.url, f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """End the server, if it is ours."""
        self._server.close()


def start_postgres() -> Postgres | None:
    """Start, or find, a server; None where there is none."""
    if url := os.environ.get("SHIFTCAL_TEST_POSTGRES"):
        return Postgres(Somebodys(url))
    from tests import postgres_local  # noqa: PLC0415  only where a server has to be started, as below

    if postgres_local.programs() is not None:
        return Postgres(postgres_local.LocalPostgres())
    from tests.kafka import docker_answers  # noqa: PLC0415

    if docker_answers():
        from tests.postgres_docker import DockerPostgres  # noqa: PLC0415

        return Postgres(DockerPostgres())
    return None


def statement(url: str, sql: str) -> None:
    """Run one statement outside of a transaction."""
    waited_for(_statement(url, sql))


def waited_for(work: Coroutine[None, None, T]) -> T:
    """Do this from wherever: a loop that runs in this thread is not disturbed."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _statement(url: str, sql: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(sql))
    finally:
        await engine.dispose()
