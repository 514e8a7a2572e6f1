"""One user's lane: from the user's row to Google and back as outcomes.

Comes in: wakes. Goes out: calls, and facts on `user-facts` that say what they came to. A lane holds nothing that a crash
may lose: what it did not report is planned again, and the deterministic id and `If-Match` make the repetition harmless.
Writes stand in `writing`, and what may go wrong in `care`.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from planning import problems
from planning.agenda import Release, Rest, Write, pending
from planning.urgency import look_place
from schemas.errors import GoogleForNow
from schemas.facts import TokenReleased
from streams import care
from streams.desk import Closed
from streams.tables import NotOpen
from streams.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from planning.agenda import Agenda
    from planning.urgency import Place
    from schemas.facts import CalendarSeen
    from schemas.mutations import Mutation
    from schemas.rows import UserRow
    from streams.desk import Desk
    from vault import TokenToRevoke


class Lane:
    """Runs while its user has work; `run` returns when there is none, with the time to ask again if there is one."""

    def __init__(self, desk: Desk, partition: int, key: bytes) -> None:
        self._desk, self._partition, self._key = desk, partition, key
        self._changed = asyncio.Event()
        self._care = care.Care(desk, key, self._changed.set)
        self._writing = Writing(desk, self._care, partition, key)
        self._turned_at: datetime | None = None

    # Wakes, from the users agent

    def wake(self) -> None:
        """Look at the row again."""
        self._changed.set()

    def folded(self, offset: int) -> None:
        """Note that the row holds everything up to this offset of `user-facts`."""
        self._writing.folded(offset)
        self._care.folded(offset)
        self._changed.set()

    @property
    def unsure(self) -> frozenset[str]:
        """Return the shifts about which a call may have been made whose outcome is not told."""
        return self._writing.unsure

    @property
    def partition(self) -> int:
        """Return the partition of `user-facts` that holds this user."""
        return self._partition

    @property
    def was_cut(self) -> bool:
        """Say whether the drain ended a call, or its report, before anybody knew what came of it."""
        return self._writing.was_cut

    def inherit(self, mutations: tuple[Mutation, ...]) -> None:
        """Take over what was planned before this worker had the user: its last owner may have made any of it."""
        self._writing.inherit(mutations)

    # The life of a lane

    async def run(self) -> datetime | None:
        """Work until there is nothing to do; return when time alone will bring more."""
        while not self._care.closing:
            self._changed.clear()
            work, pause = None, care.CLOSED_S
            # Else it would be read and planned for nothing, by thousands of lanes, and keep the process from its tick.
            if self._desk.may_call:
                async with self._desk.turns:
                    if (row := self._row()) is None:
                        return None
                    self._notice_turn(row)
                    pause = self._care.patience.left
                    if pause <= 0:
                        todo = self._writing.agenda(row)
                        if isinstance(todo, Rest) and not self._writing.busy:
                            return todo.until
                        work = self._begin(row, todo)
                    del row  # thousands of lanes may wait for their turn at Google
            if work is not None:
                await work
            await self._wait(pause if pause > 0 else None)
        return None

    def _begin(self, row: UserRow, todo: Agenda) -> Awaitable[None] | None:
        """Begin writes, or return what else is to be done."""
        if isinstance(todo, Write):
            self._writing.begin(row, todo.mutations)
            return None
        self._writing.drop_waiting()
        if self._writing.busy or isinstance(todo, Rest):
            return None
        who = row.without_shifts()
        if isinstance(todo, Release):
            return self._care.of(who, self._release(who, todo))
        place = look_place(
            pending(row, self._desk.policies.of(row.agency_id), now := datetime.now(UTC)), row, now
        )
        return self._care.of(who, self._look(who, todo.ticket, place))

    def _notice_turn(self, row: UserRow) -> None:
        """Wait no longer for what was wrong with a connection that has ended, or was made anew."""
        if self._turned_at != row.connection.occurred_at:
            self._turned_at = row.connection.occurred_at
            self._care.patience.forget()

    async def drain(self, seconds: float) -> None:
        """End: what waits is dropped, what is under way at Google gets so long to be answered and reported."""
        self._care.close()
        self._changed.set()
        await self._writing.drain(seconds)

    def leave(self) -> None:
        """Let go of what is not folded yet."""
        self._writing.leave()

    # Looking and releasing

    async def _look(self, who: UserRow, ticket: str, place: Place) -> None:
        # Held by nobody here while it waits to be folded.
        await self._care.tell(await self._seen(who, ticket, place))
        self._writing.saw()

    async def _seen(self, who: UserRow, ticket: str, place: Place) -> CalendarSeen:
        verify = who.connection.verify
        with self._desk.tracing.looking(who, verify.cause if verify else None):
            seen = await self._desk.look(who, self._read, ticket, place)
        self._care.patience.succeeded()
        return seen

    def _read(self) -> UserRow:
        """Return the row as it stands now."""
        if (row := self._row()) is None:
            raise Closed  # forgotten meanwhile, or somebody else's
        return row

    def _row(self) -> UserRow | None:
        try:
            return self._desk.rows.get(self._partition, self._key)
        except NotOpen:
            return None  # somebody else's by now; wakes again if it comes back

    async def _release(self, row: UserRow, release: Release) -> None:
        """Erase the token, revoke it at Google first where nobody else uses the account, then say so."""
        desk = self._desk
        token = await desk.vault.release(row.agency_id, row.user_id, release.ended_at, release.reason)
        desk.forget(row)
        if token is not None:
            await self._revoke(row, token)
        await self._care.tell(
            TokenReleased(agency_id=row.agency_id, user_id=row.user_id, ended_at=release.ended_at)
        )

    async def _revoke(self, row: UserRow, token: TokenToRevoke) -> None:
        try:
            await self._desk.port.revoke(token.refresh_token)
        except GoogleForNow:
            # Said once: that the token is revoked is part of what a status of an ended connection promises.
            if row.connection.problem != (waits := problems.not_revoked()):
                await self._care.tell_problem(row, waits)
            raise
        await self._desk.vault.revoked(token.token_id)

    async def _wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
