"""The three agents: decode, load, decide, store, send.

Comes in: events of the input topics, of `calendar-facts` and of `user-facts`. Goes out: sends, table rows, and wakes
for the lanes. Not here: any decision about calendars; those are `planning`'s.

Each body takes the events that wait together (of one partition, where it writes rows), hands over its sends and returns
their deliveries; the events are acked after them (`streams.each`). Nothing in an agent ever waits for Google.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from planning import calendars, forgetting, users
from planning.gathering import gathered
from planning.intake import Source, broker_time, read
from schemas.facts import CalendarReleased, Forgotten, PublicationChanged, ShiftsChanged
from schemas.rows import AssignmentRow, PublicationRow, RosterRow, UserRow
from streams import codec, decisions
from streams.each import Manner, by_key, in_parts
from streams.repository import Repository
from streams.traces import headers, headers_of
from streams.turns import MESSAGE_S, Breath, step_by_step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Hashable, Iterator, Mapping, Sequence

    from faust.types import EventT, Message

    from planning.intake import Reading
    from schemas.facts import CalendarFact, UserFact
    from schemas.policy import Policies
    from streams.faustapp import App
    from streams.lanes import Lanes
    from streams.metrics import Metrics
    from streams.names import Names
    from streams.sender import Sender
    from streams.traces import Trace
    from streams.tracing import Tracing

    Deliveries = Sequence[Awaitable[object]]

#: A mass modify yields to the loop after so many rows, so that heartbeats and lanes go on.
YIELD_EVERY = 100

#: JSON of the users' rows that are kept decoded, in bytes: some 25,000 shifts. A lane looks at its row at every turn.
REMEMBERED = 16 << 20

#: Facts are compressed, tenfold where a thousand shifts change alike. The more of a user's facts wait together, the less each of
#: them costs: in a burst 1,000 at a time give 1.2 times the changes a second that 32 do.
FOLDING = Manner(most=2_000, together=1_000, weigh=codec.json_size)

_UNTRACED: Mapping[Hashable, Trace] = MappingProxyType({})

#: Intake writes no row, and a message costs it little: as many as Faust lets wait, of all topics.
TOGETHER = Manner(most=1_000, together=1_000, apart=False)


class Tools(NamedTuple):
    """What every agent works with. Facts go by `sender`, at once; what the world is told goes by `teller`, in company."""

    app: App
    names: Names
    sender: Sender
    teller: Sender
    metrics: Metrics
    tracing: Tracing


def now() -> datetime:
    """Return the time, for decisions that depend on it."""
    return datetime.now(UTC)


def source_of(event: EventT[Any], names: Names) -> Source:
    """Return where an input record stood."""
    message = event.message
    return Source(
        name=message.topic.removeprefix(names.prefix),
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        at=broker_time(message.timestamp),
        key=message.key,
        value=message.value,
        headers=tuple(message.headers or ()),
    )


async def hand_over(
    reading: Reading, sender: Sender, names: Names, known: Mapping[Hashable, Trace] = _UNTRACED
) -> Deliveries:
    """Send what a message came to: facts re-keyed to the internal topics, the rest to the dead letters."""
    sent: list[Awaitable[object]] = []
    for fact in reading.calendar_facts:
        key = codec.key(fact.agency_id, fact.calendar_id)
        sent.append(await sender.send(names.calendar_facts, key, codec.encode(fact), headers_of(fact, known)))
    for told in reading.user_facts:
        key = codec.key(told.agency_id, told.user_id)
        sent.append(await sender.send(names.user_facts, key, codec.encode(told), headers_of(told, known)))
    for letter in reading.letters:
        place = (letter.source_topic, letter.source_partition, letter.source_offset)
        all_of = [*letter.headers(), *headers([known.get(place)])]
        sent.append(await sender.send(names.dead_letters, letter.key, letter.value, all_of))
    return sent


def define_intake(tools: Tools) -> None:
    """Validate, dead-letter, re-key. No state, so input topics may be partitioned as their producers like."""

    async def intake(events: Sequence[EventT[Any]]) -> Deliveries:
        readings: list[Reading] = []
        known: dict[Hashable, Trace] = {}
        for count, event in enumerate(events, 1):
            source = source_of(event, tools.names)
            with tools.tracing.reading(source, known):
                readings.append(read(source))
                tools.metrics.took_in(source.name, readings[-1])
                decisions.took_in(readings[-1])
                tools.tracing.read(readings[-1])
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)
        return await hand_over(gathered(readings), tools.sender, tools.names, known)

    tools.app.raw_agent(tools.names.inputs, intake, name="intake", manner=TOGETHER)


class Calendars:
    """The three tables of the calendars agent."""

    def __init__(self, app: App) -> None:
        self.publications = Repository(app.raw_table("publications"), PublicationRow)
        self.assignments = Repository(app.raw_table("assignments"), AssignmentRow, 1 << 16)
        self.rosters = Repository(app.raw_table("rosters"), RosterRow, 4 << 20)


class CalendarRows:
    """The rows of one calendar, as `planning.calendars` reads them."""

    def __init__(self, tables: Calendars, partition: int, calendar: bytes) -> None:
        self._tables, self._partition, self._calendar = tables, partition, calendar

    def key(self, name: str) -> bytes:
        """Return the key of a shift's or a user's row in this calendar."""
        return self._calendar + b"/" + name.encode()

    def publication(self) -> PublicationRow | None:
        """Return the calendar's publication."""
        return self._tables.publications.get(self._partition, self._calendar)

    def assignment(self, shift_id: str) -> AssignmentRow | None:
        """Return who has the shift."""
        return self._tables.assignments.get(self._partition, self.key(shift_id))

    def roster(self, user_id: str) -> RosterRow | None:
        """Return the user's shifts."""
        return self._tables.rosters.get(self._partition, self.key(user_id))

    async def store(self, folded: calendars.Folded) -> None:
        """Write what a fact has changed."""
        if folded.publication is not None:
            self._tables.publications.put(self._calendar, folded.publication)
        for count, (user, roster) in enumerate(folded.rosters.items(), 1):
            self._tables.rosters.put(self.key(user), roster)
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)
        for count, (shift, row) in enumerate(folded.assignments.items(), 1):
            self._tables.assignments.put(self.key(shift), row)
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    def members(self) -> Iterator[str]:
        """Walk over everybody who ever had a shift here: whoever has a roster, an empty one too."""
        prefix = self._calendar + b"/"
        for key, _ in self._tables.rosters.scan(self._partition, prefix):
            yield key[len(prefix) :].decode()


