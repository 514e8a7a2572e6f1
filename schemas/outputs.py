"""What Shiftcal tells the world: results, statuses and dead letters.

Comes in: nothing. Goes out: the shapes of `sync-results`, `sync-status` and `dead-letters`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from schemas.base import Shape


class CausedBy(Shape):
    """The input message behind a change; `topic` is its real name."""

    topic: str
    partition: int
    offset: int
    event_id: str
    occurred_at: AwareDatetime


Action = Literal["inserted", "patched", "deleted", "adopted", "refused"]


class SyncResult(Shape):
    """One change that reached Google, or that Google refused for good. After a crash it may come twice.

    `latency_ms` counts from the broker's timestamp of the cause to Google's answer, in milliseconds; both are null
    for what the daily verify repaired.
    """

    agency_id: str
    user_id: str
    calendar_id: str
    shift_id: str
    version: int
    action: Action
    google_event_id: str
    at: AwareDatetime
    caused_by: CausedBy | None = None
    latency_ms: int | None = None
    error: str | None = None


class LastError(Shape):
    """What is wrong, in words, and what the user or the operator can do about it."""

    code: str
    message: str
    what_to_do: str


SyncState = Literal[
    "not_connected", "syncing", "in_sync", "needs_reauthorization", "paused", "stopped", "deactivated"
]


class SyncStatus(Shape):
    """The user's newest status. `pending` counts the Google writes that wait."""

    agency_id: str
    user_id: str
    state: SyncState
    pending: int = 0
    oldest_pending_at: AwareDatetime | None = None
    last_synced_at: AwareDatetime | None = None
    last_error: LastError | None = None


class DeadLetter(Shape):
    """What could not be read. `value` is the bytes as they came (or a copy with the bad change alone), None for a null.

    `carried` are the headers that it came with, as far as it cannot be read without them.
    """

    key: bytes | None
    value: bytes | None
    reason: str
    error: str
    source_topic: str
    source_partition: int
    source_offset: int
    carried: tuple[tuple[str, bytes], ...] = ()

    def headers(self) -> list[tuple[str, bytes]]:
        """The Kafka headers of the letter, UTF-8."""
        return [
            ("reason", self.reason.encode()),
            ("error", self.error.encode()),
            ("source-topic", self.source_topic.encode()),
            ("source-partition", str(self.source_partition).encode()),
            ("source-offset", str(self.source_offset).encode()),
            *self.carried,
        ]
