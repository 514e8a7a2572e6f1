"""What stands on each topic of the world outside, as shapes: the table from which documents are made.

Comes in: the models. Goes out: a shape a topic. Not here: how the documents look (`schemas.export`, `schemas.asyncapi`).
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from schemas.messages import (
    CalendarPublished,
    CalendarUnpublished,
    ScheduleChanged,
    SyncCommand,
    UserDeactivated,
)
from schemas.outputs import SyncResult, SyncStatus

INPUTS: dict[str, TypeAdapter[Any]] = {
    "schedule-changed": TypeAdapter(ScheduleChanged),
    "calendar-published": TypeAdapter(CalendarPublished),
    "calendar-unpublished": TypeAdapter(CalendarUnpublished),
    "user-deactivated": TypeAdapter(UserDeactivated),
    "sync-commands": TypeAdapter(SyncCommand),
}

OUTPUTS: dict[str, TypeAdapter[Any]] = {
    "sync-results": TypeAdapter(SyncResult),
    "sync-status": TypeAdapter(SyncStatus),
}

#: A letter's value is whatever came, which has no shape; what we say about it stands in the record's headers.
DEAD_LETTERS: dict[str, Any] = {
    "title": "DeadLetter",
    "description": "The headers of a record of dead-letters; its key and value are those of the message that could not be"
    " read, or a copy of its envelope with the one bad change. Of a CloudEvent its own headers stand here as well:"
    " content-type, and those that begin with ce_.",
    "type": "object",
    "properties": {
        "reason": {"type": "string", "description": "A word for machines, such as bad_change."},
        "error": {
            "type": "string",
            "description": "For a person: which field, what was expected, what came.",
        },
        "source-topic": {"type": "string"},
        "source-partition": {"type": "string", "pattern": "^[0-9]+$"},
        "source-offset": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "required": ["reason", "error", "source-topic", "source-partition", "source-offset"],
}
