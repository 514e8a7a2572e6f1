"""Give back to Google what nobody uses any more.

Comes in: tokens that the vault has marked. Goes out: revocations. A lane revokes the token of its own user at once; this
is for what a crash left, and for the old account of a user who connected another one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

from schemas.errors import GoogleError, OperatorError
from vault import VaultError

if TYPE_CHECKING:
    from gcal.port import CalendarPort
    from vault import TokenToRevoke, Vault

log = logging.getLogger(__name__)

#: How often the vault is asked, in seconds.
POLL_S = 60.0

#: How many tokens are revoked a round; Google limits revocations like any other request.
MOST = 20

#: So many failures end a round: then it is Google that is away, not one token that it does not take.
FAILURES = 3

#: More than could wait on any but the worst day; a round chooses from these.
_SEEN = 1_000


class LeftOvers:
    """The tokens that wait. One that Google does not take must not stand before all others: it comes last next time."""

    def __init__(self, vault: Vault, port: CalendarPort) -> None:
        self._vault, self._port = vault, port
        self._failed: Counter[str] = Counter()

    async def revoke(self) -> int:
        """Revoke what waits; return how many Google has confirmed. Raises the round's last failure at its end."""
        waiting = await self._vault.to_revoke(_SEEN)
        self._failed = Counter({one.token_id: self._failed[one.token_id] for one in waiting})
        waiting.sort(key=lambda one: self._failed[one.token_id])
        done, errors = 0, list[GoogleError]()
        for token in waiting[:MOST]:
            try:
                done += await self._one(token)
            except GoogleError as error:
                self._failed[token.token_id] += 1
                errors.append(error)
                if len(errors) >= FAILURES:
                    break
        if errors:
            raise errors[-1]
        return done

    async def _one(self, token: TokenToRevoke) -> bool:
        # Asked right before: since the round began its user, or anybody of the same account, may have connected again,
        # and Google would take the new grant along.
        if not await self._vault.waits_for_revocation(token.token_id):
            return False
        await self._port.revoke(token.refresh_token)
        await self._vault.revoked(token.token_id)
        return True


async def keep_revoking(vault: Vault, port: CalendarPort) -> None:
    """Revoke what waits, until cancelled."""
    left_over = LeftOvers(vault, port)
    while True:
        await asyncio.sleep(POLL_S)
        try:
            await left_over.revoke()
        except (GoogleError, VaultError, OperatorError) as error:
            log.warning("revocations wait: %s", error, extra={"decision": "revocations_wait"})
