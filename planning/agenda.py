"""What a user's lane should do next.

Comes in: a user's row, the agency's policy and `now`. Goes out: one `Agenda`: rest, look at Google, write, or release
the token. A connect is looked at before anything is written; an ended connection releases its token last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planning.connection import blocked_until
from planning.plan import Removal, outline, plan, plan_removal
from planning.remembered import Outline

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.mutations import Mutation
    from schemas.policy import Policy
    from schemas.rows import Connection, UserRow


#: The ticket of a look that nobody asked for: to find out what became of calls whose outcome was never told.
DOUBT = "doubt"


class Rest(NamedTuple):
    """Nothing to do; `until`: when to ask again, if time alone can change that."""

    until: datetime | None = None


class Look(NamedTuple):
    """List what Google holds, for the verify of this ticket."""

    ticket: str


class Write(NamedTuple):
    """Make these writes, soonest shift first."""

    mutations: tuple[Mutation, ...]


class Release(NamedTuple):
    """Erase the token, and revoke it at Google, for the ending of that time."""

    ended_at: datetime
    reason: str


Agenda = Rest | Look | Write | Release


def agenda(row: UserRow, policy: Policy, now: datetime) -> Agenda:
    """Return what comes next for this user."""
    connection = row.connection
    until = blocked_until(connection, now)
    if connection.state == "connected":
        if until is not None:
            return Rest(until if until.year < 9999 else None)
        if connection.verify is not None:
            return Look(connection.verify.ticket)
        if row.doubts:
            return Look(DOUBT)
        mutations = plan(row, policy, now)
        return Write(mutations) if mutations else Rest()
    if connection.released or connection.occurred_at is None:
        return Rest()
    release = Release(connection.occurred_at, connection.reason or connection.state)
    wanted = removal(connection, policy)
    if wanted == "none":
        return release
    if until is not None:
        # A grant that is lost for good cannot remove anything any more; a pause can be waited for.
        return release if until.year == 9999 else Rest(until)
    if connection.verify is not None:
        return Look(connection.verify.ticket)
    mutations = plan_removal(row, wanted, now)
    return Write(mutations) if mutations else release


def removal(connection: Connection, policy: Policy) -> Removal:
    """Return what an ended connection still has to take off."""
    if connection.state == "disconnected" and connection.purge:
        return "all"
    if connection.state == "deactivated" and policy.on_leave == "remove_future":
        return "future"
    return "none"


def pending(row: UserRow, policy: Policy, now: datetime) -> tuple[Mutation, ...]:
    """Return the writes that wait, whether or not they may begin now."""
    return outlook(row, policy, now).todo


def outlook(row: UserRow, policy: Policy, now: datetime) -> Outline:
    """Return the writes that wait, what is held, and what is left as it stands."""
    if row.connection.state == "connected":
        return outline(row, policy, now)
    if row.connection.released:
        return Outline()
    return Outline(plan_removal(row, removal(row.connection, policy), now))
