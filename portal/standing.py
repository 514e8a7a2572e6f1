"""How a user's sync stands, for the user: one mode out of what the vault and the topics say.

Comes in: the connection as the vault has it, the newest status, the view. Goes out: `Standing`. Pure. Not here: words, HTML.

The vault knows at once what this portal did; a status comes back through Kafka. Where the status is the older of the two,
the vault's word counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from schemas.outputs import LastError, SyncStatus
    from schemas.views import View
    from vault import ConnectionInfo, ProjectedStatus

Mode = Literal[
    "not_connected", "starting", "starting_late", "syncing", "looking", "in_sync", "needs_reauthorization", "paused",
    "stopping", "stopped", "deactivated",
]  # fmt: skip
#: What a status may say that no live connection can be in: it is about the time before.
_BEFORE: Final = frozenset({"not_connected", "stopped", "deactivated", "needs_reauthorization"})
#: A worker takes a connect up in well under a second; whatever lasts longer is told.
_LATE: Final = timedelta(seconds=30)
#: After so long nothing is on its way any more.
_OVER: Final = timedelta(minutes=2)
#: Modes that pass by themselves within seconds: pages look often.
UNDER_WAY: Final = frozenset({"starting", "syncing", "looking", "stopping"})
#: Modes in which there is a connection to stop and to re-sync.
CONNECTED: Final = frozenset(
    {"starting", "starting_late", "syncing", "looking", "in_sync", "paused", "stopping"}
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is shown. `done` of `total` stand in Google; `pending` changes wait. `revoked`: Google has confirmed."""

    mode: Mode
    done: int = 0
    total: int = 0
    pending: int = 0
    error: LastError | None = None
    until: datetime | None = None
    revoked: bool | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection that can be stopped."""
        return self.mode in CONNECTED


def standing(
    info: ConnectionInfo | None,
    projected: ProjectedStatus | None,
    view: View | None,
    stopping_at: datetime | None,
    now: datetime,
) -> Standing:
    """Return how it stands. `stopping_at`: when the user pressed the button, if that is still to be seen."""
    status = None if projected is None else projected.status
    mode = _mode(info, projected, stopping_at, now)
    error = None if status is None or mode in {"starting", "starting_late", "stopping"} else status.last_error
    total = view.wanted if view is not None else 0
    return Standing(
        mode=mode,
        done=min(view.in_google, total) if view is not None else 0,
        total=total,
        pending=status.pending if status is not None else 0,
        error=error,
        until=view.waits_until if view is not None and mode == "paused" else None,
        revoked=None if info is None or info.state == "live" else info.state == "ended",
    )


def _mode(
    info: ConnectionInfo | None,
    projected: ProjectedStatus | None,
    stopping_at: datetime | None,
    now: datetime,
) -> Mode:
    status = None if projected is None else projected.status
    if info is None or info.state != "live":
        return _unconnected(info, status)
    if stopping_at is not None and info.connected_at < stopping_at and now - stopping_at < _OVER:
        return "stopped" if status is not None and status.state == "stopped" else "stopping"
    if (
        status is None
        or projected is None
        or (status.state in _BEFORE and projected.at < info.connected_at and now - info.connected_at < _OVER)
    ):
        return "starting" if now - info.connected_at < _LATE else "starting_late"
    if status.state == "syncing" and status.pending == 0:
        return "looking"
    return status.state


def _unconnected(info: ConnectionInfo | None, status: SyncStatus | None) -> Mode:
    if status is not None and status.state in {"deactivated", "needs_reauthorization"}:
        return status.state
    return "not_connected" if info is None else "stopped"
