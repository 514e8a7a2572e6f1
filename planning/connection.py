"""The timeline of one user: connects, disconnects, deactivations, resyncs.

Comes in: the connection as it stands and a fact. Goes out: the connection after it. The newest `occurred_at` wins,
on a tie the connect; nothing depends on the order in which messages arrive.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from schemas.facts import Connected, Deactivated, Disconnected, ResyncAsked, VerifyDue
from schemas.rows import Connection, Verify

if TYPE_CHECKING:
    from schemas.facts import TokenReleased, TroubleFound
    from schemas.rows import UserRow

Turn = Connected | Disconnected | Deactivated

#: How the ticket of a look begins that a takeover asks for (`planning.takeover`).
TAKEOVER = "takeover "

_RANK = {"none": -1, "disconnected": 0, "deactivated": 1, "connected": 2}


def fold_turn(before: Connection, fact: Turn) -> Connection:
    """Decide what a connect, a disconnect or a deactivation does to the user's connection."""
    after = _after(before, fact)
    return after if _place(after) > _place(before) else before


def _after(before: Connection, fact: Turn) -> Connection:
    at = fact.cause.occurred_at
    kept: dict[str, Any] = {
        "target": before.target,
        "resync_at": before.resync_at,
        "connected_at": before.connected_at,
    }
    match fact:
        case Connected():
            return Connection(
                **kept | {"connected_at": at},
                state="connected",
                occurred_at=at,
                released=False,
                verify=Verify(ticket=f"connect {at.isoformat()}", cause=fact.cause),
                default_cause=fact.cause,
            )
        case Disconnected():
            return Connection(
                **kept,
                state="disconnected",
                occurred_at=at,
                purge=fact.purge,
                reason=fact.reason,
                released=False,
                verify=Verify(ticket=f"disconnect {at.isoformat()}", cause=fact.cause),
                default_cause=fact.cause,
            )
        case Deactivated():
            return Connection(
                **kept,
                state="deactivated",
                occurred_at=at,
                released=False,
                verify=Verify(ticket=f"deactivate {at.isoformat()}", cause=fact.cause),
                default_cause=fact.cause,
            )


def _place(connection: Connection) -> tuple[float, int, bool, str]:
    at = connection.occurred_at.timestamp() if connection.occurred_at else float("-inf")
    # Two disconnects of one instant: the one that asks for more wins, so that the order does not matter.
    return at, _RANK[connection.state], connection.purge, connection.reason or ""


#: Problems that end without a new connect.
_MAY_HAVE_PASSED = frozenset({"calendar_gone", "calendar_not_writable", "token_unreadable"})


def fold_resync(before: Connection, fact: ResyncAsked, cooldown: timedelta) -> Connection:
    """Decide whether a resync counts: once per `occurred_at`, and not within the cool-down of the one before."""
    at = fact.cause.occurred_at
    if before.resync_at is not None and at <= before.resync_at:
        return before  # delivered again, or overtaken by a newer one that looked at everything anyway
    too_soon = before.resync_at is not None and at - before.resync_at < cooldown
    if before.state != "connected" or before.connected_at is None or at <= before.connected_at:
        # The connect looks at everything. It is remembered, so that a replay finds it done; one that was refused is not.
        return before if too_soon else before.model_copy(update={"resync_at": at})
    if too_soon:
        return before.model_copy(update={"resync_refused_at": at})
    return before.model_copy(
        update={
            "resync_at": at,
            "resync_refused_at": None,
            "verify": Verify(ticket=f"resync {at.isoformat()}", cause=fact.cause),
            "default_cause": fact.cause,
            # Somebody asks to look again: perhaps the calendar is back, or the key. What Google said of a grant stays said.
            "problem": None if before.problem and before.problem.code in _MAY_HAVE_PASSED else before.problem,
        }
    )


def daily_look(row: UserRow, now: datetime) -> VerifyDue | None:
    """Return the fact that the user's daily look at Google is due, None while it is not.

    Each user has an own interval, 18 to 30 hours by a hash of the ids, so that looks never gather at one time of the
    day (https://developers.google.com/workspace/calendar/api/guides/quota: spread load, add jitter).
    """
    connection = row.connection
    if connection.state != "connected" or connection.verify is not None or connection.verified_at is None:
        return None
    jitter = sha256(f"{row.agency_id}/{row.user_id}".encode()).digest()[0] / 255
    if now - connection.verified_at < timedelta(hours=18 + 12 * jitter):
        return None
    return VerifyDue(
        agency_id=row.agency_id, user_id=row.user_id, ticket=_daily_ticket(connection.verified_at)
    )


def _daily_ticket(verified_at: datetime) -> str:
    return f"daily {verified_at.isoformat()}"


def fold_verify_due(before: Connection, fact: VerifyDue) -> Connection:
    """Note that the daily look is due, once for each look before it; one that somebody asked for covers it.

    A takeover's is due whenever it is told, and leaves the cause of what a look before it found as it is.
    """
    if before.state != "connected" or before.verify is not None or before.verified_at is None:
        return before
    if fact.ticket.startswith(TAKEOVER):
        return before.model_copy(update={"verify": Verify(ticket=fact.ticket)})
    if fact.ticket != _daily_ticket(before.verified_at):
        return before
    return before.model_copy(update={"verify": Verify(ticket=fact.ticket), "default_cause": None})


def fold_trouble(before: Connection, fact: TroubleFound) -> Connection:
    """Note why a lane cannot go on, unless the user has connected again since."""
    if before.connected_at != fact.connected_at or before.released:
        return before
    return before.model_copy(update={"problem": fact.problem})


def fold_release(before: Connection, fact: TokenReleased) -> Connection:
    """Note that the token of an ending is erased; that of a newer connect is not."""
    if before.state == "connected" or before.occurred_at != fact.ended_at:
        return before
    return before.model_copy(update={"released": True, "verify": None, "problem": None})


def blocked_until(connection: Connection, now: datetime) -> datetime | None:
    """Return until when a problem stops the work; `datetime.max` where it does not pass by itself; None: nothing does."""
    problem = connection.problem
    if problem is None or (problem.until is not None and problem.until <= now):
        return None
    return problem.until or datetime.max.replace(tzinfo=now.tzinfo)
