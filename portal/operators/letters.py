"""Dead letters: which there are and why, one with its payload, and sending one back to where it came from.

In: a visit. Out: pages; a letter sent again after a question. Not here: reading and sending (`streams.letterbox`). A payload may
hold somebody's schedule: it stands on its letter's page, and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from portal.operators import pages
from portal.operators.deeds import Deed, do
from portal.operators.pages import HOME, nothing, show
from streams import letterbox
from streams.letters import Letter, Number, hindrance, number_of, still_wrong
from streams.reach import names_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from portal.guard import Visit

#: The newest letters of each partition are looked at, and so many are shown.
_EACH: Final = 100
_SHOWN: Final = 200
#: Characters of a payload; more than that is for the command.
_PAYLOAD_MOST: Final = 200_000


async def list_(visit: Visit) -> Response:
    """The newest letters, without their payloads."""
    asked = await pages.ask(letterbox.latest(visit.parts.settings, _EACH))
    letters = asked.answer or []
    return await show(
        visit, "letters.html", letters=letters[:_SHOWN], more=len(letters) > _SHOWN, trouble=asked.trouble
    )


async def one(visit: Visit) -> Response:
    """One letter with its payload."""
    found = await _letter(visit)
    if not isinstance(found, Letter):
        return found
    return await show(
        visit, "letter.html", letter=found, payload=_pretty(found.value), **_prospects(visit, found)
    )


async def ask(visit: Visit) -> Response:
    """Ask whether it is meant."""
    found = await _letter(visit)
    if not isinstance(found, Letter):
        return found
    return await show(visit, "redrive.html", letter=found, **_prospects(visit, found))


async def redrive(visit: Visit) -> Response:
    """Send a letter back."""
    found = await _letter(visit)
    if not isinstance(found, Letter):
        return found
    why = hindrance(found, found.value, names_of(visit.parts.settings))
    if why is not None or found.value is None:
        return await nothing(visit, "letters.stays", 409, why=why or "")
    deed = Deed(
        "redrive",
        _agency(found) or visit.session.agency_id,
        str(found.number),
        "redriven",
        detail=f"to {found.source}; {found.reason}",
    )
    sending = letterbox.redrive(visit.parts.settings, [(found, found.value)])
    return await do(visit, deed, sending, f"{HOME}/letters")


async def _letter(visit: Visit) -> Letter | Response:
    number = number_of(visit.form.get("number") or visit.request.query_params.get("number", ""))
    if number is None:
        return await nothing(visit, "bad_address", 400)
    asked = await pages.ask(_found(visit, number))
    if asked.trouble is not None:
        return await nothing(visit, "failed", 503, trouble=asked.trouble)
    return asked.answer or await nothing(visit, "letters.none", 404, number=number)


async def _found(visit: Visit, number: Number) -> Letter | None:
    found = await letterbox.there(visit.parts.settings, [number])
    return found[0] if found else None


def _prospects(visit: Visit, found: Letter) -> dict[str, str | None]:
    """Why it cannot be sent again, and what would be refused again."""
    names = names_of(visit.parts.settings)
    why = hindrance(found, found.value, names)
    wrong = None if why is not None or found.value is None else still_wrong(found, found.value, names)
    return {"hindrance": why, "wrong": wrong}


def _agency(found: Letter) -> str | None:
    try:
        agency = orjson.loads(found.value or b"").get("agency_id")
    except (orjson.JSONDecodeError, AttributeError):
        return None
    return agency if isinstance(agency, str) and 0 < len(agency) <= 200 else None


def _pretty(value: bytes | None) -> str:
    if value is None:
        return "null"
    try:
        text = orjson.dumps(orjson.loads(value), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        text = value.decode(errors="backslashreplace")
    return text if len(text) <= _PAYLOAD_MOST else f"{text[:_PAYLOAD_MOST]} ..."
