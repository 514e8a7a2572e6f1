"""Give back to Google what nobody uses any more.

Comes in: tokens that the vault has marked. Goes out: revocations. A lane revokes the token of its own user at once; this
is for what a crash left, and for the old account of a user who connected another one.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from schemas.errors import GoogleError, OperatorError
from vault import VaultError

if TYPE_CHECKING:
    from gcal.port import CalendarPort
    from vault import Vault

log = logging.getLogger(__name__)

#: How often the vault is asked, in seconds.
POLL_S = 60.0

#: How many tokens are revoked a round; Google limits revocations like any other request.
MOST = 20


async def revoke_left_over(vault: Vault, port: CalendarPort) -> int:
    """Revoke what waits; return how many Google has confirmed."""
    waiting = await vault.to_revoke(MOST)
    for token in waiting:
        await port.revoke(token.refresh_token)
        await vault.revoked(token.token_id)
    return len(waiting)


async def keep_revoking(vault: Vault, port: CalendarPort) -> None:
    """Revoke what waits, until cancelled."""
    while True:
        await asyncio.sleep(POLL_S)
        try:
            await revoke_left_over(vault, port)
        except (GoogleError, VaultError, OperatorError) as error:
            log.warning("revocations wait: %s", error)
