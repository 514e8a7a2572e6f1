"""The database: several processes at once, its history, and what a person reads when it cannot be used."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

import vault as room
from tests.vault.facts import (
    AGENCY,
    LATER,
    NOON,
    TICK,
    Opener,
    consent,
    run_sql,
    states,
    token_of,
    tokens_to_revoke,
)
from vault import Vault, VaultUnavailable
from vault.migrate import NEWEST
from vault.models import Base, ConnectionRow

ROOT = Path(room.__file__).parents[1]


async def test_two_first_starts_at_once(empty: str, key: str, opened: Opener) -> None:
    """One makes the tables, the others find them."""
    vaults = await asyncio.gather(*(opened(empty, key) for _ in range(4)))
    for number, vault in enumerate(vaults):
        await vault.store(consent(f"u{number}"), NOON)
    assert len(await vaults[0].connections()) == 4


async def test_processes_that_start_and_write_at_once(empty: str, key: str, opened: Opener) -> None:
    """Every one of their connections arrives, with its announcement."""
    code = (
        "import asyncio, sys; from datetime import UTC, datetime; from pydantic import SecretStr;"
        "from vault import NewConnection, Vault\n"
        "async def main(url, key, who):\n"
        "    vault = await Vault.open(url, [key])\n"
        "    for n in range(5):\n"
        "        new = NewConnection('a', f'{who}-{n}', f'{who}-{n}@x', SecretStr('t'), ())\n"
        "        await vault.store(new, datetime.now(UTC))\n"
        "    await vault.close()\n"
        "asyncio.run(main(*sys.argv[1:]))\n"
    )
    running = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, empty, key, who, cwd=ROOT)
        for who in ("p", "q", "r")
    ]
    assert [await process.wait() for process in running] == [0, 0, 0]
    vault = await opened(empty, key)
    assert len(await vault.connections()) == len(await vault.announcements()) == 15


async def test_many_users_take_one_calendar_at_once(url: str, key: str, opened: Opener) -> None:
    """Exactly one keeps it, and the outbox tells the same story."""
    vaults = await asyncio.gather(opened(url, key), opened(url, key))
    await asyncio.gather(
        *(vaults[n % 2].store(consent(f"u{n}", "team@example.com"), NOON + n * TICK) for n in range(10))
    )
    live = {user for user, (state, _) in (await states(vaults[0])).items() if state == "live"}
    assert live == {"u9"}
    told: dict[str, object] = {}
    for waiting in await vaults[1].announcements():
        told[waiting.key] = waiting.value["command"]
    assert [key for key, last in told.items() if last == "connect"] == [f"{AGENCY}/u9"]


async def test_two_that_share_an_account_leave_at_once(url: str, key: str, opened: Opener) -> None:
    """One of them is the last, and its token is revoked: neither takes the other for the one that stays."""
    one, two = await asyncio.gather(opened(url, key), opened(url, key))
    for round_ in range(5):
        at = NOON + round_ * 2 * TICK
        await one.store(consent("ann", "team@example.com", calendar="a@group"), at)
        await one.store(consent("bob", "team@example.com", calendar="b@group"), at)
        await asyncio.gather(
            one.release(AGENCY, "ann", at + TICK, "disconnect"),
            two.release(AGENCY, "bob", at + TICK, "disconnect"),
        )
        assert len(await tokens_to_revoke(one)) == 1


async def test_a_reader_beside_a_writer(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """It sees the state before the write, and does not wait."""
    other = await opened(url, key, wait_s=0.2)
    await vault.store(consent("ann"), NOON)
    async with vault._database.writing() as session:
        await session.execute(delete(ConnectionRow))
        assert await token_of(other, "ann") == "token-of-ann"


async def test_a_writer_beside_a_reader(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """A slow look does not keep anybody from connecting."""
    other = await opened(url, key, wait_s=0.2)
    async with vault._database.reading() as session:
        await session.scalars(select(ConnectionRow))
        assert (await other.store(consent("ann"), NOON)).applied


async def test_an_error_about_a_row(vault: Vault, url: str) -> None:
    """It does not quote the row, not even in what it was caused by."""
    user = "u-4711"
    await run_sql(url, "DROP TABLE outbox")
    with pytest.raises((VaultUnavailable, DBAPIError)) as caught:
        await vault.store(consent(user), NOON)
    assert user not in "".join(traceback.format_exception(caught.value))


async def test_a_database_that_somebody_else_holds(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """A writer gives up after its time, with one line; afterwards everything works."""
    other = await opened(url, key, wait_s=0.2)
    async with vault._database.writing():
        with pytest.raises(VaultUnavailable, match=r"^SHIFTCAL_DATABASE_URL: [^\n]*another process[^\n]*$"):
            await other.store(consent("ann"), NOON)
    assert (await other.store(consent("ann"), NOON)).applied


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "rubbish",
        "sqlite:///x.db",
        "postgresql://u:hunter2@h/d",
        "postgresql+asyncpg://u:hunter2@h:port/d",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
    ],
)
async def test_an_address_of_the_wrong_kind(wrong: str) -> None:
    """The error says what to write, and does not show a password."""
    with pytest.raises(
        VaultUnavailable, match=r"^SHIFTCAL_DATABASE_URL [^\n]*sqlite\+aiosqlite:///FILE[^\n]*$"
    ) as caught:
        await Vault.open(wrong, [])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ("sqlite+aiosqlite:////nowhere/at/all.db", "the file /nowhere/at/all.db"),
        ("postgresql+asyncpg://u:hunter2@127.0.0.1:1/d", "the database d at 127.0.0.1:1"),
        ("postgresql+asyncpg://u:hunter2@127.0.0.1:1/d?colour=red", "colour"),
    ],
)
async def test_a_database_that_is_not_there(wrong: str, place: str) -> None:
    """The error names the place on one line, without the password."""
    with pytest.raises(VaultUnavailable, match=r"^SHIFTCAL_DATABASE_URL: [^\n]*$") as caught:
        await Vault.open(wrong, [])
    assert place in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """It is left as it is."""
    file = tmp_path / "notes.txt"
    file.write_text("dear diary, " * 100)
    with pytest.raises(VaultUnavailable, match="not a database"):
        await Vault.open(f"sqlite+aiosqlite:///{file}", [])
    assert file.read_text() == "dear diary, " * 100


async def test_a_database_of_a_newer_release(vault: Vault, url: str) -> None:
    """It is not touched, and the error says which release to start."""
    await vault.close()
    await run_sql(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(
        VaultUnavailable, match=r"^SHIFTCAL_DATABASE_URL: [^\n]*9999[^\n]*newer release[^\n]*$"
    ):
        await Vault.open(url, [])


async def test_the_history_and_the_models(vault: Vault, url: str) -> None:
    """The steps together make exactly the tables that the code uses."""
    await vault.migrate()

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

    engine = create_async_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


def test_the_newest_step() -> None:
    """Alembic knows none that is newer than the one the program asks for."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "vault" / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == NEWEST


