"""Releases that were folded already: one counts once, whenever it is delivered again.

Comes in: the newest releases of a row and the id of one more. Goes out: the newest ones. By id and not by time: the
clocks of two operators need not agree. Not here: what a release does.
"""

from __future__ import annotations

#: A crash delivers at most some hundred records again; nobody releases one thing more often than this within them.
_MOST = 16


def with_release(known: tuple[str, ...], release_id: str) -> tuple[str, ...]:
    """Return the newest releases, this one first."""
    return (release_id, *known)[:_MOST]
