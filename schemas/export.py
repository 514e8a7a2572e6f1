"""The JSON Schemas of what comes in and what goes out, for whoever writes or reads our topics in another language.

Comes in: the models. Goes out: one file a topic in `docs/schemas`, written by ``python -m schemas.export``. What a JSON
Schema cannot say (an end after its start, times with an offset, known time zones) stands in its descriptions, and is
checked at the door.
"""

from __future__ import annotations

import json
from pathlib import Path
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

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_INPUTS: dict[str, TypeAdapter[Any]] = {
    "schedule-changed": TypeAdapter(ScheduleChanged),
    "calendar-published": TypeAdapter(CalendarPublished),
    "calendar-unpublished": TypeAdapter(CalendarUnpublished),
    "user-deactivated": TypeAdapter(UserDeactivated),
    "sync-commands": TypeAdapter(SyncCommand),
}

_OUTPUTS: dict[str, TypeAdapter[Any]] = {
    "sync-results": TypeAdapter(SyncResult),
    "sync-status": TypeAdapter(SyncStatus),
}

#: A letter's value is whatever came, which has no shape; what we say about it stands in the record's headers.
_DEAD_LETTERS: dict[str, Any] = {
    "title": "DeadLetter",
    "description": "The headers of a record of dead-letters; its key and value are those of the message that could not be"
    " read, or a copy of its envelope with the one bad change.",
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


def documents() -> dict[str, str]:
    """Return the text of each file, by topic."""
    found = {topic: adapter.json_schema(mode="validation") for topic, adapter in _INPUTS.items()}
    found |= {topic: adapter.json_schema(mode="serialization") for topic, adapter in _OUTPUTS.items()}
    found["dead-letters"] = _DEAD_LETTERS
    return {
        topic: json.dumps({"$schema": _DIALECT} | schema, indent=2, ensure_ascii=False) + "\n"
        for topic, schema in found.items()
    }


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for topic, text in documents().items():
        (FOLDER / f"{topic}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
