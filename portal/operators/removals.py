"""Held removals: who and what waits, and letting it go.

In: a visit. Out: pages, and a release after a question. Not here: what is held (`held`), and what a release does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from portal.operators.deeds import Deed, do
from portal.operators.held import Held, held, is_held
from portal.operators.pages import HOME, id_of, nothing, show
from streams.releasing import release_calendar, release_user

if TYPE_CHECKING:
    from starlette.responses import Response

    from portal.guard import Visit


class _Asked(NamedTuple):
    """What is to be released: everybody from a calendar's un-publish, or one user from whatever is held."""

    agency_id: str
    calendar_id: str | None
    user_id: str | None

    @property
    def subject(self) -> str:
        return f"{self.agency_id}/{self.calendar_id or self.user_id}"


async def list_(visit: Visit) -> Response:
    """Everything that is held."""
    return await show(visit, "held.html", held=await held(visit.parts.vault))


async def ask(visit: Visit) -> Response:
    """Ask whether it is meant."""
    asked = _asked(visit)
    if asked is None:
        return await nothing(visit, "bad_address", 400)
    found = await held(visit.parts.vault)
    if not await _is_held(visit, asked, found):
        return await nothing(visit, "held.gone", 409, subject=asked.subject)
    calendar = next((one for one in found.calendars if (one.agency_id, one.calendar_id) == asked[:2]), None)
    user = next(
        (one for one in found.users if (one.status.agency_id, one.status.user_id) == (asked[0], asked[2])),
        None,
    )
    return await show(
        visit, "release.html", asked=asked, calendar=calendar, user=user, complete=found.complete
    )


async def release(visit: Visit) -> Response:
    """Let it go."""
    asked = _asked(visit)
    if asked is None:
        return await nothing(visit, "bad_address", 400)
    settings, agency = visit.parts.settings, asked.agency_id
    # It may be released or published anew by now; a release that finds nothing held would be no harm, and no truth.
    if not await _is_held(visit, asked, await held(visit.parts.vault)):
        return await nothing(visit, "held.gone", 409, subject=asked.subject)
    if asked.calendar_id is not None:
        deed = Deed("release calendar", agency, asked.subject, "released_calendar")
        return await do(visit, deed, release_calendar(settings, agency, asked.calendar_id), f"{HOME}/held")
    user_id = asked.user_id or ""
    deed = Deed("release user", agency, asked.subject, "released_user", user_id=user_id)
    return await do(visit, deed, release_user(settings, agency, user_id), f"{HOME}/held")


def _asked(visit: Visit) -> _Asked | None:
    agency, calendar, user = (id_of(visit, name) for name in ("agency", "calendar", "user"))
    if agency is None or (calendar is None) == (user is None):
        return None
    return _Asked(agency, calendar, user)


async def _is_held(visit: Visit, asked: _Asked, found: Held) -> bool:
    if asked.user_id is not None:
        known = await visit.parts.vault.projection.status(asked.agency_id, asked.user_id)
        return is_held(known.status if known else None)
    named = any((one.agency_id, one.calendar_id) == asked[:2] for one in found.calendars)
    return named or not found.complete
