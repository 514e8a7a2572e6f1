"""The topic of dead letters, read and sent back from.

In: which letters are meant. Out: those letters, and records for the topics they came from. No terminal here.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from aiokafka.structs import TopicPartition

from schemas.errors import OperatorError
from streams.kafka import reading, sending
from streams.letters import Letter, Number, letter, redriven
from streams.reach import names_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streams.settings import Settings


class Wanted(NamedTuple):
    """Which letters are meant."""

    reason: str | None
    source: str | None

    def has(self, found: Letter) -> bool:
        """Whether this letter is."""
        return self.reason in {None, found.reason} and self.source in {None, found.source}


async def redrive(settings: Settings, chosen: list[tuple[Letter, bytes]]) -> None:
    """Send each payload to the topic that its letter came from."""
    names = names_of(settings)
    if chosen:
        async with sending(settings, sorted({each.source for each, _ in chosen})) as sender:
            for each, payload in chosen:
                await sender.deliver(each.source, each.key, payload, redriven(each, names))


async def _each(settings: Settings, wanted: Wanted) -> AsyncIterator[Letter]:
    topic = names_of(settings).dead_letters
    async with reading(settings, [topic]) as reader:
        async for record in reader.everything(topic):
            if wanted.has(found := letter(record)):
                yield found


async def everything(settings: Settings, wanted: Wanted) -> list[Letter]:
    """Every letter that is meant, oldest first."""
    return sorted([each async for each in _each(settings, wanted)], key=lambda each: (each.at, each.number))


async def newest(settings: Settings, wanted: Wanted, limit: int) -> list[Letter]:
    """The newest so many of them, oldest first."""
    # By partition: a partition is in order of time, all of them together are not. Without payloads: they may be large.
    newest: dict[int, deque[Letter]] = {}
    async for each in _each(settings, wanted):
        kept = newest.setdefault(each.number.partition, deque(maxlen=limit))
        kept.append(each._replace(value=None))
    letters = sorted(
        (each for kept in newest.values() for each in kept), key=lambda each: (each.at, each.number)
    )
    return letters[-limit:]


async def these(settings: Settings, numbers: list[Number]) -> list[Letter]:
    """The letters with these numbers."""
    topic, found = names_of(settings).dead_letters, []
    async with reading(settings, [topic]) as reader:
        starts, ends = await reader.beginnings(topic), await reader.ends(topic)
        for number in dict.fromkeys(numbers):
            tp = TopicPartition(topic, number.partition)
            if not starts.get(tp, 0) <= number.offset < ends.get(tp, 0):
                raise OperatorError(
                    f"there is no dead letter {number}: `shiftcal dead-letters list` shows their numbers"
                )
            start, end = {tp: number.offset}, {tp: number.offset + 1}
            found += [letter(record) async for record in reader.records(start, end)]
    return found
