"""The vault for commands that run and end.

In: settings. Out: an open `Vault`, closed again. Not here: who is connected.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streams.settings import Settings
    from vault import Vault


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Vault]:
    """Open the vault, with whatever keys there are."""
    from vault import Vault as Store  # noqa: PLC0415  a second of imports that most verbs do without

    keys = [key.get_secret_value() for key in settings.vault_keys]
    vault = await Store.open(settings.database_url.get_secret_value(), keys)
    try:
        yield vault
    finally:
        await vault.close()
