"""Rows of a table as values of one shape.

Comes in: a raw table, a partition, a key. Goes out: rows. Not here: what a row means. Decoded rows are remembered
beside their bytes: rows are frozen, so one value can serve the agent, the lanes and the next fold alike.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel

from streams import tables
from streams.codec import decode, encode_row, json_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faust.types import TableT

Row = TypeVar("Row", bound=BaseModel)

_SLICE = 200


class Repository(Generic[Row]):
    """One table. Reading works anywhere, writing only in the agent whose event owns the partition."""

    def __init__(self, table: TableT[bytes, bytes], kind: type[Row], remembered: int = 1 << 20) -> None:
        """`remembered`: bytes of JSON whose decoded rows are kept; decoded they take about half as much again."""
        self.table = table
        self._kind = kind
        self._most = remembered
        self._size = 0
        self._known: OrderedDict[bytes, tuple[bytes, Row]] = OrderedDict()

    def get(self, partition: int, key: bytes) -> Row | None:
        """Return the row, None where there is none; raises `tables.NotOpen` where the partition is not ours."""
        data = tables.get(self.table, partition, key)
        return None if isinstance(data, tables.Missing) else self._decoded(key, data)

    def put(self, key: bytes, row: Row) -> None:
        """Write the row into the partition of the event under way."""
        data = encode_row(row)
        self.table[key] = data
        self._remember(key, data, row)

    def drop(self, key: bytes) -> None:
        """Remove the row from the partition of the event under way; the changelog is told even if it is gone by now.

        Where the event comes again after a crash, the row may be gone from here and not from there.
        """
        self._known.pop(key, None)
        if key in self.table.data:
            del self.table[key]
        else:
            self.table.on_key_del(key)

    def scan(self, partition: int, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Walk over the raw rows of a partition in key order. No database iterator lives between two items."""
        after: bytes | None = None
        while found := tables.rows(self.table, partition, prefix=prefix, after=after, limit=_SLICE):
            yield from found
            after = found[-1][0]

    def slice(self, partition: int, after: bytes | None, limit: int) -> list[tuple[bytes, Row]]:
        """Return the next rows behind `after`, for a walk that pauses in between."""
        found = tables.rows(self.table, partition, after=after, limit=limit)
        return [(key, self._decoded(key, data, keep=False)) for key, data in found]

    def _decoded(self, key: bytes, data: bytes, *, keep: bool = True) -> Row:
        known = self._known.get(key)
        if known is not None and known[0] == data:
            self._known.move_to_end(key)
            return known[1]
        row = decode(self._kind, data)
        if keep:
            self._remember(key, data, row)
        return row

    def _remember(self, key: bytes, data: bytes, row: Row) -> None:
        if (before := self._known.pop(key, None)) is not None:
            self._size -= json_size(before[0])
        self._known[key] = (data, row)
        self._size += json_size(data)
        while self._size > self._most and len(self._known) > 1:
            _, (oldest, _) = self._known.popitem(last=False)
            self._size -= json_size(oldest)
