"""What users may choose for themselves: how their events look.

Comes in: an agency's policy, what the user chose last, a checked form. Goes out: fields for the page; a choice, told to the
workers and kept. Not here: what counts of it (`planning.preferences`), and what Google makes of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from pydantic import ValidationError

from portal.pages import refusal
from portal.parts import NotPassedOn
from portal.said import say
from schemas.preferences import Choice, Colour, Details, Preferences, ShowAs
from streams.preferences import chosen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from portal.guard import Visit

#: In the order of the page.
_OPTIONS: Final[Mapping[Choice, tuple[str, ...]]] = {
    "colour": get_args(Colour),
    "details": get_args(Details),
    "show_as": get_args(ShowAs),
}


class Field(NamedTuple):
    """One question of the form; `value` None: as the agency has it. `options` are keys of `choices` and values at once."""

    name: Choice
    value: str | None
    options: tuple[str, ...]


async def fields(visit: Visit) -> list[Field]:
    """Return the questions that the agency leaves to its users."""
    may = visit.parts.policies.of(visit.session.agency_id).user_may_choose
    if not may:
        return []
    now = await chosen(visit.parts.vault, visit.session.agency_id, visit.session.user_id)
    return [Field(name, getattr(now, name), options) for name, options in _OPTIONS.items() if name in may]


async def choose(visit: Visit) -> Response:
    """Take a choice. What the agency does not leave to its users stays as it was: it may count again some day."""
    session, parts = visit.session, visit.parts
    before = await chosen(parts.vault, session.agency_id, session.user_id)
    may = parts.policies.of(session.agency_id).user_may_choose
    changes: dict[str, Any] = {
        name: visit.form[name] or None for name in _OPTIONS if name in may and name in visit.form
    }
    try:
        preferences = Preferences.model_validate({**before.model_dump(), **changes})
    except ValidationError:
        return refusal(visit.request, 400, visit.words("error.bad_request"))
    try:
        await parts.commands.prefer(session.agency_id, session.user_id, preferences)
    except NotPassedOn:
        await visit.keep(said=say(parts.clock(), "kafka"))
        return visit.back()
    await visit.keep(said=say(parts.clock(), "chosen"))
    return visit.back()
