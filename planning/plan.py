"""What would have to be written now, so that the calendar shows what its user should see.

Comes in: a user's row, the agency's policy and `now`. Goes out: mutations, soonest shift first. A plan is a function of
the row alone: whatever was missed, repeated or half done before shows as a difference here, and
``plan(record(row, outcome)) == ()`` once every difference is recorded.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal

from planning.body import fingerprint, render
from planning.breaker import held_shifts, is_unheard
from planning.dress import left_over
from planning.drift import is_left
from planning.identity import event_id, shift_key
from planning.preferences import policy_for
from planning.remembered import Outline, newest_plan, remember, remember_again
from planning.window import instant, is_history
from schemas.mutations import DeleteEvent, InsertEvent, Mutation, PatchEvent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from schemas.cause import Cause
    from schemas.facts import Wish
    from schemas.mutations import DressField
    from schemas.policy import Policy
    from schemas.rows import Applied, UserRow

Removal = Literal["none", "future", "all"]


def plan(row: UserRow, policy: Policy, now: datetime) -> tuple[Mutation, ...]:
    """Return the writes that bring the calendar in step, for a user who is connected and was looked at."""
    return outline(row, policy, now).todo


def outline(row: UserRow, policy: Policy, now: datetime) -> Outline:
    """Return the plan, what is held of it, and what is left as it stands."""
    policy = policy_for(row, policy)
    before = newest_plan(row)
    if before is not None and before.holds(row, policy, now):
        remember_again(before, row)
        return before.outline
    found = _planned(row, policy, now, before.by_event if before else {})
    remember(row, policy, now, found)
    return found


def _planned(row: UserRow, policy: Policy, now: datetime, before: Mapping[str, Mutation]) -> Outline:
    frozen = frozen_calendars(row, policy)
    standing: dict[tuple[str, str], list[tuple[str, Applied]]] = defaultdict(list)
    for event, applied in row.applied.items():
        standing[applied.calendar_id, applied.shift_id].append((event, applied))
    todo: list[Mutation] = []
    held: list[Mutation] = []
    held_of, left = held_shifts(row, policy), 0
    for calendar_id, calendar in row.calendars.items():
        for shift_id, wish in calendar.wishes.items():
            if is_wanted(wish, policy, now):
                events = standing.pop((calendar_id, shift_id), [])
                if len(events) == 1 and _is_fulfilled(events[0][1], wish, policy):
                    continue
                note = row.drift.get(shift_key(calendar_id, shift_id))
                if is_left(note, policy, stands=bool(events)):
                    left += policy.on_drift == "report"
                else:
                    todo += _fulfil(row, policy, (calendar_id, shift_id, wish), events, before)
                # Two generations of one shift (the user took a burnt one out of the bin): the older id stays.
                if len(events) > 1:
                    todo += _take_off(row, sorted(events, key=lambda e: e[1].generation)[1:], now)
    unheard = is_unheard(row)
    for (calendar_id, shift_id), events in standing.items():
        if calendar_id not in frozen:
            waits = unheard or shift_id in held_of.get(calendar_id, ())
            (held if waits else todo).extend(_take_off(row, events, now))
    return Outline(tuple(sorted(todo, key=lambda m: (m.start, m.event_id))), tuple(held), left)


def plan_removal(row: UserRow, removal: Removal, now: datetime) -> tuple[Mutation, ...]:
    """Return the deletes that an ended connection still asks for; `future`: of what has not started."""
    if removal == "none":
        return ()
    events = [(e, a) for e, a in row.applied.items() if removal == "all" or a.start > now]
    return tuple(sorted(_take_off(row, events, now), key=lambda m: (m.start, m.event_id)))


def is_wanted(wish: Wish, policy: Policy, now: datetime) -> bool:
    """Say whether a published shift of a connected user belongs on the calendar."""
    return wish.kind in policy.synced_kinds and not is_history(wish.end, now)


def frozen_calendars(row: UserRow, policy: Policy) -> frozenset[str]:
    """Return the calendars whose events stay as they stand: un-published under policy `keep`."""
    if policy.on_unpublish != "keep":
        return frozenset()
    return frozenset(c for c, wish in row.calendars.items() if wish.standing == "unpublished")


def _is_fulfilled(applied: Applied, wish: Wish, policy: Policy) -> bool:
    return applied.fingerprint == fingerprint(applied.calendar_id, applied.shift_id, wish, policy)


def _fulfil(
    row: UserRow,
    policy: Policy,
    wanted: tuple[str, str, Wish],
    events: list[tuple[str, Applied]],
    before: Mapping[str, Mutation],
) -> list[Mutation]:
    calendar_id, shift_id, wish = wanted
    key = shift_key(calendar_id, shift_id)
    wanted_is = fingerprint(calendar_id, shift_id, wish, policy)
    standing = min(events, key=lambda e: e[1].generation, default=None)
    if standing is not None and standing[1].fingerprint == wanted_is:
        return []
    if (refusal := row.refused.get(key)) is not None and refusal.fingerprint == wanted_is:
        return []
    burnt = row.burnt.get(key)
    generation = standing[1].generation if standing else burnt.generation if burnt else 0
    event = standing[0] if standing else event_id(row.agency_id, calendar_id, shift_id, generation)
    cause = row.open[key].cause if key in row.open else row.connection.default_cause
    known, etag = before.get(event), standing[1].etag if standing else None
    undress = left_over(standing[1].fingerprint, wanted_is) if standing else ()
    if known is not None and _is_same(known, (etag, wanted_is, wish.version, cause, undress)):
        return [known]
    common: dict[str, Any] = {
        "agency_id": row.agency_id,
        "calendar_id": calendar_id,
        "shift_id": shift_id,
        "event_id": event,
        "generation": generation,
        "rendered": render(calendar_id, shift_id, wish, policy),
        "version": wish.version,
        "start": instant(wish.start),
        "end": instant(wish.end),
        "cause": cause,
    }
    if etag is None:
        return [InsertEvent(**common)]
    return [PatchEvent(**common, etag=etag, undress=undress)]


def _is_same(
    known: Mutation, wanted: tuple[str | None, str, int, Cause | None, tuple[DressField, ...]]
) -> bool:
    """Say whether a mutation of the plan before is what would be made now; its event, and so its generation, is the same."""
    etag, fingerprint, version, cause, undress = wanted
    return (
        not isinstance(known, DeleteEvent)
        and ((known.etag, known.undress) if isinstance(known, PatchEvent) else (None, ())) == (etag, undress)
        and known.rendered.fingerprint == fingerprint
        and known.version == version
        and known.cause is cause
    )


def _take_off(row: UserRow, events: list[tuple[str, Applied]], now: datetime) -> list[Mutation]:
    todo: list[Mutation] = []
    for event, applied in events:
        if is_history(applied.end, now) or event in row.refused:
            continue
        opened = row.open.get(shift_key(applied.calendar_id, applied.shift_id))
        todo.append(
            DeleteEvent(
                agency_id=row.agency_id,
                calendar_id=applied.calendar_id,
                shift_id=applied.shift_id,
                event_id=event,
                generation=applied.generation,
                etag=applied.etag,
                version=opened.version if opened else applied.version,
                start=applied.start,
                end=applied.end,
                cause=opened.cause if opened else row.connection.default_cause,
            )
        )
    return todo
