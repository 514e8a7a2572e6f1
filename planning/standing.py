"""What a person is shown of the own row.

Comes in: a user's row, the agency's policy and `now`. Goes out: a `View`. The same rules as in `plan` say what is wanted
and what stands; nothing is planned here, and nothing decided.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from planning.body import fingerprint, render
from planning.breaker import held_shifts, is_unheard
from planning.drift import is_left
from planning.identity import shift_key
from planning.plan import frozen_calendars, is_wanted
from planning.preferences import policy_for
from planning.window import instant, is_history
from schemas.views import NextShift, Place, View

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.facts import Published, Wish
    from schemas.policy import Policy
    from schemas.rows import Applied, UserRow

#: So many shifts are named: a row is touched daily at least, so more than a person has in a day are enough.
MOST = 40


class _Wanted(NamedTuple):
    """One wish that belongs on the calendar."""

    calendar_id: str
    shift_id: str
    wish: Wish
    place: Place
    published: Published | None


def view(row: UserRow, policy: Policy, now: datetime) -> View:
    """Return what is shown of a row; of who is not connected, nothing but what stands held or kept."""
    policy = policy_for(row, policy)
    stands: dict[tuple[str, str], list[Applied]] = defaultdict(list)
    for applied in row.applied.values():
        stands[applied.calendar_id, applied.shift_id].append(applied)
    wanted = _wanted(row, policy, now, stands) if row.connection.state == "connected" else []
    ahead = sorted(
        (one for one in wanted if instant(one.wish.end) > now),
        key=lambda one: (instant(one.wish.start), one.calendar_id, one.shift_id),
    )
    named = {(one.calendar_id, one.shift_id) for one in wanted}
    others = [
        one
        for key, events in stands.items()
        if key not in named
        for one in events
        if not is_history(one.end, now)
    ]
    held, kept = _staying(row, policy, others)
    return View(
        wanted=len(wanted),
        in_google=sum(one.place == "in_google" for one in wanted),
        ahead=len(ahead),
        shifts=tuple(_shown(one, policy) for one in ahead[:MOST]),
        held=held,
        kept=kept,
        looked_at=row.connection.verified_at,
        waits_until=row.connection.problem.until if row.connection.problem else None,
    )


def _wanted(
    row: UserRow, policy: Policy, now: datetime, stands: dict[tuple[str, str], list[Applied]]
) -> list[_Wanted]:
    return [
        _Wanted(
            calendar_id,
            shift_id,
            wish,
            _place(row, policy, (calendar_id, shift_id, wish), stands.get((calendar_id, shift_id), [])),
            calendar.published,
        )
        for calendar_id, calendar in row.calendars.items()
        for shift_id, wish in calendar.wishes.items()
        if is_wanted(wish, policy, now)
    ]


def _place(row: UserRow, policy: Policy, wanted: tuple[str, str, Wish], events: list[Applied]) -> Place:
    calendar_id, shift_id, wish = wanted
    should_be, key = fingerprint(calendar_id, shift_id, wish, policy), shift_key(calendar_id, shift_id)
    if any(applied.fingerprint == should_be for applied in events):
        return "in_google"
    if (refusal := row.refused.get(key)) is not None and refusal.fingerprint == should_be:
        return "refused"
    return "left" if is_left(row.drift.get(key), policy, stands=bool(events)) else "waiting"


def _staying(row: UserRow, policy: Policy, others: list[Applied]) -> tuple[dict[str, int], dict[str, int]]:
    """Count by calendar what is not wanted and stays all the same: held, and kept."""
    frozen, waits, unheard = frozen_calendars(row, policy), held_shifts(row, policy), is_unheard(row)
    held, kept = Counter[str](), Counter[str]()
    for one in others:
        if one.calendar_id in frozen:
            kept[one.calendar_id] += 1
        elif unheard or one.shift_id in waits.get(one.calendar_id, ()):
            held[one.calendar_id] += 1
    return dict(held), dict(kept)


def _shown(one: _Wanted, policy: Policy) -> NextShift:
    wish = one.wish
    rendered = render(one.calendar_id, one.shift_id, wish, policy)
    return NextShift(
        calendar_id=one.calendar_id,
        shift_id=one.shift_id,
        version=wish.version,
        title=rendered.summary,
        location=rendered.location or None,
        start=wish.start,
        end=wish.end,
        time_zone=wish.time_zone,
        place=one.place,
        published=one.published,
    )
