"""Which waiting write goes first.

Comes in: a mutation. Goes out: a number to order by, smaller first. The soonest shift goes first, since that is the
one whose user looks at the phone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.mutations import Mutation


def urgency(mutation: Mutation) -> float:
    """Return the start of the shift as a POSIX timestamp, in seconds."""
    return mutation.start.timestamp()
