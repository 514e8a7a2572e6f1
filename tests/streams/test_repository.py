"""Rows that are remembered are never older than the table's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rows import PublicationRow
from streams import codec, repository, tables
from streams.memory_store import Store
from streams.repository import Repository
from streams.tables import NotOpen


class Table:
    """A raw table over the memory store; `home` is the partition of the event under way."""

    def __init__(self) -> None:
        self.name = "publications"
        self.app = SimpleNamespace(open_partitions={0, 1})
        self.data = Store("partitioned://", cast("Any", None), cast("Any", self), loop=cast("Any", None))
        self.home = 0
        self.tombstones: list[bytes] = []

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.data.data[key] = value
        self.data._key_partition[key] = self.home

    def __delitem__(self, key: bytes) -> None:
        self.on_key_del(key)
        del self.data[key]

    def on_key_del(self, key: bytes) -> None:
        self.tombstones.append(key)


def _row(version: int) -> PublicationRow:
    return PublicationRow(version=version, standing="published")


steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "behind", "get", "slice", "move", "drop"]),
        st.sampled_from([b"a", b"b", b"c"]),
        st.integers(0, 3),
    ),
    max_size=40,
)


@given(steps)
def test_writes_from_here_and_from_elsewhere(story: list[tuple[str, bytes, int]]) -> None:
    """Whatever wrote the table last (this repository, a recovery, another partition), that is what is read."""
    table, truth = Table(), dict[tuple[int, bytes], PublicationRow]()
    rows = Repository(cast("Any", table), PublicationRow, remembered=30)  # bytes: two rows
    for step, key, version in story:
        match step:
            case "put":
                rows.put(key, _row(version))
            case "behind":
                table[key] = codec.encode_row(_row(version))
            case "move":
                table.home = 1 - table.home
            case "drop":
                rows.drop(key)
                truth.pop((0, key), None)
                truth.pop((1, key), None)
                assert table.tombstones[-1] == key
            case "get" | "slice":
                pass  # nothing is written
            case _:
                raise AssertionError(step)
        if step in {"put", "behind"}:
            truth.pop((1 - table.home, key), None)
            truth[table.home, key] = _row(version)
        for partition in (0, 1):
            for name in (b"a", b"b", b"c"):
                assert rows.get(partition, name) == truth.get((partition, name))
            assert dict(rows.slice(partition, None, 10)) == {
                k: r for (p, k), r in truth.items() if p == partition
            }
        assert len(rows._known) <= 2


def test_a_row_that_is_dropped_again() -> None:
    """The changelog is told again: after a crash it may not have heard of it."""
    table = Table()
    rows = Repository(cast("Any", table), PublicationRow)
    rows.put(b"a", _row(1))
    rows.drop(b"a")
    rows.drop(b"a")
    assert rows.get(0, b"a") is None
    assert table.tombstones == [b"a", b"a"]


def test_a_row_that_did_not_change() -> None:
    """Is the same value, so that who compares by identity is right."""
    rows = Repository(cast("Any", Table()), PublicationRow)
    rows.put(b"a", _row(1))
    assert rows.get(0, b"a") is rows.get(0, b"a")


def test_a_partition_that_is_not_open() -> None:
    """Is never taken for an empty one, remembered rows or not."""
    table = Table()
    rows = Repository(cast("Any", table), PublicationRow)
    rows.put(b"a", _row(1))
    table.app.open_partitions = {1}
    for read in (lambda: rows.get(0, b"a"), lambda: rows.slice(0, None, 10), lambda: list(rows.scan(0))):
        with pytest.raises(NotOpen):
            read()
    assert rows.get(1, b"a") is None


def test_more_rows_than_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Are walked over in order, each once, also where the walk has a prefix or rows are written meanwhile."""
    monkeypatch.setattr(repository, "_SLICE", 2)
    rows = Repository(cast("Any", Table()), PublicationRow)
    keys = [b"a/%d" % n for n in range(5)] + [b"a0", b"b/1"]
    for key in reversed(keys):
        rows.put(key, _row(1))
    assert [key for key, _ in rows.scan(0)] == keys
    seen = []
    for key, _ in rows.scan(0, b"a/"):
        seen.append(key)
        rows.put(b"a/0", _row(2))
    assert seen == keys[:5]
    after, walked = None, list[bytes]()
    while found := rows.slice(0, after, 2):
        walked += [key for key, _ in found]
        after = found[-1][0]
    assert walked == keys
    assert tables.is_open(rows.table, 0)
