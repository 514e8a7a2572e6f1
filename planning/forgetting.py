"""Whom nothing is kept of any more.

Comes in: a user's row, or none, and a record of `user-facts`. Goes out: whether the row goes, and whether a fact can only
be about somebody who was forgotten. To forget is a fact like any other, folded in the order of `user-facts`: delivered
again it finds nothing to do, and what comes later begins a new row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from schemas.facts import Forgotten, TokenReleased, TroubleFound, VerifyDue

if TYPE_CHECKING:
    from schemas.facts import UserRecord
    from schemas.rows import UserRow

#: What a lane tells of a connection that it knew: without a row there is nothing that it could be about.
Afterthought = TokenReleased | TroubleFound | VerifyDue


def goes(row: UserRow | None, fact: Forgotten) -> bool:
    """Say whether nothing is kept: there is no row (any more), or no turn of its connection is newer than the wish."""
    turned_at = row.connection.occurred_at if row is not None else None
    return turned_at is None or turned_at <= fact.at


def is_afterthought(row: UserRow | None, fact: UserRecord) -> TypeGuard[Afterthought]:
    """Say whether the fact is a lane's last word about somebody who is forgotten: it must not begin a new row."""
    return row is None and isinstance(fact, Afterthought)
