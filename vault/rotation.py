"""Encrypting tokens anew with the newest key, a batch at a time. In: a database and keys. Out: changed rows, and what
was found.

A batch is a transaction, so a crash leaves each token under one key or the other, and whoever runs it again goes on:
what the newest key has sealed is left as it is. A token that moves while the batches go over it (an end moves it to the
revocations), or that another process seals with an older key meanwhile, is met by the next pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select, tuple_

from vault.database import Database
from vault.keys import Keys
from vault.models import ConnectionRow, RevocationRow
from vault.values import Rotated
from vault.whole import whole

#: Tokens of one transaction: others wait some hundredths of a second for the lock.
BATCH: Final = 200

#: How often the tokens are gone over again, as long as there is something to do.
PASSES: Final = 3

Place = tuple[str, ...]
Row = ConnectionRow | RevocationRow

#: The tables that hold tokens, and the columns by which they are walked over.
_TABLES: Final[tuple[tuple[type[Any], tuple[Any, ...]], ...]] = (
    (ConnectionRow, (ConnectionRow.agency_id, ConnectionRow.user_id)),
    (RevocationRow, (RevocationRow.token_id,)),
)


@dataclass(slots=True)
class Pass:
    """What one walk over all tokens found: sealed anew, sealed with the newest key already, and those no key fits."""

    resealed: int = 0
    current: int = 0
    unreadable: list[str] = field(default_factory=list)


async def rotate(database: Database, keys: Keys) -> Rotated:
    """Go over all tokens until a pass finds nothing to do: that is the proof that nothing is left."""
    keys.required()
    resealed, found = 0, await one_pass(database, keys)
    for _ in range(PASSES):
        resealed += found.resealed
        if not found.resealed:
            break
        found = await one_pass(database, keys)
    # A last pass that still had something to do has somebody beside it who seals with older keys.
    return Rotated(resealed, found.current, tuple(found.unreadable), complete=not found.resealed)


async def one_pass(database: Database, keys: Keys) -> Pass:
    """Go over all tokens once."""
    found = Pass()
    for table in _TABLES:
        place = await _batch(database, keys, table, None, found)
        while place is not None:
            place = await _batch(database, keys, table, place, found)
    return found


@whole
async def _batch(
    database: Database,
    keys: Keys,
    table: tuple[type[Any], tuple[Any, ...]],
    after: Place | None,
    found: Pass,
) -> Place | None:
    """Go over the next rows of a table; return where to go on, None at its end."""
    model, columns = table
    query = select(model).where(model.token.is_not(None)).order_by(*columns).limit(BATCH)
    if after is not None:
        query = query.where(tuple_(*columns) > after)
    async with database.writing() as session:
        rows: list[Row] = list(await session.scalars(query))
        for row in rows:
            _reseal(row, keys, found)
    return tuple(getattr(rows[-1], column.key) for column in columns) if len(rows) == BATCH else None


def _reseal(row: Row, keys: Keys, found: Pass) -> None:
    if row.token is None:
        return
    if keys.is_newest(row.token):
        found.current += 1
        return
    sealed = keys.reseal(row.token)
    if sealed is None:
        found.unreadable.append(f"{row.agency_id}/{row.user_id}")
        return
    row.token = sealed
    found.resealed += 1
