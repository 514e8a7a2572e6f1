"""One user's lane: from the user's row to Google and back as outcomes.

Comes in: wakes. Goes out: calls, and facts on `user-facts` that say what they came to. A lane holds nothing that a crash
may lose: what it did not report is planned again, and the deterministic id and `If-Match` make the repetition harmless.

A shift is *busy* from the moment its call is planned until its outcome was folded into the row; it is never planned
twice in between, so writes of one event never overlap.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from gcal.backoff import delay
from planning import answers, problems
from planning.agenda import Look, Release, Rest, Write, agenda, pending
from planning.answers import Attempt, Unsettled
from planning.identity import shift_key
from planning.urgency import urgency
from schemas.errors import CalendarGone, GoogleForNow, GrantLost, OperatorError, QuotaExhausted
from schemas.facts import CallsAnswered, TokenReleased, TroubleFound
from streams.desk import Closed
from streams.look import look
from streams.tables import NotOpen
from vault import TokenUnreadable, VaultUnavailable

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from schemas.answers import Answer
    from schemas.facts import Problem, UserFact
    from schemas.mutations import Mutation
    from schemas.outcomes import Outcome
    from schemas.policy import Policy
    from schemas.rows import UserRow
    from streams.desk import Desk, Session

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Later than any offset: the call is under way, or its outcome not delivered yet.
UNKNOWN = float("inf")

#: How long a lane waits when no call may begin, in seconds; its partition is being given up, or the process was frozen.
CLOSED_S = 0.5

#: What passes by itself: tried again later, with the delay growing.
ForNow = (GoogleForNow, VaultUnavailable, OperatorError)


class Lane:
    """Runs while its user has work; `run` returns when there is none, with the time to ask again if there is one."""

    def __init__(self, desk: Desk, partition: int, key: bytes) -> None:
        self._desk, self._partition, self._key = desk, partition, key
        self._changed = asyncio.Event()
        self._busy: dict[
            str, float
        ] = {}  # by shift: the offset at which its outcome is folded, UNKNOWN before
        self._tasks: set[asyncio.Task[None]] = set()
        self._calling: set[asyncio.Task[None] | None] = set()
        self._answered: list[tuple[str, Outcome]] = []
        self._reporting = False
        self._folded = -1
        self._planned_row: UserRow | None = None
        self._planned: dict[str, Mutation] = {}
        self._failures = 0
        self._not_before = 0.0
        self._closing = False

    # Wakes, from the users agent

    def wake(self) -> None:
        """Look at the row again."""
        self._changed.set()

    def folded(self, offset: int) -> None:
        """Note that the row holds everything up to this offset of `user-facts`."""
        self._folded = max(self._folded, offset)
        self._settle()
        self._changed.set()

    # The life of a lane

    async def run(self) -> datetime | None:
        """Work until there is nothing to do; return when time alone will bring more."""
        while True:
            self._changed.clear()
            try:
                row = self._desk.rows.get(self._partition, self._key)
            except NotOpen:
                return None  # somebody else's by now; wakes again if it comes back
            if row is None:
                return None
            pause = self._not_before - asyncio.get_running_loop().time()
            if pause <= 0 and not self._closing:
                match agenda(row, self._policy(row), datetime.now(UTC)):
                    case Write(mutations=mutations):
                        self._begin(row, mutations)
                    case Rest(until=until) if not self._busy:
                        return until
                    case Look(ticket=ticket) if not self._busy:
                        await self._careful(row, self._look(row, ticket))
                    case Release() as release if not self._busy:
                        await self._careful(row, self._release(row, release))
            await self._wait(pause if pause > 0 else None)

    async def drain(self, deadline: float) -> None:
        """End: what waits is dropped, what is under way at Google gets `deadline` seconds, then is reported."""
        self._closing = True
        for task in self._tasks - self._calling:
            task.cancel()
        while self._tasks or self._answered or self._reporting:
            waiting = list(self._tasks)
            if not waiting:
                await asyncio.sleep(0.005)  # the last report is on its way
                continue
            done, _ = await asyncio.wait(waiting, timeout=deadline)
            if not done:
                for task in waiting:
                    task.cancel()

    # Writing

    def _begin(self, row: UserRow, mutations: tuple[Mutation, ...]) -> None:
        room = self._desk.calls_at_once - len(self._tasks)
        for mutation in mutations:
            name = shift_key(mutation.calendar_id, mutation.shift_id)
            if room > 0 and name not in self._busy:
                room -= 1
                self._busy[name] = UNKNOWN
                self._start(self._carry_out(row, name, mutation))

    async def _carry_out(self, row: UserRow, name: str, mutation: Mutation) -> None:
        outcome = await self._careful(row, self._write(row, mutation))
        if outcome is None:
            del self._busy[name]
        else:
            self._report(name, outcome)

    async def _write(self, row: UserRow, mutation: Mutation) -> Outcome | None:
        """Carry one mutation out, and return what it came to; None where it was not made."""
        session = await self._desk.session(row)
        if session is None:
            await self._found(row, problems.no_token())
            return None
        attempt: Attempt | None = None
        while True:
            async with self._desk.quota.permit(session.account, urgency(mutation)) as permit:
                newest = self._newest(mutation)
                if newest is None or (attempt is not None and newest != mutation):
                    permit.unused()
                    return None  # the wish changed while this waited; the next plan knows
                mutation = newest
                attempt = attempt or answers.begin(mutation)
                answer = await self._call(session, attempt)
            step = answers.proceed(attempt, answer, datetime.now(UTC))
            self._failures = 0
            if isinstance(step, Unsettled):
                raise GoogleForNow("unsettled", "Google's answers about one event do not fit together yet.")
            if not isinstance(step, Attempt):
                return step
            attempt = step

    async def _call(self, session: Session, attempt: Attempt) -> Answer:
        task = asyncio.current_task()
        self._calling.add(task)
        try:
            return await self._desk.call(session, attempt.call)
        finally:
            self._calling.discard(task)

    def _newest(self, mutation: Mutation) -> Mutation | None:
        """Return what is planned for this event by now; None where nothing is."""
        row = self._desk.rows.get(self._partition, self._key)
        if row is None or self._closing:
            return None
        if row is not self._planned_row:
            self._planned_row = row
            self._planned = {m.event_id: m for m in pending(row, self._policy(row), datetime.now(UTC))}
        newest = self._planned.get(mutation.event_id)
        return newest if newest is not None and newest.op == mutation.op else None

    # Reporting

    def _report(self, name: str, outcome: Outcome) -> None:
        """Say what came of a call; answers that come while one message is under way share the next."""
        self._answered.append((name, outcome))
        if not self._reporting:
            self._reporting = True
            self._start(self._reports())

    async def _reports(self) -> None:
        self._calling.add(asyncio.current_task())  # an answer of Google is reported even while the lane ends
        try:
            while self._answered:
                batch, self._answered = self._answered, []
                agency_id, user_id = self._key.decode().split("/")
                outcomes = tuple(outcome for _, outcome in batch)
                fact = CallsAnswered(agency_id=agency_id, user_id=user_id, outcomes=outcomes)
                offset = await self._desk.tell(self._key, fact)
                self._busy |= {name: offset for name, _ in batch}
                self._settle()
        finally:
            self._calling.discard(asyncio.current_task())
            self._reporting = False

    def _settle(self) -> None:
        for name in [name for name, offset in self._busy.items() if offset <= self._folded]:
            del self._busy[name]

    # Looking and releasing

    async def _look(self, row: UserRow, ticket: str) -> None:
        session = await self._desk.session(row)
        if session is None:
            await self._found(row, problems.no_token())
            return
        await self._tell(await look(self._desk, session, row, ticket))

    async def _release(self, row: UserRow, release: Release) -> None:
        """Erase the token, revoke it at Google first where nobody else uses the account, then say so."""
        desk = self._desk
        token = await desk.vault.release(row.agency_id, row.user_id, release.ended_at, release.reason)
        desk.forget(row)
        if token is not None:
            await desk.port.revoke(token.refresh_token)
            await desk.vault.revoked(token.token_id)
        fact = TokenReleased(agency_id=row.agency_id, user_id=row.user_id, ended_at=release.ended_at)
        await self._tell(fact)

    async def _found(self, row: UserRow, problem: Problem) -> None:
        self._desk.forget(row)
        if row.connection.connected_at is None:
            return
        await self._tell(
            TroubleFound(
                agency_id=row.agency_id,
                user_id=row.user_id,
                connected_at=row.connection.connected_at,
                problem=problem,
            )
        )

    async def _tell(self, fact: UserFact) -> None:
        """Send a fact and wait until the row holds it."""
        offset = await self._desk.tell(self._key, fact)
        while self._folded < offset:
            self._changed.clear()
            await self._changed.wait()

    # Care

    async def _careful(self, row: UserRow, work: Coroutine[None, None, T]) -> T | None:
        """Do the work; turn what may go wrong with Google or the grant into a pause or a problem of this user."""
        try:
            return await self._within(row, work)
        except (Closed, NotOpen):
            self._pause(CLOSED_S)
        finally:
            self._changed.set()
        return None

    async def _within(self, row: UserRow, work: Coroutine[None, None, T]) -> T | None:
        try:
            return await work
        except QuotaExhausted as error:
            await self._found(row, problems.quota_exhausted(error, datetime.now(UTC)))
        except ForNow as error:
            self._back_off(error)
        except GrantLost as error:
            await self._found(row, problems.grant_lost(error))
        except CalendarGone as error:
            await self._found(row, problems.calendar_gone(error))
        except TokenUnreadable:
            await self._found(row, problems.unreadable_token())
        return None

    def _back_off(self, error: Exception) -> None:
        retry_after = error.retry_after if isinstance(error, GoogleForNow) else None
        seconds = delay(self._failures, retry_after, random.random())  # noqa: S311 - jitter, not a secret
        self._failures += 1
        self._pause(seconds)
        self._desk.hindered(error)

    def _pause(self, seconds: float) -> None:
        self._not_before = max(self._not_before, asyncio.get_running_loop().time() + seconds)

    async def _wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._desk.fail(error)

    def _policy(self, row: UserRow) -> Policy:
        return self._desk.policies.of(row.agency_id)
