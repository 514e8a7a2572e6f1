"""What a notice looks like on its way: a body of JSON, and headers by which the receiver knows that it is ours.

In: a notice, the user's status, the key, the time. Out: body and headers. Pure. `verify` is what a receiver does; whoever writes
one in another language finds the same in docs/notices.md.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.outputs import SyncStatus
    from vault import Notice

Headers: TypeAlias = dict[str, str]

SIGNATURE: Final = "Shiftcal-Signature"
TIMESTAMP: Final = "Shiftcal-Timestamp"
IDEMPOTENCY: Final = "Idempotency-Key"
#: A receiver takes nothing that was signed longer ago: whoever recorded it sends it in vain.
TOLERANCE_S: Final = 300


def request_of(notice: Notice, status: SyncStatus, key: str, now: datetime) -> tuple[bytes, Headers]:
    """Return body and headers. Nothing of a schedule is in them."""
    error = status.last_error
    body = orjson.dumps(
        {
            "id": notice.id,
            "event": "reconnect_needed",
            "agency_id": notice.agency_id,
            "user_id": notice.user_id,
            "reason": notice.reason,
            "message": error.message if error else None,
            "what_to_do": error.what_to_do if error else None,
            "since": notice.since.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "reminder": notice.number - 1,
        }
    )
    timestamp = str(int(now.timestamp()))
    return body, {
        "Content-Type": "application/json",
        IDEMPOTENCY: notice.id,
        TIMESTAMP: timestamp,
        SIGNATURE: f"v1={signature(key, timestamp, body)}",
    }


def signature(key: str, timestamp: str, body: bytes) -> str:
    """Return HMAC-SHA256 over the timestamp, a full stop and the body, in hexadecimal."""
    return hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verify(headers: Headers, body: bytes, key: str, now: datetime) -> bool:
    """Say whether a request is ours, and of now."""
    timestamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not timestamp.isdecimal() or abs(now.timestamp() - int(timestamp)) > TOLERANCE_S:
        return False
    return hmac.compare_digest(given.encode(), f"v1={signature(key, timestamp, body)}".encode())
