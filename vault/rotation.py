"""Encrypting anew with the newest key whatever is sealed, a batch at a time: tokens, and what the portal keeps of sessions and
schedules. In: a database and keys. Out: changed rows, and what was found.

A batch is a transaction, so a crash leaves each token under one key or the other, and whoever runs it again goes on:
what the newest key has sealed is left as it is. A token that moves while the batches go over it (an end moves it to the
revocations), or that another process seals with an older key meanwhile, is met by the next pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select, tuple_

from vault.database import Database, Part
from vault.keys import Keys
from vault.models import ConnectionRow, RevocationRow
from vault.portal_models import SessionRow, ViewRow
from vault.values import Rotated
from vault.whole import whole

#: Rows of one transaction: others wait some hundredths of a second for the lock.
BATCH: Final = 200

#: How often everything is gone over again, as long as there is something to do.
PASSES: Final = 3

Place = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows that hold something sealed, the columns by which they are walked over, and whose lock guards them. Without a
    token among them nobody is named: a session ends by itself, and a schedule comes again from the topics.
    """

    model: type[Any]
    place: tuple[Any, ...]
    sealed: Any
    part: Part
    tokens: bool = True


_TABLES: Final = (
    _Table(
        ConnectionRow,
        (ConnectionRow.agency_id, ConnectionRow.user_id),
        ConnectionRow.token,
        Part.CONNECTIONS,
    ),
    _Table(RevocationRow, (RevocationRow.token_id,), RevocationRow.token, Part.CONNECTIONS),
    _Table(SessionRow, (SessionRow.id_hash,), SessionRow.sealed, Part.PORTAL, tokens=False),
    _Table(ViewRow, (ViewRow.agency_id, ViewRow.user_id), ViewRow.sealed, Part.PROJECTION, tokens=False),
)


@dataclass(slots=True)
class Pass:
    """What one walk over everything found: sealed anew, sealed with the newest key already, and tokens no key fits."""

    resealed: int = 0
    current: int = 0
    unreadable: list[str] = field(default_factory=list)


async def rotate(database: Database, keys: Keys) -> Rotated:
    """Go over everything until a pass finds nothing to do: that is the proof that nothing is left."""
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
    """Go over everything once."""
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
    table: _Table,
    after: Place | None,
    found: Pass,
) -> Place | None:
    """Go over the next rows of a table; return where to go on, None at its end."""
    query = select(table.model).where(table.sealed.is_not(None)).order_by(*table.place).limit(BATCH)
    if after is not None:
        query = query.where(tuple_(*table.place) > after)
    async with database.writing(table.part) as session:
        rows: list[Any] = list(await session.scalars(query))
        for row in rows:
            _reseal(row, table, keys, found)
    return tuple(getattr(rows[-1], column.key) for column in table.place) if len(rows) == BATCH else None


def _reseal(row: Any, table: _Table, keys: Keys, found: Pass) -> None:
    sealed: bytes = getattr(row, table.sealed.key)
    if keys.is_newest(sealed):
        found.current += 1
        return
    anew = keys.reseal(sealed)
    if anew is not None:
        setattr(row, table.sealed.key, anew)
        found.resealed += 1
    elif table.tokens:
        found.unreadable.append(f"{row.agency_id}/{row.user_id}")
