"""Look at Google for one user: everything of ours in the window, as one fact.

Comes in: a user's row and session. Goes out: `CalendarSeen`. Not here: what follows from it; a look changes nothing.

A listing finds ours by a private property, which some accounts strip. So what no listing ever showed is read by its id;
and for an account that strips, nothing is listed at all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from planning.observation import observe
from planning.verify import ids_to_read, known_ids
from planning.window import listed_from
from schemas.answers import Held
from schemas.facts import CalendarSeen
from schemas.mutations import Get

if TYPE_CHECKING:
    from collections.abc import Callable

    from planning.urgency import Place
    from schemas.mutations import EventBody
    from schemas.rows import UserRow
    from streams.desk import Desk, Session


async def look(
    desk: Desk, who: UserRow, read: Callable[[], UserRow], ticket: str, place: Place
) -> CalendarSeen:
    """Return what stands at Google now; costs a call a page, and one for each id that has to be read.

    `who` need not hold any shifts: the row is read when Google's answer is there, the call may have waited for an hour.
    """
    session, at = await desk.session(who), datetime.now(UTC)
    strips = who.connection.strips_properties and who.connection.target == session.target
    listed = [] if strips else await _listed(desk, session, who.agency_id, at, place)
    row = read()
    known = known_ids(row)
    observed = {seen.event_id: seen for event in listed if (seen := observe(event, row.agency_id, known))}
    absent: list[str] = []
    same_place = row.connection.target in {None, session.target}
    policy = desk.policies.of(row.agency_id)
    for event_id in ids_to_read(row, observed, at, policy) if same_place else ():
        async with desk.permit(session, place):
            answer = await desk.call(session, Get(event_id=event_id, generation=known[event_id].generation))
        stands = observe(answer.event, row.agency_id, known) if isinstance(answer, Held) else None
        if stands is None:
            absent.append(event_id)
        else:
            observed[event_id] = stands
            strips = strips or not stands.tagged
    return CalendarSeen(
        agency_id=row.agency_id,
        user_id=row.user_id,
        verify=ticket,
        target=session.target,
        at=at,
        window_start=listed_from(at),
        observed=tuple(observed.values()),
        absent=tuple(absent),
        strips_properties=strips,
    )


async def _listed(
    desk: Desk, session: Session, agency_id: str, at: datetime, place: Place
) -> list[EventBody]:
    events: list[EventBody] = []
    token: str | None = None
    while True:
        async with desk.permit(session, place):
            page = await desk.list_page(session, agency_id, listed_from(at), token)
        events += page.events
        token = page.next_page_token
        if token is None:
            return events
