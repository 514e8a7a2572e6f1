"""A look at the database that changes nothing. In: an address and keys. Out: at which step its tables are, how many are
connected, and whether the keys open what is sealed. Not here: bringing tables up to date, which `Vault.open` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from vault.database import SQLITE, Database, parse_url
from vault.keys import Keys
from vault.migrate import NEWEST, step_of
from vault.models import ConnectionRow, RevocationRow
from vault.whole import whole

#: Tokens that are tried between two turns of the loop; each takes some hundredths of a millisecond.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found. `step` None: there are no tables yet; `newest` is the step of this release.

    `live` and `revoking` count connections; `older` the tokens that an older key than the newest has sealed, and
    `unreadable` names whose token no key opens.
    """

    step: str | None
    newest: str = NEWEST
    live: int = 0
    revoking: int = 0
    older: int = 0
    unreadable: tuple[str, ...] = ()


async def inspect(url: str, keys: Sequence[str], *, wait_s: float = 10.0) -> Inspection:
    """Look at the database; without keys, tokens are counted and not tried."""
    parsed = parse_url(url)
    if parsed.drivername == SQLITE and not await asyncio.to_thread(Path(str(parsed.database)).exists):
        return Inspection(step=None)  # to open it would make it
    database = Database(url, wait_s)
    try:
        return await _inspect(database, Keys(keys), tries=bool(keys))
    finally:
        await database.close()


@whole
async def _inspect(database: Database, keys: Keys, *, tries: bool) -> Inspection:
    async with database.reading() as session:
        connection = await session.connection()
        step = await connection.run_sync(step_of)
        if step != NEWEST:
            return Inspection(step=step)
        live = [(f"{a}/{u}", token) for a, u, token in await _tokens(session, ConnectionRow)]
        revoking = [(f"{a}/{u}", token) for a, u, token in await _tokens(session, RevocationRow)]
    older, unreadable = 0, []
    for number, (who, token) in enumerate((*live, *revoking) if tries else ()):
        if keys.unseal(token) is None:
            unreadable.append(who)
        elif not keys.is_newest(token):
            older += 1
        if number % _BATCH == _BATCH - 1:
            await asyncio.sleep(0)
    return Inspection(step, NEWEST, len(live), len(revoking), older, tuple(unreadable))


async def _tokens(
    session: AsyncSession, model: type[ConnectionRow | RevocationRow]
) -> list[tuple[str, str, bytes]]:
    query = select(model.agency_id, model.user_id, model.token).where(model.token.is_not(None))
    return [
        (agency, user, token) for agency, user, token in await session.execute(query) if token is not None
    ]
