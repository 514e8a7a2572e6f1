"""Plans that were made already. A lane looks at its row at every wake, and a fold plans it too: mostly it is the same row.

Comes in: a row, a policy, `now`. Goes out: the plan that was made of them, or mutations of the plan before it that are
still what they would be made anew. Not here: planning. A plan follows from parts of the row that are never altered in
place, so the same parts (by identity) have the same plan, until an end that it looked at turns into history.
"""

from __future__ import annotations

from collections import OrderedDict
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

#: Shifts, wished for or standing, of all plans together: a plan keeps what it was made of in memory.
_MOST = 50_000

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
    shifts: int

    def holds(self, row: UserRow, policy: Policy, now: datetime) -> bool:
        """Say whether planning this row now would come to the same."""
        if not self.made_at <= now < self.until:
            return False
        return (self.row is row and self.parts[0] is policy) or (
            all(map(is_, self.parts, _parts(row, policy)))
            and all(map(is_, self.causes, _causes(row, self.todo)))
        )


class _Memory:
    """Plans by user, the oldest forgotten first."""

    def __init__(self) -> None:
        self.plans: OrderedDict[tuple[str, str], Plan] = OrderedDict()
        self.shifts = 0

    def put(self, who: tuple[str, str], plan: Plan) -> None:
        """Keep a plan in the place of the user's last one."""
        if (before := self.plans.pop(who, None)) is not None:
            self.shifts -= before.shifts
        self.plans[who] = plan
        self.shifts += plan.shifts
        while self.shifts > _MOST and len(self.plans) > 1:
            self.shifts -= self.plans.popitem(last=False)[1].shifts


_memory = _Memory()


def newest_plan(row: UserRow) -> Plan | None:
    """Return the newest plan that was made for this user, of whatever row."""
    return _memory.plans.get((row.agency_id, row.user_id))


def remember(row: UserRow, policy: Policy, now: datetime, todo: tuple[Mutation, ...]) -> None:
    """Keep the plan that was made of this row."""
    plan = Plan(
        row=row,
        parts=_parts(row, policy),
        causes=_causes(row, todo),
        made_at=now,
        until=_until(row, now),
        todo=todo,
        by_event={mutation.event_id: mutation for mutation in todo},
        shifts=len(row.applied) + sum(len(calendar.wishes) for calendar in row.calendars.values()),
    )
    _memory.put((row.agency_id, row.user_id), plan)


def remember_again(plan: Plan, row: UserRow) -> None:
    """Note that the plan is one of this row, too."""
    if plan.row is not row:
        _memory.put((row.agency_id, row.user_id), plan._replace(row=row))


def forget_all() -> None:
    """Remember nothing."""
    _memory.plans.clear()
    _memory.shifts = 0


def count() -> int:
    """Return how many shifts the remembered plans are about."""
    return _memory.shifts


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
