"""Reaching the database. In: SHIFTCAL_DATABASE_URL. Out: sessions for reading and for writing, and one error class
for whatever keeps us from them. No tables and no rules here.

Writers take a lock: on SQLite there is one for the whole file anyway (BEGIN IMMEDIATE), on PostgreSQL an advisory lock for
each `Part` of the vault, so that the steady writing of the projection keeps no worker from releasing a token. Two ends of
connections that share a Google account must not each take the other for the one that stays; two portals that read the same
topic must not each count the same result. Transactions last milliseconds, so nobody waits long.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import URL, Connection, event, exc, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from vault.errors import VaultUnavailable

SQLITE: Final = "sqlite+aiosqlite"
POSTGRES: Final = "postgresql+asyncpg"
_BEGIN: Final = "vault_begin"
_OUR_BUGS: Final = (exc.IntegrityError, exc.DataError, exc.ProgrammingError, exc.NotSupportedError)


class Part(IntEnum):
    """What one writer has to itself. Advisory locks are numbers shared by the whole database: these begin with "SHIFTCAL"."""

    CONNECTIONS = 0x5348_4946_5443_414C
    PROJECTION = CONNECTIONS + 1
    PORTAL = CONNECTIONS + 2


class Database:
    """One database, and its pool of connections."""

    def __init__(self, url: str, wait_s: float, *, read_only: bool = False) -> None:
        """`read_only`: the database itself refuses every change of ours."""
        self._url = parse_url(url)
        self._wait_s = wait_s
        self._engine = _engine(self._url, wait_s, read_only=read_only)
        # Same pool; the option tells SQLite's `begin` hook what to say. IMMEDIATE: a reader that turns writer is
        # refused at once where another one wrote in between.
        self._writer = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})

    def __repr__(self) -> str:
        return f"Database({self._url.get_backend_name()})"

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A consistent look, without a lock."""
        with self.reaching():
            async with AsyncSession(self._engine) as session:
                yield session

    @asynccontextmanager
    async def writing(self, *parts: Part) -> AsyncIterator[AsyncSession]:
        """The only writer of these parts, of the connections unless others are named. Committed at the end; nothing happened where an error leaves the block."""
        with self.reaching():
            # Rows are read on after the commit.
            async with AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
                await _lock(await session.connection(), parts or (Part.CONNECTIONS,))
                yield session

    @asynccontextmanager
    async def changing_schema(self) -> AsyncIterator[AsyncConnection]:
        """As `writing`, without the objects."""
        with self.reaching(rights_are_proven=False):
            async with self._writer.begin() as connection:
                await _lock(connection, tuple(Part))
                yield connection

    async def connect(self) -> None:
        """Try the address, and let SQLite's readers in beside a writer."""
        with self.reaching(rights_are_proven=False):
            if self._url.drivername == SQLITE:
                await self._prepare_file()
            else:
                await self._greet_server()

    async def _prepare_file(self) -> None:
        # Not through aiosqlite: where a file does not open, its thread may outlive the event loop and complain.
        args, options = self._engine.dialect.create_connect_args(self._url)
        deadline = asyncio.get_running_loop().time() + self._wait_s
        while True:
            try:
                await asyncio.to_thread(_write_ahead, args, {"timeout": self._wait_s, **options})
            except sqlite3.OperationalError as error:
                # Changing the journal mode does not wait for the busy timeout: two first starts may collide.
                if "locked" not in str(error) or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.05)
            else:
                return

    async def _greet_server(self) -> None:
        try:
            async with self._engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except TypeError as error:  # what follows the `?` in the address goes to the driver as it stands
            raise VaultUnavailable(
                f"SHIFTCAL_DATABASE_URL: the driver does not take an option of the address ({error}): leave it out"
            ) from error

    async def tidy(self) -> None:
        """Leave no older copy of a row lying about where that is ours to do.

        SQLite keeps changed pages in its write-ahead log until it is used up anew. PostgreSQL's own are its vacuum's.
        """
        if self._url.drivername == SQLITE:
            with self.reaching():
                args, options = self._engine.dialect.create_connect_args(self._url)
                await asyncio.to_thread(_checkpoint, args, {"timeout": self._wait_s, **options})

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()

    @contextmanager
    def reaching(self, *, rights_are_proven: bool = True) -> Iterator[None]:
        """Turn whatever the drivers raise into one error; what is our own bug stays what it is."""
        try:
            yield
        except _OUR_BUGS as error:
            # PostgreSQL reports missing rights in the class of wrong statements.
            if not rights_are_proven and isinstance(error, exc.ProgrammingError):
                raise self._unavailable(error.orig) from error
            raise
        except exc.DBAPIError as error:
            raise self._unavailable(error.orig) from error
        except (exc.TimeoutError, sqlite3.Error, OSError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: BaseException | None) -> VaultUnavailable:
        silent = isinstance(error, (TimeoutError, exc.TimeoutError))
        reason = "no answer in time" if silent else " ".join(str(error).split()) or type(error).__name__
        hint = (
            "another process holds it; if that lasts, find and stop the one that does"
            if "locked" in reason or "lock timeout" in reason
            else "check the address, that the server runs and that we may write there"
        )
        return VaultUnavailable(
            f"SHIFTCAL_DATABASE_URL: {_where(self._url)} cannot be used ({reason}): {hint}"
        )


