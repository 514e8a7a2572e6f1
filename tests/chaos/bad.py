"""Messages that nobody can read, in whole or in part.

In: dice and a good `schedule-changed`. Out: bytes, what of them counts all the same, how many dead letters they come to,
and their topic. Not here: good messages.
"""

from __future__ import annotations

import json
import random
from typing import Any

Bad = tuple[bytes | None, dict[str, Any] | None, int, str]


def spoiled(dice: random.Random, good: bytes) -> Bad:
    """Return one of the ways in which a message can be wrong."""
    message: dict[str, Any] = json.loads(good)
    head = {name: message[name] for name in ("event_id", "occurred_at", "agency_id")}
    topic = "schedule-changed"
    match dice.randrange(8):
        case 0:
            return b'{"event_id": ', None, 1, dice.choice(("sync-commands", "calendar-published", topic))
        case 1:
            return None, None, 1, topic
        case 2:
            return _json(message | {"agency_id": "a/b"}), None, 1, topic
        case 3:
            wrong = head | {"calendar_id": "north", "version": "7", "published_through": "2030-01-01"}
            return _json(wrong), None, 1, "calendar-published"
        case 4:
            return _json(head | {"user_id": "u1", "command": "explode"}), None, 1, "sync-commands"
        case 5:
            future = head | {"occurred_at": "2999-01-01T00:00:00Z", "user_id": "u1"}
            return _json(future), None, 1, "user-deactivated"
        case _:
            bad = [
                {"op": "upsert", "shift": {"shift_id": "s1", "version": 999}},
                {"op": "delete", "version": 1},
            ]
            bad = bad[: dice.choice((1, 2))]
            changes = [*message["changes"], *bad]
            dice.shuffle(changes)
            return _json(message | {"changes": changes}), message, len(bad), topic


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()
