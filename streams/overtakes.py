"""Which messages one call to Google serves at once: the newest that changed a shift, and those that it has overtaken.

Comes in: what is folded into users' rows. Goes out: the traces of earlier messages, for the call to be linked to them. Only for
who traces; a crash, or a shift beyond so many, loses a link.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from planning.identity import shift_key
from planning.shifts import content
from schemas.facts import CallsAnswered, Contribution
from streams.traces import MOST, coordinates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.cause import Cause
    from schemas.facts import UserFact
    from schemas.rows import UserRow
    from streams.traces import Memory

#: Users with a change that waits and has overtaken another.
_USERS = 10_000


class Overtakes:
    """By user and shift: the places in traces of changes that wait no more for a call of their own, in their order."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._users: OrderedDict[bytes, dict[str, dict[tuple[str, int, int], str]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._users)

    def of(self, key: bytes, shift: str) -> tuple[str, ...]:
        """Return the places of what a call about this shift serves beside its cause."""
        return tuple(self._users.get(key, {}).get(shift, {}).values())

    def folded(self, key: bytes, before: UserRow | None, facts: Sequence[UserFact], after: UserRow) -> None:
        """Take note of what the facts have changed again, and forget what is served or came to nothing."""
        known = self._users.get(key, {})
        current = {shift: opened.cause for shift, opened in before.open.items()} if before else {}
        for fact in facts:
            if isinstance(fact, CallsAnswered):
                _served(known, fact)
            elif isinstance(fact, Contribution):
                for shift, cause in _changed(before, facts, fact):
                    self._overtake(known, shift, current.get(shift), cause)
                    current[shift] = cause
        waiting = {shift: found for shift, found in known.items() if found and shift in after.open}
        self._users.pop(key, None)
        if waiting:
            self._users[key] = waiting
            if len(self._users) > _USERS:
                self._users.popitem(last=False)

    def _overtake(
        self, known: dict[str, dict[tuple[str, int, int], str]], shift: str, old: Cause | None, new: Cause
    ) -> None:
        if old is None or old == new or (trace := self._memory.of(old)) is None:
            return
        found = known.setdefault(shift, {})
        found[coordinates(old)] = trace.parent
        if len(found) > MOST:
            del found[next(iter(found))]


def _changed(
    before: UserRow | None, facts: Sequence[UserFact], fact: Contribution
) -> Iterator[tuple[str, Cause]]:
    """Yield the shifts that a contribution wants otherwise than the one before it, and why."""
    wishes = {name: calendar.wishes for name, calendar in before.calendars.items()} if before else {}
    for earlier in facts:
        if earlier is fact:
            break
        if isinstance(earlier, Contribution):
            wishes[earlier.calendar_id] = earlier.wishes
    old, new = wishes.get(fact.calendar_id, {}), fact.wishes
    for shift in old.keys() | new.keys():
        if shift not in old or shift not in new or content(old[shift]) != content(new[shift]):
            yield shift_key(fact.calendar_id, shift), fact.causes.get(shift, fact.cause)


def _served(known: dict[str, dict[tuple[str, int, int], str]], fact: CallsAnswered) -> None:
    """A call about a shift has served what was overtaken by then; what came while it was under way waits for the next."""
    for outcome in fact.outcomes:
        shift = shift_key(outcome.calendar_id, outcome.shift_id)
        if (found := known.get(shift)) is None:
            continue
        mine = coordinates(outcome.cause) if outcome.cause else None
        if mine not in found:
            found.clear()
            continue
        for place in list(found):
            del found[place]
            if place == mine:
                break