def define_calendars(tools: Tools) -> Calendars:
    """Fold changes and publications into rows; tell each affected user the calendar's whole contribution."""
    tables = Calendars(tools.app)

    async def fold(events: Sequence[EventT[Any]]) -> Deliveries:
        return await in_parts(events, fold_one, tools.app.continuity)

    async def fold_one(event: EventT[Any]) -> Deliveries:
        fact = codec.calendar_fact(event.message.value)
        with tools.tracing.folding(event, fact) as known:
            return await fold_fact(event.message, fact, known)

    async def fold_fact(message: Message, fact: CalendarFact, known: Mapping[Hashable, Trace]) -> Deliveries:
        rows, breath = CalendarRows(tables, message.partition, message.key), Breath(MESSAGE_S)
        match fact:
            case ShiftsChanged():
                steps = calendars.fold_shifts(fact, message.offset, rows, now())
            case PublicationChanged():
                steps = calendars.fold_standing(fact, message.offset, rows, now())
            case CalendarReleased():
                steps = calendars.fold_release(fact, message.offset, rows)
        folded = await step_by_step(steps, breath)
        tools.metrics.folded(folded)
        decisions.folded_calendar(folded, fact, message)
        sent: list[Awaitable[object]] = []
        for told in folded.contributions:
            key = codec.key(told.agency_id, told.user_id)
            traced = headers_of(told, known)
            sent.append(await tools.sender.send(tools.names.user_facts, key, codec.encode(told), traced))
            await breath.draw()
        await rows.store(folded)
        return sent

    tools.app.raw_agent([tools.names.calendar_facts], fold, name="calendars", manner=FOLDING)
    return tables


async def _forget(tools: Tools, table: Repository[UserRow], user: bytes) -> Deliveries:
    """Drop the row, and the status with it."""
    table.drop(user)
    tools.metrics.crowd.note(user, None, 0)
    return [await tools.teller.send(tools.names.status, user, None)]


async def _tell(
    tools: Tools, key: bytes, folded: users.Folded, known: Mapping[Hashable, Trace]
) -> Deliveries:
    """Tell results, each in the trace of its call, and the status."""
    sent: list[Awaitable[object]] = []
    for result in folded.results:
        traced = headers([tools.tracing.telling(tools.names.results, known.get(result.google_event_id))])
        sent.append(await tools.teller.send(tools.names.results, key, codec.plain(result), traced))
    if folded.status is not None:
        sent.append(await tools.teller.send(tools.names.status, key, codec.plain(folded.status)))
    return sent


def define_users(
    tools: Tools, table: Repository[UserRow], lanes: Lanes, policies: Policies, cooldown: timedelta
) -> None:
    """Fold everything about a user, in one order; tell results and status; wake the user's lane."""

    async def fold(events: Sequence[EventT[Any]]) -> Deliveries:
        return await in_parts(by_key(events), fold_user, tools.app.continuity)

    async def fold_user(events: Sequence[EventT[Any]]) -> Deliveries:
        last = events[-1].message
        key = last.key
        sent: list[Awaitable[object]] = []
        records = [codec.user_record(event.message.value) for event in events]
        with tools.tracing.folding_user(events, records) as known:
            for some in forgetting.runs(records):
                before = table.get(last.partition, key)
                if isinstance(some, Forgotten):
                    sent += await _forget(tools, table, key) if forgetting.goes(before, some) else ()
                elif facts := forgetting.worth_folding(before, some):
                    folded = await fold_facts(last.partition, key, before, facts)
                    decisions.folded_user(before, facts, folded, last)
                    sent += await _tell(tools, key, folded, known)
            lanes.folded(last.partition, key, last.offset)
        return sent

    async def fold_facts(
        partition: int, key: bytes, before: UserRow | None, facts: Sequence[UserFact]
    ) -> users.Folded:
        unsure = lanes.unsure(partition, key)
        terms = users.Terms(policies.of(facts[0].agency_id), now(), cooldown, unsure)
        folded = users.fold_all(before, facts, terms)
        # Until the gate opens this may be a redelivery whose row was written, but not its changelog record or its status.
        again = not lanes.is_open(partition)
        if again or folded.row != before:
            table.put(key, folded.row)
        tools.metrics.told(folded)
        tools.metrics.crowd.note(key, folded.row.status, folded.held)
        tools.tracing.folded(key, before, facts, folded.row)
        return folded._replace(status=folded.status or (folded.row.status if again else None))

    tools.app.raw_agent([tools.names.user_facts], fold, name="users", manner=FOLDING)
