"""Whom nothing is kept of any more.

Comes in: a user's row, or none, and a record of `user-facts`. Goes out: whether the row goes, and whether a fact can only
be about somebody who was forgotten. To forget is a fact like any other, folded in the order of `user-facts`: delivered
again it finds nothing to do, and what comes later begins a new row.
"""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING

from schemas.facts import Forgotten, TokenReleased, TroubleFound, UserReleased, VerifyDue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.facts import UserFact, UserRecord
    from schemas.rows import UserRow

#: What a lane tells of a connection that it knew, and what an operator releases: without a row there is no such thing.
Afterthought = TokenReleased | TroubleFound | VerifyDue | UserReleased


def goes(row: UserRow | None, fact: Forgotten) -> bool:
    """Say whether nothing is kept: there is no row (any more), or no turn of its connection is newer than the wish."""
    turned_at = row.connection.occurred_at if row is not None else None
    return turned_at is None or turned_at <= fact.at


def runs(records: Sequence[UserRecord]) -> Iterator[list[UserFact] | Forgotten]:
    """Return what can be folded together, in order; a wish to forget stands alone in between."""
    some: list[UserFact] = []
    for record in records:
        if not isinstance(record, Forgotten):
            some.append(record)
            continue
        if some:
            yield some
        yield record
        some = []
    if some:
        yield some


def worth_folding(row: UserRow | None, facts: Sequence[UserFact]) -> list[UserFact]:
    """Leave out last words about somebody who is forgotten, or whom nobody knows: they must not begin a new row."""
    return list(dropwhile(lambda fact: row is None and isinstance(fact, Afterthought), facts))
