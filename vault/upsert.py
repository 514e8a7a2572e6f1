"""Insert, or update what is there: in one statement, in the words of either database. In: a table and rows. Out: changed
rows. SQLAlchemy has a class of its own for each of the two, with the same methods.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from vault.models import Base

Insert = postgresql.Insert | sqlite.Insert
Columns = ReadOnlyColumnCollection[str, Any]


def insert_into(session: AsyncSession, model: type[Base]) -> Insert:
    """An insert that knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
    postgres = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(model) if postgres else sqlite.insert(model)


async def upsert(
    session: AsyncSession,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    only_if: Callable[[Columns], ColumnElement[bool]] | None = None,
    change: Callable[[Columns], Mapping[str, Any]] | None = None,
) -> None:
    """Write these rows, whether they are there or not. One that is there is replaced, or changed as `change` says, where
    `only_if` holds; both are given the row that comes.
    """
    if not rows:
        return
    statement = insert_into(session, model)
    keys = [column.name for column in model.__table__.primary_key]
    coming = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=keys,
        set_=change(coming) if change else {name: coming[name] for name in rows[0] if name not in keys},
        where=only_if(coming) if only_if else None,
    )
    # Not through the session, which would look for objects of its own among the rows.
    await (await session.connection()).execute(statement, [dict(row) for row in rows])


def digest(text: str) -> str:
    """What stands for a text that others have made, where it is a key: PostgreSQL's are of 2,700 bytes at most."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
