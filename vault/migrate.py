"""Bringing the tables up to date. In: a database of any age. Out: today's tables. What the steps are stands in
`migrations/`.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from vault.database import Database
from vault.errors import VaultUnavailable

_STEPS = Path(__file__).with_name("migrations")


async def migrate(database: Database) -> None:
    """Safe to call from several processes at once: the first to get the lock does it, the others find it done."""
    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    wanted = ScriptDirectory.from_config(config).get_current_head()
    async with database.changing_schema() as connection:
        found = await connection.run_sync(_revision)
        if found == wanted:
            return
        try:
            await connection.run_sync(_upgrade, config)
        except CommandError as error:
            raise VaultUnavailable(
                f"SHIFTCAL_DATABASE_URL: the database is at step {found}, which this release does not know: start the"
                " newer release that made it"
            ) from error


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
