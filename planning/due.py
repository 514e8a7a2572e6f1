"""What is due for a user: what would be written now, what comes before it, and what stays as it is.

Comes in: a user's row, the agency's policy and `now`. Goes out: a `Due`. It follows from `agenda` and `plan` alone; nothing
is written by it. Not here: one shift's story (`explain`), and the words of `sync-status`, which `status` says.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from planning.agenda import Look, Release, Rest, Write, agenda, outlook
from planning.breaker import is_unheard
from planning.connection import blocked_until
from planning.plan import frozen_calendars
from planning.status import status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from schemas.facts import Problem
    from schemas.mutations import Mutation
    from schemas.outputs import SyncStatus
    from schemas.policy import Policy
    from schemas.rows import UserRow

Step = Literal["write", "look", "release", "wait", "rest"]


class Due(NamedTuple):
    """One user's work.

    `step` is what a lane would do now: `write` the writes, `look` at Google first, `release` the token, `wait` for the
    problem to pass, or `rest`. `held` waits for an operator; `unheard`: since nobody ever spoke of this user's shifts.
    `left` counts differences by hand that are let stand and told, `kept` events that an un-publish froze, by calendar.
    """

    status: SyncStatus
    step: Step
    writes: tuple[Mutation, ...] = ()
    held: tuple[Mutation, ...] = ()
    unheard: bool = False
    left: int = 0
    kept: Mapping[str, int] = {}
    problem: Problem | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to tell."""
        return self.step == "rest" and not (self.writes or self.held)


def due(row: UserRow, policy: Policy, now: datetime) -> Due:
    """Return what is due for this user."""
    found = outlook(row, policy, now)
    blocked = blocked_until(row.connection, now) is not None
    return Due(
        status=status(row, found, now),
        step=_step(row, policy, now, waits=blocked and bool(found.todo)),
        writes=found.todo,
        held=found.held,
        unheard=bool(found.held) and is_unheard(row),
        left=found.left,
        kept=_kept(row, policy),
        problem=row.connection.problem if blocked else None,
    )


def _step(row: UserRow, policy: Policy, now: datetime, *, waits: bool) -> Step:
    match agenda(row, policy, now):
        case Look():
            return "look"
        case Write():
            return "write"
        case Release():
            return "release"
        case Rest():
            return "wait" if waits else "rest"


def _kept(row: UserRow, policy: Policy) -> dict[str, int]:
    frozen = frozen_calendars(row, policy) if row.connection.state == "connected" else frozenset()
    return dict(Counter(a.calendar_id for a in row.applied.values() if a.calendar_id in frozen))


class Tally(NamedTuple):
    """How the users of an agency stand, by state; how many writes wait, since when, and for how many users work is held."""

    users: int
    states: Mapping[str, int]
    pending: int
    oldest_pending_at: datetime | None
    held: int


def tally(statuses: Iterable[SyncStatus]) -> Tally:
    """Return the sums over these users."""
    known = list(statuses)
    return Tally(
        users=len(known),
        states=dict(Counter(one.state for one in known)),
        pending=sum(one.pending for one in known),
        oldest_pending_at=min(
            (one.oldest_pending_at for one in known if one.oldest_pending_at is not None), default=None
        ),
        held=sum(one.last_error is not None and one.last_error.code == "held" for one in known),
    )


def needs_attention(one: SyncStatus) -> bool:
    """Say whether something of this user waits or is wrong."""
    return bool(one.pending) or one.last_error is not None or one.state in {"syncing", "paused"}
