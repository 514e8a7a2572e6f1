"""Plans that were made already. A lane looks at its row at every wake, and a fold plans it too: mostly it is the same row.

Comes in: a row, a policy, `now`. Goes out: the plan that was made of them, or mutations of the plan before it that are
still what they would be made anew. Not here: planning. A plan follows from parts of the row that are never altered in
place, so the same parts (by identity) have the same plan, until an end that it looked at turns into history.
"""

from __future__ import annotations

from datetime import UTC, datetime
from operator import is_
from typing import TYPE_CHECKING, NamedTuple

from planning.identity import shift_key
from planning.window import HISTORY, instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.mutations import Mutation
    from schemas.policy import Policy
    from schemas.rows import UserRow

#: As many users as have their decoded rows in memory.
_MOST = 2_000

_NEVER = datetime(9990, 1, 1, tzinfo=UTC)


class Plan(NamedTuple):
    """A plan and what it was made of; `until`: when the first end that it looked at turns into history."""

    row: UserRow
    parts: tuple[object, ...]
    causes: tuple[object, ...]
    made_at: datetime
    until: datetime
    todo: tuple[Mutation, ...]
    by_event: Mapping[str, Mutation]

    def holds(self, row: UserRow, policy: Policy, now: datetime) -> bool:
        """Say whether planning this row now would come to the same."""
        if not self.made_at <= now < self.until:
            return False
        return (self.row is row and self.parts[0] is policy) or (
            all(map(is_, self.parts, _parts(row, policy)))
            and all(map(is_, self.causes, _causes(row, self.todo)))
        )


_plans: dict[tuple[str, str], Plan] = {}


def newest_plan(row: UserRow) -> Plan | None:
    """Return the newest plan that was made for this user, of whatever row."""
    return _plans.get((row.agency_id, row.user_id))


def remember(row: UserRow, policy: Policy, now: datetime, todo: tuple[Mutation, ...]) -> None:
    """Keep the plan that was made of this row."""
    if len(_plans) >= _MOST:
        forget_all()
    by_event = {mutation.event_id: mutation for mutation in todo}
    plan = Plan(row, _parts(row, policy), _causes(row, todo), now, _until(row, now), todo, by_event)
    _plans[row.agency_id, row.user_id] = plan


def remember_again(plan: Plan, row: UserRow) -> None:
    """Note that the plan is one of this row, too."""
    if plan.row is not row:
        _plans[row.agency_id, row.user_id] = plan._replace(row=row)


def forget_all() -> None:
    """Remember nothing."""
    _plans.clear()


def count() -> int:
    """Return how many plans are remembered."""
    return len(_plans)


def _parts(row: UserRow, policy: Policy) -> tuple[object, ...]:
    return (policy, row.calendars, row.applied, row.burnt, row.refused)


def _causes(row: UserRow, todo: tuple[Mutation, ...]) -> tuple[object, ...]:
    """Return why: only of what is to be done, since the causes of what is settled are dropped with every answer."""
    if not todo:
        return ()
    return (row.connection.default_cause, *(row.open.get(shift_key(m.calendar_id, m.shift_id)) for m in todo))


def _until(row: UserRow, now: datetime) -> datetime:
    oldest = now - HISTORY
    ends = [one.end for one in row.applied.values()]
    for calendar in row.calendars.values():
        ends += [
            wish.end if isinstance(wish.end, datetime) else instant(wish.end)
            for wish in calendar.wishes.values()
        ]
    return min([end for end in ends if end > oldest], default=_NEVER) + HISTORY
