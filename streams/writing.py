"""A lane's writes: from a plan to calls, and from their answers to one message on `user-facts`.

Comes in: a user's row and what has to be written. Goes out: calls, and `CallsAnswered`. Not here: what has to be written.

A shift is *busy* from the moment its call is planned until its outcome was folded into the row; it is never planned twice
in between, so writes of one event never overlap. Until its call begins, a write *waits*: it can be dropped at no cost,
and is, once the wish is another one or a sooner shift needs the place.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from weakref import ref

from planning import answers
from planning.agenda import Write, agenda
from planning.answers import Attempt, Unsettled
from planning.identity import shift_key
from planning.urgency import place
from schemas.errors import GoogleForNow, GrantLost, NotAdmitted, QuotaExhausted, RateLimited
from schemas.facts import CallsAnswered
from streams.desk import Closed

if TYPE_CHECKING:
    from planning.agenda import Agenda
    from planning.urgency import Place
    from schemas.answers import Answer
    from schemas.mutations import Mutation
    from schemas.outcomes import Outcome
    from schemas.rows import UserRow
    from streams.care import Care
    from streams.desk import Desk, Session
    from streams.quota import Permit
    from streams.traces import Trace
    from streams.tracing import Write as Traced

#: Later than any offset: the call is under way, or its outcome not delivered yet.
UNKNOWN = float("inf")

#: How long an answer waits for those of the same user's other calls, in seconds: less than one call takes at Google.
GATHER_S = 0.02

#: How long places in the queue are good for: what is not soon becomes it with time.
PLACES_HOLD = timedelta(seconds=1)


class Writing:
    """The writes of one lane."""

    def __init__(self, desk: Desk, care: Care, partition: int, key: bytes) -> None:
        self._desk, self._care, self._partition, self._key = desk, care, partition, key
        #: By shift: the offset at which its outcome is folded, UNKNOWN before it is delivered.
        self._busy: dict[str, float] = {}
        self._writes: dict[str, asyncio.Task[Outcome | None]] = {}
        self._waiting: dict[str, Place] = {}  # by shift: its place in the queue for permits
        self._answered: list[tuple[str, Outcome]] = []
        self._traces: dict[str, Trace | None] = {}  # by shift: whose trace its outcome belongs to
        self._report: asyncio.Task[None] | None = None
        self._folded = -1
        self._row: ref[UserRow] | None = None  # it is large, and this may wait for long
        self._planned: tuple[Mutation, ...] = ()
        self._todo: dict[str, Mutation] = {}
        self._order: tuple[tuple[Mutation, ...], datetime, list[tuple[Place, str, Mutation]]] | None = None
        #: Shifts whose write may have been made, though no answer told how it ended.
        self._unsure: set[str] = set()
        #: Reports that are told and not folded yet, as counted at the desk; None: they are counted no more.
        self._reports: int | None = 0
        self.was_cut = False

    @property
    def unsure(self) -> frozenset[str]:
        """Return the shifts about which a call may have been made whose outcome the row does not hold."""
        return frozenset(self._unsure.union(name for name in self._busy if name not in self._writes))

    def inherit(self, mutations: tuple[Mutation, ...]) -> None:
        """Take over what was planned before this worker had the user: its last owner may have made any of it."""
        self._unsure.update(shift_key(m.calendar_id, m.shift_id) for m in mutations)

    def saw(self) -> None:
        """Be sure again: everything that stands at Google was looked at."""
        self._unsure.clear()

    @property
    def busy(self) -> bool:
        """Say whether anything was begun whose outcome the row does not hold yet."""
        return bool(self._busy)

    @property
    def _untold(self) -> int:
        """Return how many calls a crash would repeat: a call that is answered counts until its outcome is delivered."""
        return sum(told == UNKNOWN for told in self._busy.values())

    def folded(self, offset: int) -> None:
        """Note that the row holds everything up to this offset of `user-facts`."""
        self._folded = max(self._folded, offset)
        for name in [name for name, told in self._busy.items() if told <= self._folded]:
            del self._busy[name]
        self._count_reports()

    def _count_reports(self, under_way: int = 0) -> None:
        """Keep the desk's count of reports that wait to be folded: each is one message, whatever it tells."""
        if self._reports is not None:
            reports = under_way + len({told for told in self._busy.values() if told != UNKNOWN})
            self._desk.reports += reports - self._reports
            self._reports = reports

    def leave(self) -> None:
        """Wait for no report any more, of calls that are still under way neither: the lane has ended."""
        self._desk.reports -= self._reports or 0
        self._reports = None

    def agenda(self, row: UserRow) -> Agenda:
        """Return what comes next for this user; what waits compares itself with it."""
        todo = agenda(row, self._desk.policies.of(row.agency_id), datetime.now(UTC))
        self._row = ref(row)
        mutations = todo.mutations if isinstance(todo, Write) else ()
        if mutations is not self._planned:
            self._planned, self._todo = mutations, {m.event_id: m for m in mutations}
        return todo

    def begin(self, row: UserRow, mutations: tuple[Mutation, ...]) -> None:
        """Begin as many writes as may be under way at once, the soonest shifts."""
        room = self._desk.calls_at_once - self._untold
        if room <= 0 and not self._waiting:
            return  # every place is taken by a call under way: nothing to begin, nothing to drop
        who: UserRow | None = None
        for at, name, mutation in self._in_order(row, mutations):
            if self._is_called(name):
                continue
            if name in self._busy:
                if at < self._waiting.get(name, at):
                    self._drop(name)  # it was moved to a sooner day, and takes a new place in the queue
            elif room > 0:
                room -= 1
                who = who or row.without_shifts()
                self._busy[name], self._waiting[name] = UNKNOWN, at
                task = self._writes[name] = asyncio.create_task(self._carry_out(who, name, mutation))
                task.add_done_callback(partial(self._written, name))
            else:
                self._make_room(at)
                return

    def _in_order(self, row: UserRow, mutations: tuple[Mutation, ...]) -> list[tuple[Place, str, Mutation]]:
        """Return the mutations in the order of their places; that of one plan is good for a second."""
        now = datetime.now(UTC)
        if self._order is None or self._order[0] is not mutations or now - self._order[1] > PLACES_HOLD:
            found = [(place(m, row, now), shift_key(m.calendar_id, m.shift_id), m) for m in mutations]
            self._order = (mutations, now, sorted(found, key=itemgetter(0)))
        return self._order[2]

    def _is_called(self, name: str) -> bool:
        """Say whether the call was begun and its outcome is not folded yet: there is nothing to decide about it."""
        return name in self._busy and name not in self._waiting

    def drop_waiting(self) -> None:
        """Give up every write whose call has not begun."""
        for name in list(self._waiting):
            self._drop(name)

    async def drain(self, seconds: float) -> None:
        """End: what waits is dropped, what is under way at Google gets so long to be answered and reported."""
        self.drop_waiting()
        try:
            async with asyncio.timeout(seconds):
                while tasks := self._tasks():
                    await asyncio.wait(tasks)
        except TimeoutError:
            self.was_cut = True
            while tasks := self._tasks():
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

    def _tasks(self) -> list[asyncio.Task[Any]]:
        return [*self._writes.values(), *([self._report] if self._report else [])]

    def _make_room(self, at: Place) -> None:
        """Drop the latest of those that wait, where a sooner one has no place: it might wait for an hour behind them."""
        latest = max(self._waiting, key=self._waiting.__getitem__, default=None)
        if latest is not None and self._waiting[latest] > at:
            self._drop(latest)

    def _drop(self, name: str) -> None:
        del self._waiting[name]
        self._writes[name].cancel()

    # One write

    async def _carry_out(self, who: UserRow, name: str, mutation: Mutation) -> Outcome | None:
        traced, outcome = self._desk.tracing.write(self._key), None
        try:
            outcome = await self._care.of(who, self._write(who, name, mutation, traced))
        finally:
            self._traces[name] = traced.trace
            traced.came_to(outcome)
        return outcome

    async def _write(self, who: UserRow, name: str, mutation: Mutation, traced: Traced) -> Outcome | None:
        """Carry one mutation out, and return what it came to; None where it was not made."""
        attempt: Attempt | None = None
        permit: Permit | None = None
        try:
            session = await self._desk.session(who)
            while self._newest(mutation, attempt) is not None:
                queued_at = self._waiting[name]
                try:
                    async with self._desk.permit(session, queued_at, permit) as permit:
                        newest = self._newest(mutation, attempt)
                        if newest is None:
                            permit.unused()
                            break  # the wish changed while this waited; the next plan knows
                        mutation, begun = newest, attempt or answers.begin(newest)
                        del self._waiting[name]
                        with traced.calling(mutation):
                            answer = await self._call(name, session, begun)
                except RateLimited as error:
                    self._desk.hindered(error)
                    self._waiting[name] = queued_at  # it was not made, and waits on where it stood
                    continue
                step = answers.proceed(begun, answer, datetime.now(UTC))
                if isinstance(step, Unsettled):
                    raise GoogleForNow("unsettled", "Google's answers about one event do not fit together")
                if not isinstance(step, Attempt):
                    self._care.patience.succeeded()
                    return step
                attempt = step
                self._waiting[name] = queued_at
        finally:
            self._waiting.pop(name, None)
        return None

    async def _call(self, name: str, session: Session, attempt: Attempt) -> Answer:
        """Make one call. From here until its outcome is told nobody can know what stands there."""
        unsure = name in self._unsure
        self._unsure.add(name)
        try:
            return await self._desk.call(session, attempt.call)
        except (Closed, GrantLost, NotAdmitted, QuotaExhausted, RateLimited):
            if not unsure:
                self._unsure.discard(name)  # it was not made, that much is sure
            raise

    def _newest(self, mutation: Mutation, attempt: Attempt | None) -> Mutation | None:
        """Return what is to be written of this event by now; None: nothing, or something else than what is under way."""
        row = self._desk.rows.get(self._partition, self._key)
        if row is None or self._care.closing or (attempt is None and self._care.patience.left > 0):
            return None
        if self._row is None or row is not self._row():
            self.agenda(row)
        newest = self._todo.get(mutation.event_id)
        same = newest is not None and (newest.op == mutation.op if attempt is None else newest == mutation)
        return newest if same else None

    def _written(self, name: str, task: asyncio.Task[Outcome | None]) -> None:
        """Whatever became of the write: a task that was cancelled before it began never came to run a line of its own."""
        del self._writes[name]
        self._waiting.pop(name, None)
        outcome = None if self._failed(task) else task.result()
        if outcome is None:
            del self._busy[name]
            self._traces.pop(name, None)
        else:
            self._unsure.discard(name)
            self._answered.append((name, outcome))
            self._tell_answers()
        self._care.wake()

    # Reports

    def _tell_answers(self) -> None:
        """Say what came of calls; answers that come while one message is under way share the next."""
        if self._report is None and self._answered:
            self._report = asyncio.create_task(self._tell())
            self._report.add_done_callback(self._told)

    async def _tell(self) -> None:
        # Each message is folded, and each fold writes the user's row: calls that are about to be answered share it.
        if calling := [task for name, task in self._writes.items() if name not in self._waiting]:
            await asyncio.wait(calling, timeout=GATHER_S)
        batch, self._answered = self._answered, []
        agency_id, user_id = self._key.decode().split("/")
        outcomes = tuple(outcome for _, outcome in batch)
        fact = CallsAnswered(agency_id=agency_id, user_id=user_id, outcomes=outcomes)
        self._count_reports(under_way=1)
        offset = await self._desk.tell(self._key, fact, [self._traces.pop(name, None) for name, _ in batch])
        self._busy |= {name: offset for name, _ in batch}
        self.folded(self._folded)

    def _told(self, task: asyncio.Task[None]) -> None:
        self._report = None
        if not self._failed(task):
            self._tell_answers()
        self._care.wake()

    def _failed(self, task: asyncio.Task[Any]) -> bool:
        """Say whether the task has no result; an error that nobody has taken care of is a bug, and ends the worker."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._desk.fail(error)
            return True
        return task.cancelled()
