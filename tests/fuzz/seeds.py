"""Good messages of every input topic, to be spoiled.

In: an agency. Out: values by topic. Texts of the schedule hold `CANARY`, which must not come into any error.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tests.e2e.messages import gone, shift

#: No id, time, number or word has it, so whatever is shown of those does not hold it.
CANARY = "Ö"

_PRIVATE: dict[str, Any] = {
    "title": "Nachtdienst Ö",
    "location": "Örebro Ö",
    "notes": "ÖÖ: der Code ist \u2603 🚑",
}


def seeds(agency: str, at: datetime | None = None) -> dict[str, list[bytes]]:
    """Return messages that are good as they stand."""
    head: dict[str, Any] = {
        "event_id": "e1",
        "occurred_at": (at or datetime.now(UTC)).isoformat(),
        "agency_id": agency,
        "schema_version": 1,
    }
    calendar = head | {"calendar_id": "ops"}
    user = head | {"user_id": "u1"}
    days: dict[str, Any] = {"start": "2026-12-02", "end": "2026-12-04", "time_zone": None, "kind": "training"}
    changes = [shift("s1", **_PRIVATE), shift("s2", 7, None, **_PRIVATE), gone("s3", 2)]
    changes += [shift("s4", 2**63 - 1, "u2", **_PRIVATE, **days)]
    roll_back = {"reason": "rolled_back", "published_through": "2027-01-31", "published_from": "2026-12-01"}
    found: dict[str, list[dict[str, Any]]] = {
        "schedule-changed": [calendar | {"changes": some} for some in (changes, changes[:1], [])],
        "calendar-published": [
            calendar | {"version": 4, "published_through": "2028-12-31", "published_from": None},
            calendar | {"version": 1, "published_through": "2028-12-31"},
        ],
        "calendar-unpublished": [
            calendar | {"version": 5, "reason": "unpublished"},
            calendar | {"version": 6} | roll_back,
        ],
        "user-deactivated": [user],
        "sync-commands": [user | {"command": word} for word in ("connect", "resync")]
        + [user | {"command": "disconnect", "purge": True, "reason": "calendar_moved"}],
    }
    return {
        topic: [json.dumps(one, ensure_ascii=False).encode() for one in all_] for topic, all_ in found.items()
    }
