"""Looking at the topics while other workers go on: nothing of that is mistaken for lost state."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, cast

import pytest
from aiokafka.structs import TopicPartition

from streams.lost_state import StateLost
from streams.names import Names
from streams.rebuild import Rebuild

NAMES = Names(prefix="t.")


class Moving:
    """A cluster in which records are written, processed and deleted between any two questions."""

    def __init__(self, written: int = 10, processed: int = 10, deleted: int = 0) -> None:
        self.written, self.processed, self.deleted = written, processed, deleted
        self.moves = True

    def _go_on(self) -> None:
        if self.moves:
            self.written += 5
            self.deleted, self.processed = self.processed, self.written

    async def read(self, _tp: TopicPartition) -> list[tuple[bytes, bytes]]:
        return []

    async def partition_counts(self) -> dict[str, int]:
        return dict.fromkeys((*NAMES.inputs, *NAMES.internal, *NAMES.changelogs), 1)

    async def starts(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self._go_on()
        internal = set(NAMES.internal)
        return {tp: self.deleted if tp.topic in internal else 0 for tp in partitions}

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self._go_on()
        return dict.fromkeys(partitions, self.written)

    async def committed(
        self, _group: str, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]:
        self._go_on()
        return dict.fromkeys(partitions, self.processed)


def rebuild(cluster: Moving) -> Rebuild:
    return Rebuild(cast("Any", cluster), cast("Any", None), NAMES)


async def test_a_start_beside_workers_that_go_on() -> None:
    """What they process and delete while we ask is neither a topic made anew nor a record that was never read."""
    await rebuild(Moving()).begin()


async def test_more_was_processed_than_there_is() -> None:
    """That is a topic made anew, even if nothing moves."""
    cluster = Moving(written=31, processed=32)
    cluster.moves = False
    with pytest.raises(StateLost, match="ends at offset 31, but 32"):
        await rebuild(cluster).begin()


async def test_records_were_deleted_before_they_were_processed() -> None:
    """That is refused, even if nothing moves."""
    cluster = Moving(written=31, processed=10, deleted=11)
    cluster.moves = False
    with pytest.raises(StateLost, match="up to offset 11 were deleted"):
        await rebuild(cluster).begin()
