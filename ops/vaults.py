"""The vault for commands that run and end, and the sending of what it has to announce.

In: settings. Out: an open `Vault`, and its outbox on `sync-commands`. Not here: who is connected.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from vault import Vault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streams.names import Names
    from streams.sender import Sender
    from streams.settings import Settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Vault]:
    """Open the vault, with whatever keys there are."""
    keys = [key.get_secret_value() for key in settings.vault_keys]
    vault = await Vault.open(settings.database_url.get_secret_value(), keys)
    try:
        yield vault
    finally:
        await vault.close()


async def announce(vault: Vault, sender: Sender, names: Names) -> int:
    """Send what the vault has to announce, oldest first, and cross out what was delivered; how many.

    A command that dies in between leaves its announcements to whoever looks next; sent twice, they change nothing.
    """
    topic, sent = names.topic("sync-commands"), 0
    while waiting := await vault.announcements():
        deliveries = [
            await sender.send(topic, each.key.encode(), json.dumps(each.value).encode()) for each in waiting
        ]
        await asyncio.gather(*deliveries)
        await vault.announced([each.id for each in waiting])
        sent += len(waiting)
    return sent