def test_a_database_that_is_up_to_date(tmp_path: Path) -> None:
    """Alembic is not even loaded for it."""
    url = f"sqlite+aiosqlite:///{tmp_path}/v.db"
    program = (
        "import asyncio, sys\n"
        "from vault import Vault\n"
        "async def main():\n"
        f"    await (await Vault.open({url!r}, [])).close()\n"
        "asyncio.run(main())\n"
        "print('alembic' in sys.modules)\n"
    )
    said = [subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True) for _ in range(2)]
    assert said == ["True\n", "False\n"]


async def test_the_alembic_command(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It works on the very address that the program has, up and down."""
    monkeypatch.setenv("SHIFTCAL_DATABASE_URL", empty)
    config = Config(ROOT / "vault" / "migrations" / "alembic.ini")

    async def tables() -> set[str]:
        engine = create_async_engine(empty)
        async with engine.connect() as connection:
            found = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        await engine.dispose()
        return set(found)

    await asyncio.to_thread(command.upgrade, config, "head")
    assert await tables() == {"alembic_version", *Base.metadata.tables}
    await asyncio.to_thread(command.downgrade, config, "base")
    assert await tables() == {"alembic_version"}


async def test_an_erased_token_in_the_file(tmp_path: Path, key: str, opened: Opener) -> None:
    """Not even its sealed form is left in the database's bytes."""
    file = tmp_path / "vault.db"
    vault = await opened(f"sqlite+aiosqlite:///{file}", key)
    await vault.store(consent("ann"), NOON)
    with sqlite3.connect(file) as peek:
        (sealed,) = peek.execute("SELECT token FROM connections").fetchone()
    peek.close()
    token = await vault.release(AGENCY, "ann", LATER, "disconnect")
    assert token is not None
    await vault.revoked(token.token_id)
    await vault.close()
    assert sealed not in _all_bytes(tmp_path)


def _all_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())
