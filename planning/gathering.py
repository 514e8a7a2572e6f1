"""What messages that wait together come to: one fact of each calendar.

Comes in: what each message came to. Goes out: the same, with the changes of a calendar in as few facts as may be. Nothing
depends on it where things end up; a worker that has fallen behind tells a user once what a hundred messages said of
them. Not here: which messages wait together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.intake import Reading
from schemas.facts import ShiftsChanged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schemas.facts import CalendarFact, Changes


def gathered(readings: Iterable[Reading]) -> Reading:
    """Return what all of these came to; within a calendar the changes keep their order."""
    found = list(readings)
    return Reading(
        calendar_facts=tuple(_gathered(fact for reading in found for fact in reading.calendar_facts)),
        user_facts=tuple(fact for reading in found for fact in reading.user_facts),
        letters=tuple(letter for reading in found for letter in reading.letters),
    )


def _gathered(facts: Iterable[CalendarFact]) -> Iterator[CalendarFact]:
    changes: dict[tuple[str, str], list[Changes]] = {}
    for fact in facts:
        if isinstance(fact, ShiftsChanged):
            changes.setdefault((fact.agency_id, fact.calendar_id), []).extend(fact.messages)
        else:
            yield fact
    for (agency, calendar), messages in changes.items():
        yield ShiftsChanged(agency_id=agency, calendar_id=calendar, messages=tuple(messages))
