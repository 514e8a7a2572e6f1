"""Faust's memory store, knowing for every row which partition wrote it.

In: what the table writes and recovers. Out: rows of one partition. Not here: anything on disk; for tests and the demo.
Faust's own notes the partition of recovered rows only: rows written live would survive the loss of their partition.
"""

from __future__ import annotations

from collections.abc import Iterator

from faust.stores import STORES, memory
from faust.streams import current_event

SCHEME = "partitioned"


class Store(memory.Store):
    """Rows of all partitions in one dict, and the partition of each."""

    def __setitem__(self, key: bytes, value: bytes) -> None:
        event = current_event()
        if event is None:
            raise TypeError(
                "a table is written by the agent whose event owns the partition, and by nobody else"
            )
        self._key_partition[key] = event.message.partition
        super().__setitem__(key, value)

    def __delitem__(self, key: bytes) -> None:
        super().__delitem__(key)
        self._key_partition.pop(key, None)

    def size(self) -> tuple[int, int]:
        """Return how many rows there are, and their bytes."""
        return len(self.data), sum(len(key) + len(value) for key, value in self.data.items())

    def get_in(self, partition: int, key: bytes) -> bytes | None:
        """Read a row if it is of this partition."""
        found: bytes | None = self.data.get(key) if self._key_partition.get(key) == partition else None
        return found

    def rows_in(self, partition: int, first: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Walk a partition in key order from `first` on."""
        keys = sorted(key for key, home in self._key_partition.items() if home == partition and key >= first)
        return ((key, self.data[key]) for key in keys)


STORES.aliases[SCHEME] = f"{__name__}:Store"