def parse_url(url: str) -> URL:
    """The address, if it is one of the two kinds that we can use."""
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in {SQLITE, POSTGRES}:
        # The address itself stays out of the message: it may hold a password.
        raise VaultUnavailable(
            f"SHIFTCAL_DATABASE_URL is not an address we can use: write {SQLITE}:///FILE"
            f" or {POSTGRES}://USER:PASSWORD@HOST/DATABASE"
        )
    if parsed.drivername == SQLITE and parsed.database in {None, "", ":memory:"}:
        raise VaultUnavailable(
            f"SHIFTCAL_DATABASE_URL names no file, and several processes share the database: write {SQLITE}:///FILE"
        )
    return parsed


def _where(url: URL) -> str:
    if url.drivername == SQLITE:
        return f"the file {url.database}"
    return f"the database {url.database} at {url.host}:{url.port or 5432}"


def _engine(url: URL, wait_s: float, *, read_only: bool) -> AsyncEngine:
    sqlite = url.drivername == SQLITE
    server_settings = {"application_name": "shiftcal", "lock_timeout": str(int(wait_s * 1000))}
    if read_only:
        server_settings["default_transaction_read_only"] = "on"
    connect_args: dict[str, Any] = (
        {"timeout": wait_s}
        if sqlite
        # Twice the wait: a server that waits for a lock says so itself, one that is gone says nothing.
        else {"timeout": wait_s, "command_timeout": 2 * wait_s, "server_settings": server_settings}
    )
    # hide_parameters: errors and logs would quote rows otherwise.
    engine = create_async_engine(
        _only_read(url) if sqlite and read_only else url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=wait_s,
        connect_args=connect_args,
    )
    if sqlite:
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    # Python's sqlite3 begins transactions late and by guess; ours begin where we say so.
    # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#serializable-isolation-savepoints-transactional-ddl
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    # Erased means overwritten: a deleted row's bytes would stay in the file.
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _only_read(url: URL) -> URL:
    # `PRAGMA query_only` is not enough: whoever is the last to close moves the write-ahead log into the file.
    # https://www.sqlite.org/uri.html#urimode
    path = quote(str(Path(str(url.database)).absolute()))
    return url.set(database=f"file:{path}").update_query_dict({"mode": "ro", "uri": "true"})


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _write_ahead(args: Sequence[Any], options: Mapping[str, Any]) -> None:
    with closing(sqlite3.connect(*args, **options)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _checkpoint(args: Sequence[Any], options: Mapping[str, Any]) -> None:
    with closing(sqlite3.connect(*args, **options)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def _lock(connection: AsyncConnection, parts: Sequence[Part]) -> None:
    if connection.dialect.name == "postgresql":
        # Always in one order: two that take the same ones must not wait for each other.
        for part in sorted(parts):
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": int(part)})
