"""How a user's sync stands, in the words of `sync-status`.

Comes in: a user's row and what planning found. Goes out: a `SyncStatus`. Every error comes with a sentence that says
what to do; none holds anything of the schedule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.breaker import is_unheard
from planning.connection import blocked_until
from planning.identity import shift_key
from schemas.outputs import LastError, SyncState, SyncStatus

if TYPE_CHECKING:
    from datetime import datetime

    from planning.remembered import Outline
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


def status(row: UserRow, found: Outline, now: datetime) -> SyncStatus:
    """Return the user's status; `found` is what planning came to for the row."""
    oldest = min((m.cause.at for m in found.todo if m.cause is not None), default=None)
    return SyncStatus(
        agency_id=row.agency_id,
        user_id=row.user_id,
        state=_state(row, found, now),
        pending=len(found.todo),
        oldest_pending_at=oldest,
        last_synced_at=row.last_synced_at,
        last_error=_last_error(row, found, now),
    )


def _state(row: UserRow, found: Outline, now: datetime) -> SyncState:
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
    if found.held or is_unheard(row):
        return "paused"
    return "syncing" if found.todo or row.doubts else "in_sync"


def _last_error(row: UserRow, found: Outline, now: datetime) -> LastError | None:
    connection = row.connection
    if connection.reason == "calendar_moved" and connection.state == "disconnected":
        return _MOVED
    if connection.problem is not None and blocked_until(connection, now) is not None:
        problem = connection.problem
        return LastError(code=problem.code, message=problem.message, what_to_do=problem.what_to_do)
    if connection.state == "connected" and connection.verify is None:
        if is_unheard(row):
            return _HELD
        if found.held:
            return _held(row, found)
    if connection.resync_refused_at is not None:
        return _COOLDOWN
    return _refused(row, connection) or _drift(found.left)


def _held(row: UserRow, found: Outline) -> LastError:
    calendars = sorted({mutation.calendar_id for mutation in found.held})
    return LastError(
        code="held",
        message=f"{len(found.held)} removals wait: an un-publish of {' and '.join(calendars)} would take off more of this"
        " user's events than the agency lets go at once.",
        what_to_do=f"Publish the calendar again; or an operator releases them: `shiftcal release {row.agency_id} --calendar"
        f" {calendars[0]}` for everybody, `shiftcal release {row.agency_id} --user {row.user_id}` for this user.",
    )


def _drift(left: int) -> LastError | None:
    if left == 0:
        return None
    return LastError(
        code="drift",
        message=f"Somebody deleted or altered {left} of this user's events by hand; they are left like that.",
        what_to_do="Nothing, if that is wanted; a new version of a shift, or a new connect, shows it again as scheduled.",
    )


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
