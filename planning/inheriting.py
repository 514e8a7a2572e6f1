"""A group that begins beside another one takes over what that one knows of Google.

Comes in: a row that was folded from the input topics alone, and the other group's row. Goes out: the row with what no
input topic holds: what stands at Google, what people did to it, what Google refused, what was chosen and released. What
upstream wants is never taken over: that the two may differ in it is what a shadow is for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.rows import UserRow

if TYPE_CHECKING:
    from schemas.facts import Inherited
    from schemas.rows import CalendarWish

#: What a worker learns from Google, and from nobody else.
_LEARNED = ("applied", "burnt", "let_go", "releases", "last_synced_at")


def inherit(row: UserRow, fact: Inherited) -> UserRow:
    """Return the row with what the other one knows; once, since from then on it learns for itself."""
    other = UserRow.model_validate_json(fact.row)
    if row.applied or row.connection.target is not None:
        return row
    changes: dict[str, Any] = {name: getattr(other, name) for name in _LEARNED}
    if other.preferred_at is not None and (row.preferred_at is None or row.preferred_at < other.preferred_at):
        changes |= {"preferences": other.preferences, "preferred_at": other.preferred_at}
    changes["calendars"] = {
        name: _weighed(wish, other.calendars.get(name)) for name, wish in row.calendars.items()
    }
    mine, theirs = row.connection, other.connection
    if (mine.state, mine.occurred_at) == (theirs.state, theirs.occurred_at):
        # One turn, known to both: what the other one has looked at, released or met need not be found out again.
        changes |= {"connection": theirs, "refused": other.refused, "drift": other.drift}
    else:
        known = {"target": theirs.target, "strips_properties": theirs.strips_properties}
        changes["connection"] = mine.model_copy(update=known)
    return row.model_copy(update=changes)


def _weighed(wish: CalendarWish, other: CalendarWish | None) -> CalendarWish:
    """Return the wish as the other group has weighed it: how much it takes off was seen when it came."""
    if wish.withdrawal is None or other is None or other.withdrawal is None:
        return wish
    if wish.withdrawal.version != other.withdrawal.version:
        return wish
    withdrawal = wish.withdrawal.model_copy(update={"released": other.withdrawal.released})
    return wish.model_copy(update={"share": other.share, "let_go": other.let_go, "withdrawal": withdrawal})
