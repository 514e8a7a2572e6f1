"""Bringing the tables up to date. In: a database of any age. Out: today's tables. What the steps are stands in
`migrations/`.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from vault.database import Database
from vault.errors import VaultUnavailable

#: The newest step of `migrations/`.
NEWEST = "0003"

#: Between a step's number and that of the oldest step whose release can work with its tables all the same: "0004_fits_0003" adds
#: what releases of step 0003 need not know. A step without it shuts out every release before its own.
_FITS = "_fits_"

_STEPS = Path(__file__).with_name("migrations")


async def migrate(database: Database) -> None:
    """Safe to call from several processes at once: the first to get the lock does it, the others find it done."""
    async with database.changing_schema() as connection:
        found = await connection.run_sync(step_of)
        if found != NEWEST and not _fits(found):
            await connection.run_sync(_upgrade, found)


def step_of(connection: Connection) -> str | None:
    """The step at which the tables are; None where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _fits(found: str | None) -> bool:
    """Whether a newer release made these tables, and says that ours can use them."""
    number, newer, oldest = (found or "").partition(_FITS)
    return bool(newer) and number > NEWEST.partition(_FITS)[0] and oldest <= NEWEST.partition(_FITS)[0]


def _upgrade(connection: Connection, found: str | None) -> None:
    # Here, since a worker needs it once in its database's life: it takes 12 MB and a fifth of a second of every start.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise VaultUnavailable(
            f"SHIFTCAL_DATABASE_URL: the database is at step {found}, which this release does not know: start the"
            " newer release that made it"
        ) from error
