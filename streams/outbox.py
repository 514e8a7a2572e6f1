"""Send what the vault has to announce.

Comes in: the vault's outbox. Goes out: `sync-commands`. A store and its announcement are one transaction; whoever is
alive sends what is left, so a process that died between the two loses nothing. Twice is harmless.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import orjson

from vault import VaultUnavailable

if TYPE_CHECKING:
    from streams.names import Names
    from streams.sender import Sender
    from vault import Vault

log = logging.getLogger(__name__)

#: How often the outbox is looked at, in seconds; whoever stores a connection sends it at once.
POLL_S = 2.0


async def send_announcements(vault: Vault, sender: Sender, names: Names) -> int:
    """Send everything that waits, in order; return how many."""
    count = 0
    while waiting := await vault.announcements():
        for one in waiting:
            await sender.deliver(names.topic("sync-commands"), one.key.encode(), orjson.dumps(one.value))
        await vault.announced([one.id for one in waiting])
        count += len(waiting)
    return count


async def keep_sending(vault: Vault, sender: Sender, names: Names) -> None:
    """Send what others left, until cancelled."""
    while True:
        try:
            await send_announcements(vault, sender, names)
        except VaultUnavailable as error:
            log.warning("the outbox waits: %s", error, extra={"decision": "outbox_waits"})
        await asyncio.sleep(POLL_S)
