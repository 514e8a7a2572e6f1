"""Fold a publication message: publish, un-publish, roll back, by version alone. And a release of what one takes off.

Comes in: the publication as it stands and a fact. Goes out: the publication after it. The members of the calendar are
told in any case, so that a message delivered again repairs what a crash left undone.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from planning.releases import with_release
from schemas.facts import CalendarReleased, PublicationChanged
from schemas.rows import Days, PublicationRow

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(NamedTuple):
    """The row after the fact (None: as it was), and whether one version came with two contents."""

    row: PublicationRow | None
    conflict: bool = False


def fold_publication(before: PublicationRow, fact: PublicationChanged) -> Verdict:
    """Decide what a publication message does to its calendar."""
    ever = _with_days(before.ever, fact)
    after = PublicationRow(
        version=fact.version,
        standing=fact.standing,
        published_from=fact.published_from,
        published_through=fact.published_through,
        cause=fact.cause,
        ever=ever,
        releases=before.releases,
    )
    if before.version is None or fact.version > before.version:
        return Verdict(after)
    # What lost has published days all the same, or may have, had it come in its turn.
    kept = None if ever == before.ever else before.model_copy(update={"ever": ever})
    if fact.version < before.version or _said(after) == _said(before):
        return Verdict(kept)
    if before.standing == "published" and fact.standing != "published":
        # One version, a publish and an un-publish: taking off is the one that is safe in any order.
        return Verdict(after, conflict=True)
    return Verdict(kept, conflict=True)


def fold_released(before: PublicationRow, fact: CalendarReleased) -> PublicationRow | None:
    """Release what the publication takes off now; None where it was done before, or nothing was ever said."""
    if before.version is None or fact.release_id in before.releases:
        return None
    released = before.released or withdraws(before)
    releases = with_release(before.releases, fact.release_id)
    return before.model_copy(update={"released": released, "releases": releases})


def withdraws(publication: PublicationRow) -> bool:
    """Say whether the publication is one that takes shifts off."""
    return publication.standing in {"unpublished", "rolled_back"}


def _said(publication: PublicationRow) -> tuple[object, ...]:
    return (publication.standing, publication.published_from, publication.published_through)


def _with_days(ever: tuple[Days, ...], fact: PublicationChanged) -> tuple[Days, ...]:
    """Return the days in as few pieces as may be, whatever the order in which they came."""
    if fact.published_through is None:
        return ever
    since = fact.published_from
    if since is not None and since > fact.published_through:
        return ever
    return tuple(_joined([*ever, Days(since=since, through=fact.published_through)]))


def _joined(pieces: Iterable[Days]) -> Iterable[Days]:
    ahead: Days | None = None
    for piece in sorted(pieces, key=lambda days: days.since or date.min):
        if ahead is None:
            ahead = piece
        elif piece.since is None or piece.since <= ahead.through + timedelta(days=1):
            ahead = Days(since=ahead.since, through=max(ahead.through, piece.through))
        else:
            yield ahead
            ahead = piece
    if ahead is not None:
        yield ahead
