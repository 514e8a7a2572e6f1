"""Evidence about Ann's shift, as short words."""

from __future__ import annotations

from datetime import date
from typing import Any

from planning.shifts import fold_change
from schemas.explanations import Evidence, Message
from schemas.facts import Wish
from schemas.messages import Delete, Upsert
from schemas.rows import AssignmentRow, PublicationRow
from tests.planning.build import AGENCY, CALENDAR, USER, cause, in_step, upsert, wish

CHANGED = Message(topic="p.schedule-changed", partition=2, offset=17, version=1, event_id="e17")
TURNED = Message(topic="p.sync-commands", partition=1, offset=5, event_id="e5")


def assignment(change: Upsert | Delete | None = None) -> AssignmentRow:
    """The row after one change: Ann's shift unless another is given."""
    row = fold_change(None, change or upsert()).row
    assert row is not None
    return row


def publication(**fields: Any) -> PublicationRow:
    """Published through the end of the year."""
    body: dict[str, Any] = {
        "version": 4,
        "standing": "published",
        "published_through": date(2026, 12, 31),
        "cause": cause(40),
    }
    return PublicationRow(**(body | fields))


def evidence(of: Wish | None = None, **fields: Any) -> Evidence:
    """What is known when Ann's shift stands in her calendar as it should, unless the fields say otherwise."""
    one = of or wish()
    body: dict[str, Any] = {
        "agency_id": AGENCY,
        "user_id": USER,
        "shift_id": "1",
        "calendar_id": CALENDAR,
        "assignment": assignment(),
        "changed": CHANGED,
        "publication": publication(),
        "wish": one,
        "row": in_step({"1": one}),
        "turned": TURNED,
    }
    return Evidence(**(body | fields))
