"""Users: who is in which state, and how one of them stands.

In: a visit. Out: a page of a list, and one of a user. Nothing of anybody's schedule: numbers, times, and errors in our own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast, get_args

from portal.operators.held import is_held, view_of
from portal.operators.pages import id_of, is_id, nothing, show
from schemas.outputs import SyncState

if TYPE_CHECKING:
    from starlette.responses import Response

    from portal.guard import Visit
    from vault import Person

STATES: Final = get_args(SyncState)
_PAGE: Final = 50
_TEXT_MOST: Final = 200


async def list_(visit: Visit) -> Response:
    """Users by agency, state and text, fifty at a time."""
    query = visit.request.query_params
    agency, state, text = (
        id_of(visit, "agency"),
        query.get("state", ""),
        query.get("q", "").strip()[:_TEXT_MOST],
    )
    if state and state not in STATES:
        return await nothing(visit, "bad_address", 400)
    found = await visit.parts.vault.projection.search(
        agency=agency,
        state=cast("SyncState", state) if state else None,
        text=text or None,
        after=_after(query.get("after", "")),
        limit=_PAGE + 1,
    )
    shown = found[:_PAGE]
    last = shown[-1].status if len(found) > _PAGE else None
    return await show(
        visit,
        "users.html",
        users=shown,
        states=STATES,
        filters={"agency": agency or "", "state": state, "q": text},
        after=None if last is None else f"{last.agency_id}/{last.user_id}",
    )


async def one(visit: Visit) -> Response:
    """How a user stands."""
    agency, user = id_of(visit, "agency"), id_of(visit, "user")
    if agency is None or user is None:
        return await nothing(visit, "bad_address", 400)
    vault = visit.parts.vault
    projected, info = await vault.projection.status(agency, user), await vault.connection_info(agency, user)
    if projected is None and info is None:
        return await nothing(visit, "users.nobody", 404, user=f"{agency}/{user}")
    return await show(
        visit,
        "user.html",
        agency_id=agency,
        user_id=user,
        projected=projected,
        info=info,
        last=await vault.projection.last_result(agency, user),
        view=await view_of(vault, agency, user),
        is_held=is_held(projected.status if projected else None),
    )


def _after(text: str) -> Person | None:
    agency, _, user = text.partition("/")
    return (agency, user) if is_id(agency) and is_id(user) else None
