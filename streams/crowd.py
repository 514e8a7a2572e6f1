"""How the users of this worker stand: how many in which state, how much waits, and since when.

Comes in: a user's status and held removals, whenever their row was folded or looked through. Goes out: sums, without a name.
Not here: gauges (`metrics`).
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, get_args

from schemas.outputs import SyncState

if TYPE_CHECKING:
    from schemas.outputs import SyncStatus

STATES: tuple[SyncState, ...] = get_args(SyncState)


class _Stand(NamedTuple):
    state: SyncState
    pending: int
    held: int


class Crowd:
    """The users of the partitions that are open; somebody else's are not counted."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everybody: they are somebody else's, or looked through again."""
        self._stands: dict[bytes, _Stand] = {}
        self._since: dict[bytes, tuple[SyncState, datetime]] = {}  # of those for whom something waits
        self._users: Counter[SyncState] = Counter()
        self._pending: Counter[SyncState] = Counter()
        self._held = 0

    def note(self, user: bytes, status: SyncStatus | None, held: int) -> None:
        """Take note of where a user stands now; None: nowhere, the row is gone or has no status yet."""
        self._leave(user)
        if status is None:
            return
        self._stands[user] = stand = _Stand(status.state, status.pending, held)
        self._count(stand, 1)
        if status.pending and status.oldest_pending_at is not None:
            self._since[user] = (status.state, status.oldest_pending_at)

    def users(self, state: SyncState) -> int:
        """Return how many users are in this state."""
        return self._users[state]

    def pending(self, state: SyncState) -> int:
        """Return how many Google writes wait for users in this state."""
        return self._pending[state]

    def held(self) -> int:
        """Return how many removals wait for an operator."""
        return self._held

    def oldest(self, state: SyncState) -> float:
        """Return for how many seconds the oldest change of users in this state has waited; 0: nothing waits."""
        since = min((at for of, at in self._since.values() if of == state), default=None)
        return 0.0 if since is None else max(0.0, (datetime.now(UTC) - since).total_seconds())

    def _leave(self, user: bytes) -> None:
        if (before := self._stands.pop(user, None)) is not None:
            self._count(before, -1)
            self._since.pop(user, None)

    def _count(self, stand: _Stand, sign: int) -> None:
        self._users[stand.state] += sign
        self._pending[stand.state] += sign * stand.pending
        self._held += sign * stand.held
