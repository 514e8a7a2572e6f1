"""Commands, as every producer of ours writes them.

In: a user, a time, what is asked. Out: the message of `sync-commands`. Not here: sending, and what a command does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping


def message(agency: str, user: str, command: Mapping[str, object], now: datetime | None = None) -> bytes:
    """One command of now; `command` may bring an `event_id` of its own."""
    envelope: dict[str, object] = {
        "event_id": str(uuid4()),
        "occurred_at": (now or datetime.now(UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "agency_id": agency,
        "user_id": user,
        "schema_version": 1,
    }
    return orjson.dumps({**envelope, **command})
