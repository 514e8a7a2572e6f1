"""Which offset each agent must see next, and how far it has come.

In: where the consumer was sought to, and every offset an agent is handed. Out: may it be taken, or does it jump over records;
`processed` for gates and lag. Not here: acks, bodies, Faust.

A process that was frozen may have lost its partitions without having heard of it, while records of before stand in its queues.
To fold them would write old rows over those of the new owner, in the changelog too: it waits until it can know.

Why: Faust can lose fetched records while a rebalance ends and commits over them afterwards. A jump found here ends the worker
before the ack, so the records come again. Internal topics are written by one idempotent producer without transactions and are
not compacted, so every jump is a loss; inputs have honest ones (compaction, transaction markers), told apart by reading.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from streams.errors import ContinuityBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiokafka.structs import TopicPartition

log = logging.getLogger(__name__)
POLL_S = 0.02


class Probe(Protocol):
    """Looks into a range of offsets; `streams.cluster.Cluster` is one."""

    async def first_record(self, tp: TopicPartition, start: int, stop: int) -> int | None:
        """Find the first offset in [start, stop) that holds a record."""


class Continuity:
    """Next expected and processed offsets of the partitions owned now."""

    def __init__(
        self, probe: Probe, internal: frozenset[str], is_fresh: Callable[[], bool] = lambda: True
    ) -> None:
        """`is_fresh`: whether this process has been running all along, as far as it can know."""
        self._probe = probe
        self._internal = internal
        self._is_fresh = is_fresh
        self._leaving = False
        self._left = -1
        self._next: dict[TopicPartition, int] = {}
        self._processed: dict[TopicPartition, int] = {}
        self.epoch = 0

    @property
    def processed(self) -> Mapping[TopicPartition, int]:
        """Offset after the last acked one; before the first ack where the consumer was sought to."""
        return self._processed

    def sought(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Start from the committed offsets. No commit means everything from offset 0 on is ours to see.

        Faust may seek twice within one assignment, or while the last one ends. What was handed out in between was handled, and
        what is committed is not handed out again: the highest offset stands.
        """
        for tp, committed in offsets.items():
            self._next[tp] = max(self._next.get(tp, 0), committed or 0)
            self._processed[tp] = max(self._processed.get(tp, 0), committed or 0)

    def leaving(self) -> None:
        """Note that a rebalance has begun."""
        self._leaving = True

    async def still_ours(self) -> bool:
        """Wait until a process that was frozen knows whether its partitions are still its own; false: they are being given up."""
        epoch = self.epoch
        # What was left once must not be jumped over, even if this process trusts itself again before it gives them up.
        while self._left == epoch or not self._is_fresh():
            if self._leaving or self.epoch != epoch:
                self._left = epoch
                return False
            await asyncio.sleep(POLL_S)
        return True

    def revoked(self) -> None:
        """Forget everything: the next assignment seeks anew, often back by what was acked and not yet committed."""
        self.epoch += 1
        self._leaving = False
        self._next.clear()
        self._processed.clear()

    def follows(self, tp: TopicPartition, offset: int) -> bool:
        """Take the offset if it is the expected one; anything else goes to `admit`."""
        if self._next.get(tp) != offset:
            return False
        self._next[tp] = offset + 1
        return True

    async def admit(self, tp: TopicPartition, offset: int) -> bool:
        """Judge an offset that is not the expected one: take it, leave it, or raise `ContinuityBroken`."""
        expected = self._next.get(tp)
        if expected is None:
            # Fetched before this assignment's seek, which will bring it again.
            fields = {
                "decision": "left_to_seek",
                "topic": tp.topic,
                "partition": tp.partition,
                "offset": offset,
            }
            log.debug("left: handed out before the seek of its assignment", extra=fields)
            return False
        if offset < expected:
            return (
                True  # a redelivery within the assignment; folding it again is harmless, and it proves no gap
            )
        lost = await self._probe.first_record(tp, expected, offset)
        if lost is None and tp.topic not in self._internal:
            self._next[tp] = max(self._next.get(tp, 0), offset + 1)
            return True
        raise ContinuityBroken(_gap(tp, expected, offset, lost))

    def acked(self, tp: TopicPartition, offset: int) -> None:
        """Note that everything up to and including this offset is done."""
        if offset >= self._processed.get(tp, 0):
            self._processed[tp] = offset + 1


def _gap(tp: TopicPartition, expected: int, offset: int, lost: int | None) -> str:
    where = f"topic {tp.topic} partition {tp.partition}: offset {offset} came where {expected} was expected"
    if lost is None:
        return (
            f"{where}, and the records between were deleted before they were processed; "
            "run `shiftcal topics create` with a new SHIFTCAL_APP_ID to rebuild the state from the input topics"
        )
    return f"{where}, jumping over records that exist (offset {lost}); nothing was acked, start the worker again to read them"
