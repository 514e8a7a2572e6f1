"""Where Alembic starts. In: a connection of ours, or the `alembic` command with SHIFTCAL_DATABASE_URL. Out: migrated
tables.

Both take the vault's write lock around the whole of it, so that two that start at once do not both create.
"""

from __future__ import annotations

import asyncio
import os

from alembic import context
from sqlalchemy import Connection

from vault import portal_models
from vault.database import Database


def run(connection: Connection) -> None:
    """Migrate within the transaction that is already open."""
    context.configure(connection=connection, target_metadata=portal_models.FromARecord.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def run_from_the_command_line() -> None:
    """The same, on a connection of its own."""
    database = Database(os.environ.get("SHIFTCAL_DATABASE_URL", ""), wait_s=10)
    try:
        await database.connect()
        async with database.changing_schema() as connection:
            await connection.run_sync(run)
    finally:
        await database.close()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(run_from_the_command_line())
else:
    run(given)
