"""A shift as its user's Google calendar would show it, in words for whoever runs Shiftcal.

In: a shift and its agency's policy. Out: lines of text, read off the very body that an insert would send. Not here: files
and printing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.body import insert_body, render
from planning.identity import event_id
from planning.shifts import wish_of
from schemas.preferences import COLOUR_IDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.messages import Shift
    from schemas.mutations import EventBody
    from schemas.policy import Policy

_NAMES = {number: name for name, number in COLOUR_IDS.items()}
_BLOCKS = {"opaque": "busy", "transparent": "free"}
_WIDTH = 13


def heading(agency: str, policy: Policy, *, own: bool) -> str:
    """Say whose policy it is, which kinds it shows, and what it leaves to users."""
    table = f'[agency."{agency}"]' if own else "[default]"
    kinds = ", ".join(sorted(policy.synced_kinds)) or "none"
    left = ", ".join(sorted(policy.user_may_choose)) or "nothing"
    return f"{agency}, by {table}: kinds shown: {kinds}; users may choose: {left}"


def shift(agency: str, calendar_id: str, of: Shift, policy: Policy) -> str:
    """Return the event of a shift, or why it has none."""
    title = f"{_plain(of.kind)} {of.shift_id} of {calendar_id}"
    if of.kind not in policy.synced_kinds:
        return f"{title}: not shown, since its kind is none of those"
    if of.user_id is None:
        return f"{title}: not shown, since it is nobody's yet"
    rendered = render(calendar_id, of.shift_id, wish_of(of), policy)
    body = insert_body(event_id(agency, calendar_id, of.shift_id), rendered, {})
    return "\n".join((title, *(f"  {name:{_WIDTH}}{value}" for name, value in _fields(body))))


def _fields(body: EventBody) -> Iterator[tuple[str, str]]:
    yield "title", _text(body.get("summary"))
    yield "starts", _moment(body["start"])
    yield "ends", _moment(body["end"])
    yield "location", _text(body.get("location"))
    yield "description", _text(body.get("description"))
    colour, blocks = body.get("colorId"), body.get("transparency")
    yield "colour", f"{_NAMES[colour]} (colorId {colour})" if colour else "the user's own affair"
    yield "shows as", f"{_BLOCKS[blocks]} ({blocks})" if blocks else "the user's own affair"
    yield "reminders", "those of the user's calendar"


def _moment(point: EventBody) -> str:
    if "date" in point:
        return f"{point['date']} (whole day)"
    return f"{point['dateTime']} ({point['timeZone']})"


def _text(value: str | None) -> str:
    """Return a text of a schedule, its further lines under the first."""
    lines = (value or "none").split("\n")
    return ("\n" + " " * (_WIDTH + 2)).join(_plain(line) for line in lines)


def _plain(text: str) -> str:
    """Leave nothing in a text that a terminal would act on."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
