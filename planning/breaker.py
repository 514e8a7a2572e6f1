"""The breaker: an un-publish that takes off suspiciously much waits for somebody to say that it is meant.

Comes in: what calendars withdraw from a user, as they say, and the agency's limits. Goes out: which removals wait. How
much of a user's future goes is weighed once, when the withdrawal comes: what is removed or added meanwhile must neither
hold nor release the rest. Limits apply when calls are planned, so others take effect at once. Not here: purges and
leavers, who are never held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.releases import with_release

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.facts import UserReleased
    from schemas.policy import HoldRemovals, Policy
    from schemas.rows import CalendarWish, UserRow


def held_shifts(row: UserRow, policy: Policy) -> dict[str, frozenset[str]]:
    """Return, by calendar, the shifts whose events are not taken off for now."""
    limit = policy.hold_removals_over
    if limit is None:
        return {}
    return {
        calendar_id: frozenset(wish.withdrawal.shifts)
        for calendar_id, wish in row.calendars.items()
        if wish.withdrawal is not None and _is_over(wish, limit)
    }


def is_unheard(row: UserRow) -> bool:
    """Say whether events of ours stand there, but nobody ever told us of a shift of this user.

    Then the memory is more likely lost than the shifts, and an emptied calendar is the worse mistake.
    """
    return bool(row.applied) and not row.calendars and not row.let_go


def inherited(row: UserRow, calendar_id: str, after: CalendarWish, now: datetime) -> CalendarWish:
    """Return a newer wish, weighed if its withdrawal is a new one, else as it was weighed and released before."""
    before = row.calendars.get(calendar_id)
    known = before.withdrawal if before is not None else None
    if before is None or known is None or after.withdrawal is None:
        return _weighed(row, calendar_id, after, now)
    if known.version != after.withdrawal.version:
        return _weighed(row, calendar_id, after, now)
    return after.model_copy(update={"share": before.share, "let_go": before.let_go})


def looked_at(before: UserRow, after: UserRow, now: datetime) -> UserRow:
    """Return the row after a look. The first one since a connect shows what there is to take off at all."""
    moved = before.connection.target not in {None, after.connection.target}
    row = after.model_copy(update={"let_go": False}) if moved and after.let_go else after
    if not moved and before.connection.verified_at is not None:
        return row
    calendars = {c: _weighed(row, c, wish, now) for c, wish in row.calendars.items()}
    return row.model_copy(update={"calendars": calendars})


def let_go(row: UserRow, fact: UserReleased, policy: Policy) -> UserRow:
    """Release what is held now, once; what is held later is another matter."""
    if fact.release_id in row.releases:
        return row
    held = held_shifts(row, policy)
    return row.model_copy(
        update={
            "calendars": {
                c: wish.model_copy(update={"let_go": True}) if c in held else wish
                for c, wish in row.calendars.items()
            },
            "let_go": row.let_go or is_unheard(row),
            "releases": with_release(row.releases, fact.release_id),
        }
    )


def without_ended(row: UserRow) -> UserRow:
    """Return the row whose release of events nobody spoke of is over once they are gone, or somebody spoke."""
    ended = row.let_go and (bool(row.calendars) or not row.applied)
    return row.model_copy(update={"let_go": False}) if ended else row


def _is_over(wish: CalendarWish, limit: HoldRemovals) -> bool:
    withdrawal = wish.withdrawal
    return (
        withdrawal is not None
        and withdrawal.in_all > limit.count
        and wish.share > limit.share
        and not withdrawal.released
        and not wish.let_go
    )


def _weighed(row: UserRow, calendar_id: str, wish: CalendarWish, now: datetime) -> CalendarWish:
    if wish.withdrawal is None:
        return wish
    going = set(wish.withdrawal.shifts)
    future = [a for a in row.applied.values() if a.end > now]
    lost = sum(a.calendar_id == calendar_id and a.shift_id in going for a in future)
    return wish.model_copy(update={"share": lost / len(future) if lost else 0.0})
