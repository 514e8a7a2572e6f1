"""Fold a publication message: publish, un-publish, roll back, by version alone.

Comes in: the publication as it stands and a fact. Goes out: the publication after it. The members of the calendar are
told in any case, so that a message delivered again repairs what a crash left undone.
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.facts import PublicationChanged
from schemas.rows import PublicationRow


class Verdict(NamedTuple):
    """The row after the fact (None: as it was), and whether one version came with two contents."""

    row: PublicationRow | None
    conflict: bool = False


def fold_publication(before: PublicationRow, fact: PublicationChanged) -> Verdict:
    """Decide what a publication message does to its calendar."""
    after = PublicationRow(
        version=fact.version,
        standing=fact.standing,
        published_from=fact.published_from,
        published_through=fact.published_through,
    )
    if before.version is None or fact.version > before.version:
        return Verdict(after)
    if fact.version < before.version or after == before:
        return Verdict(None)
    if before.standing == "published" and fact.standing != "published":
        # One version, a publish and an un-publish: taking off is the one that is safe in any order.
        return Verdict(after, conflict=True)
    return Verdict(None, conflict=True)
