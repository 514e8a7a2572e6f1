"""How far the workers are: who works, and which messages of a user's or a calendar's way wait.

In: topics and the group's commits. Out: `Flow`, and the messages that nobody has taken in yet. Not here: a worker's own
`/metrics`; nobody is asked but Kafka.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.structs import TopicPartition

from planning.grounds import place_of
from schemas.explanations import Flow, Unread
from schemas.facts import (
    Connected,
    Deactivated,
    Disconnected,
    PublicationChanged,
    ShiftsChanged,
)
from streams import codec
from streams.rebuild import DONE
from streams.search import reading_of, spoken_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from schemas.explanations import Evidence
    from schemas.facts import CalendarFact, UserFact
    from streams.lookup import Lookup, Range
    from streams.names import Names

#: So many messages are named, the newest.
_MOST = 5


async def waiting(
    lookup: Lookup, names: Names, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, Range]:
    """Return what of these partitions the workers have still to process."""
    committed = await lookup.cluster.committed(names.app_id, partitions)
    ranges = await lookup.ranges(partitions)
    left = {tp: (max(start, committed.get(tp, start)), end) for tp, (start, end) in ranges.items()}
    return {tp: (begin, end) for tp, (begin, end) in left.items() if begin < end}


def count(ranges: dict[TopicPartition, Range]) -> int:
    """Count the offsets in these ranges."""
    return sum(end - begin for begin, end in ranges.values())


async def members(lookup: Lookup, names: Names) -> int | None:
    """Count the workers, None where the broker cannot tell."""
    try:
        return await lookup.cluster.members(names.app_id)
    except IncompatibleBrokerVersion:
        return None


async def is_rebuilt(lookup: Lookup, names: Names) -> bool:
    """Say whether the state was complete once."""
    records = await lookup.cluster.read(TopicPartition(names.rebuild, 0))
    return any(key == DONE.encode() and value for key, value in records)


async def flow_of(lookup: Lookup, names: Names, known: Evidence) -> Flow:
    """Return how far the workers are with this calendar and this user."""
    inputs = [tp for topic in names.inputs for tp in lookup.all_of(topic)]
    user = lookup.home(names.user_facts, codec.key(known.agency_id, known.user_id))
    calendar = None
    if known.calendar_id is not None:
        calendar = lookup.home(names.calendar_facts, codec.key(known.agency_id, known.calendar_id))
    left = await waiting(lookup, names, [*inputs, user, *([calendar] if calendar else [])])
    begin, end = left.get(user, (0, 0))
    first, last = left.get(calendar, (0, 0)) if calendar else (0, 0)
    return Flow(
        workers=await members(lookup, names),
        rebuilt=await is_rebuilt(lookup, names),
        inputs=count({tp: found for tp, found in left.items() if tp in inputs}),
        calendar_facts=last - first,
        user_facts=end - begin,
    )


async def unread(lookup: Lookup, names: Names, known: Evidence) -> tuple[Unread, ...]:
    """Find the newest messages about the shift, its calendar or the user that no worker has taken in."""
    inputs = [tp for topic in names.inputs for tp in lookup.all_of(topic)]
    found: list[Unread] = []
    async for piece in lookup.pieces(await waiting(lookup, names, inputs)):
        for record in reversed(spoken_of(piece, known.agency_id)):
            reading = reading_of(record, names)
            for fact in reading.calendar_facts:
                found += _of_calendar(fact, known)
            for told in reading.user_facts:
                found += _of_user(told, known)
        if len(found) >= _MOST:
            break
    return tuple(found[:_MOST])


def _of_calendar(fact: CalendarFact, known: Evidence) -> Iterator[Unread]:
    if fact.agency_id != known.agency_id or known.calendar_id not in {None, fact.calendar_id}:
        return
    match fact:
        case ShiftsChanged():
            since = known.assignment.version if known.assignment else -1
            for said in fact.messages:
                for change in said.changes:
                    if change.shift_id == known.shift_id and change.version > since:
                        yield Unread(about="shift", message=place_of(said.cause, change.version))
        case PublicationChanged() if known.calendar_id is not None:
            publication = known.publication
            last = -1 if publication is None or publication.version is None else publication.version
            if fact.version > last:
                yield Unread(about="calendar", message=place_of(fact.cause, fact.version))
        case _:
            return


def _of_user(fact: UserFact, known: Evidence) -> Iterator[Unread]:
    if not isinstance(fact, Connected | Disconnected | Deactivated):
        return
    if (fact.agency_id, fact.user_id) != (known.agency_id, known.user_id):
        return
    since = known.row.connection.occurred_at if known.row else None
    if since is None or fact.cause.occurred_at > since:
        yield Unread(about="user", message=place_of(fact.cause))
