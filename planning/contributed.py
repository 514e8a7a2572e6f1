"""Take what a calendar wants of a user into the user's row, and note what it changes.

Comes in: the row and a contribution. Goes out: the row that wants the newest, with the causes of what is another wish now.
Not here: what a contribution holds, and what is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.breaker import inherited
from planning.drift import of_wishes
from planning.identity import shift_key
from planning.shifts import content
from schemas.rows import CalendarWish, Open

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.facts import Contribution, Wish
    from schemas.policy import Policy
    from schemas.rows import UserRow


def contributed(row: UserRow, fact: Contribution, policy: Policy, now: datetime) -> UserRow:
    """Take a contribution whole. A lower revision is older news; an equal one is taken again, for crashes."""
    before = row.calendars.get(fact.calendar_id)
    if before is not None and fact.revision < before.revision:
        return row
    known = before.wishes if before else {}
    # Most wishes are the ones that we have: who looks at them next knows them by what they are, and memory holds them once.
    wishes = {
        shift: old if (old := known.get(shift)) is not wish and old == wish else wish
        for shift, wish in fact.wishes.items()
    }
    after = CalendarWish(
        revision=fact.revision,
        standing=fact.standing,
        wishes=wishes,
        withdrawal=fact.withdrawal,
        published=fact.published,
    )
    after = inherited(row, fact.calendar_id, after, now)
    opened, changed = dict(row.open), set[str]()
    for shift in known.keys() | wishes.keys():
        old, new = known.get(shift), wishes.get(shift)
        if old is new:
            continue
        key = shift_key(fact.calendar_id, shift)
        if old is None or new is None or content(old) != content(new) or _ends_respect(row, policy, key, new):
            version = new.version if new else fact.touched.get(shift, old.version if old else 0)
            cause = fact.causes.get(shift, fact.cause)
            opened[key] = Open(cause=cause, version=version)
            changed.add(shift)
    row = row.model_copy(update={"calendars": {**row.calendars, fact.calendar_id: after}, "open": opened})
    if row.drift:
        row = row.model_copy(update={"drift": of_wishes(row)})
    return _retried(row, fact.calendar_id, changed) if row.refused else row


def _ends_respect(row: UserRow, policy: Policy, key: str, new: Wish) -> bool:
    """Say whether the same content is written after all, since a new version came of what was done by hand."""
    note = row.drift.get(key)
    return note is not None and policy.on_drift != "restore" and note.version != new.version


def _retried(row: UserRow, calendar_id: str, shifts: set[str]) -> UserRow:
    """Forget the refused removals of shifts whose wish changed: the next removal is another one."""
    applied = row.applied
    refused = {
        name: refusal
        for name, refusal in row.refused.items()
        if (a := applied.get(name)) is None or a.calendar_id != calendar_id or a.shift_id not in shifts
    }
    return row if len(refused) == len(row.refused) else row.model_copy(update={"refused": refused})
