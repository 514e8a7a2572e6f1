"""RocksDB alone: puts of the very rows that the worker keeps of its users.

Comes in: a state directory whose worker is stopped. Goes out: puts a second, into databases set as the product sets them and
into one with rocksdict's own settings. Not here: changelogs, reads, compression of rows; the rows are compressed as they
stand.
"""

from __future__ import annotations

import itertools
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faust.stores.rocksdb import RocksDBOptions
from rocksdict import AccessType, Options, Rdict

from bench.processes import BenchFailed
from streams.wiring import rocksdb_options

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = tuple[bytes, bytes]


def rows(state: Path, table: str = "users") -> list[Row]:
    """Read the rows of a table; RocksDB lets nobody in while a worker has it."""
    found: list[Row] = []
    for current in sorted(state.rglob("CURRENT")):
        if re.fullmatch(rf"(.*-)?{table}-\d+\.db", current.parent.name):
            database: Any = Rdict(
                str(current.parent), Options(raw_mode=True), access_type=AccessType.read_only()
            )
            found += [(key, value) for key, value in database.items() if not key.startswith(b"__faust")]
            database.close()
    if not found:
        raise BenchFailed(f"no rows of the table {table} under {state}")
    return found


def put(these: Sequence[Row], count: int) -> tuple[float, float]:
    """Put the rows over and over, so often; return puts a second with the product's settings and with rocksdict's."""
    options = rocksdb_options()
    del options["driver"]  # Faust's word, not RocksDB's
    with tempfile.TemporaryDirectory(prefix="shiftcal-bench-") as home:
        ours: Any = RocksDBOptions(**options, use_rocksdict=True).open(Path(home) / "ours")
        plain: Any = Rdict(str(Path(home) / "plain"), Options(raw_mode=True))
        return _timed(ours, these, count), _timed(plain, these, count)


def _timed(database: Any, these: Sequence[Row], count: int) -> float:
    began = time.monotonic()
    for key, value in itertools.islice(itertools.cycle(these), count):
        database[key] = value
    took = time.monotonic() - began
    database.close()
    return count / took
