"""How events are dressed: the words that agencies' policies and users' own choices share.

In: words of a policies' file or of a form. Out: `Preferences`, and what Google calls each colour. Not here: whose word
counts, which is decided in `planning.preferences`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from schemas.base import Shape

Colour = Literal[
    "lavender",
    "sage",
    "grape",
    "flamingo",
    "banana",
    "tangerine",
    "peacock",
    "graphite",
    "blueberry",
    "basil",
    "tomato",
]

#: `colorId` by the name that Google Calendar shows its users, in Google's own order. Its pages disagree on which of 1 and 7
#: is the peacock; the palette itself (colors.get: 1 is #a4bdfc, 7 is #46d6db) settles it.
#: https://developers.google.com/apps-script/reference/calendar/event-color
COLOUR_IDS: Final[Mapping[Colour, str]] = MappingProxyType(
    {
        "lavender": "1",
        "sage": "2",
        "grape": "3",
        "flamingo": "4",
        "banana": "5",
        "tangerine": "6",
        "peacock": "7",
        "graphite": "8",
        "blueberry": "9",
        "basil": "10",
        "tomato": "11",
    }
)

Details = Literal["full", "title_only"]
"""`title_only`: neither location nor description reach the calendar."""

ShowAs = Literal["busy", "free"]
"""Whether the event blocks time in the calendar."""

Choice = Literal["colour", "details", "show_as", "target_calendar"]
"""What an agency may leave to its users. The names are those of the fields below; the calendar is chosen with the consent,
whose scope depends on it, and stands in the connection."""


class Preferences(Shape):
    """What a user has chosen; None: as the agency has it."""

    colour: Colour | None = None
    details: Details | None = None
    show_as: ShowAs | None = None
