"""How a user's sync stands, in the words of `sync-status`.

Comes in: a user's row and the writes that wait. Goes out: a `SyncStatus`. Every error comes with a sentence that says
what to do; none holds anything of the schedule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.connection import blocked_until
from planning.identity import shift_key
from planning.plan import is_held
from schemas.outputs import LastError, SyncState, SyncStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from schemas.mutations import Mutation
    from schemas.rows import Connection, UserRow

_COOLDOWN = LastError(
    code="resync_cooldown",
    message="A re-sync was asked for too soon after the one before, and was not started.",
    what_to_do="Wait a minute and ask again, if something is still missing.",
)
_HELD = LastError(
    code="held",
    message="Events of ours stand in this calendar, but no shift of this user was ever received; nothing is removed.",
    what_to_do="Check that the whole schedule was sent; an operator can then release the user.",
)
_MOVED = LastError(
    code="calendar_moved",
    message="Another user of this agency has connected the same Google calendar, which belongs to one user only.",
    what_to_do="Connect a Google calendar of your own.",
)


def status(row: UserRow, waiting: Sequence[Mutation], now: datetime) -> SyncStatus:
    """Return the user's status; `waiting` are the writes that are planned for the row."""
    oldest = min((m.cause.at for m in waiting if m.cause is not None), default=None)
    return SyncStatus(
        agency_id=row.agency_id,
        user_id=row.user_id,
        state=_state(row, waiting, now),
        pending=len(waiting),
        oldest_pending_at=oldest,
        last_synced_at=row.last_synced_at,
        last_error=_last_error(row, now),
    )


def _state(row: UserRow, waiting: Sequence[Mutation], now: datetime) -> SyncState:
    connection = row.connection
    match connection.state:
        case "none":
            return "not_connected"
        case "deactivated":
            return "deactivated"
        case "disconnected":
            return "stopped"
        case "connected":
            pass
    if connection.problem is not None and blocked_until(connection, now) is not None:
        return connection.problem.state
    if connection.verify is not None:
        return "syncing"
    if is_held(row):
        return "paused"
    return "syncing" if waiting or row.doubts else "in_sync"


def _last_error(row: UserRow, now: datetime) -> LastError | None:
    connection = row.connection
    if connection.reason == "calendar_moved" and connection.state == "disconnected":
        return _MOVED
    if connection.problem is not None and blocked_until(connection, now) is not None:
        problem = connection.problem
        return LastError(code=problem.code, message=problem.message, what_to_do=problem.what_to_do)
    if connection.state == "connected" and connection.verify is None and is_held(row):
        return _HELD
    if connection.resync_refused_at is not None:
        return _COOLDOWN
    return _refused(row, connection)


def _refused(row: UserRow, connection: Connection) -> LastError | None:
    wanted = {shift_key(c, shift) for c, calendar in row.calendars.items() for shift in calendar.wishes}
    refused = [r for name, r in row.refused.items() if name in wanted or name in row.applied]
    if not refused or connection.state != "connected":
        return None
    return LastError(
        code="refused",
        message=f"{refused[0].error}, for {len(refused)} of this user's events.",
        what_to_do="Look at `sync-results` for the shifts, correct them upstream, then re-sync.",
    )
