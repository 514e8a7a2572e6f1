"""Who has to be looked at after a worker left its users without a word.

Comes in: a user's row as the next owner finds it, the agency's policy and `now`. Goes out: the fact that a look is due, or
nothing. A dead worker may have made any call that was planned, and one that only slept may still have one on its way: what
stands at Google is looked at, rather than believed. Not here: how one knows that an owner left without a word.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from planning.connection import TAKEOVER
from planning.plan import plan
from schemas.facts import VerifyDue

if TYPE_CHECKING:
    from schemas.policy import Policy
    from schemas.rows import UserRow

#: Work that was finished so shortly before may be overtaken by a call that a sleeping worker had begun.
JUST_FINISHED = timedelta(seconds=60)


def takeover_look(row: UserRow, policy: Policy, now: datetime) -> VerifyDue | None:
    """Return the fact that a user with open or just finished work has to be looked at; None where one is due anyway."""
    connection = row.connection
    if connection.state != "connected" or connection.verify is not None or row.doubts:
        return None
    just = row.last_synced_at is not None and now - row.last_synced_at < JUST_FINISHED
    if not just and not plan(row, policy, now):
        return None
    return VerifyDue(agency_id=row.agency_id, user_id=row.user_id, ticket=f"{TAKEOVER}{now.isoformat()}")
