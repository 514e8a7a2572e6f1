"""How facts and rows travel: JSON, compressed.

Comes in: shapes of `schemas`. Goes out: bytes for internal topics and tables, and back. What the world reads is plain
JSON (`plain`). A row of sixty shifts repeats the same words sixty times, so compression pays at once: on the broker, in
the changelog and in RocksDB.

Bytes of the first format are those of zstandard alone; before those of a later one stand a mark and the format's number. What
is newer than this release is refused before anything of it is read.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, TypeVar, cast

import zstandard
from pydantic import BaseModel, ConfigDict, TypeAdapter

from schemas import formats
from schemas.facts import CalendarFact, UserRecord
from schemas.rows import UserRow
from streams.errors import FormatTooNew
from streams.shorthand import lengthened, shortened

T = TypeVar("T", bound=BaseModel)

# Unions do not take this from their members.
_QUIET = ConfigDict(hide_input_in_errors=True)
_CALENDAR_FACTS: TypeAdapter[Any] = TypeAdapter(CalendarFact, config=_QUIET)
_USER_RECORDS: TypeAdapter[Any] = TypeAdapter(UserRecord, config=_QUIET)
_LARGEST = 256 * 1024 * 1024

#: No frame of zstandard begins with it: those begin with 0x28, or in its skippable frames with 0x5.
_MARK = b"\xf5"

# Level 1: a third of the time of the default level, for 5 % more bytes. One each for the one thread that uses them.
_compress = zstandard.ZstdCompressor(level=1, write_checksum=False).compress
_decompress = zstandard.ZstdDecompressor().decompress


class Sent:
    """Facts by their bytes, from when they are sent until they come back: most go to a partition of the same worker.

    Facts are frozen, so the one that was sent serves as the one that was read.
    """

    def __init__(self, most: int = 1 << 18) -> None:
        """`most`: bytes that are remembered; the oldest go first."""
        self._most, self._size = most, 0
        self._facts: OrderedDict[bytes, BaseModel] = OrderedDict()

    def remember(self, data: bytes, fact: BaseModel) -> None:
        """Keep a fact under its bytes."""
        if data not in self._facts:
            self._size += len(data)
        self._facts[data] = fact
        while self._size > self._most:
            self._size -= len(self._facts.popitem(last=False)[0])

    def forget(self, data: bytes) -> Any:
        """Return the fact of these bytes, once; None where it is not known."""
        fact = self._facts.pop(data, None)
        if fact is not None:
            self._size -= len(data)
        return fact


_sent = Sent()


def encode(fact: BaseModel) -> bytes:
    """Return the bytes of a fact. Nulls are left out; defaults stay, since they name the branch of a union."""
    data = _packed(fact.model_dump_json(exclude_none=True).encode())
    _sent.remember(data, fact)
    return data


def encode_row(row: BaseModel) -> bytes:
    """Return the bytes of a row; what is at its default is left out."""
    text = shortened(row) if isinstance(row, UserRow) else row.model_dump_json(exclude_defaults=True).encode()
    return _packed(text)


def json_size(data: bytes) -> int:
    """Return how long the JSON in these bytes is."""
    return zstandard.frame_content_size(_frame(data))


def decode(kind: type[T], data: bytes) -> T:
    """Return the row in these bytes."""
    text = unpacked(data)
    return cast("T", lengthened(text)) if kind is UserRow else kind.model_validate_json(text)


def unpacked(data: bytes) -> bytes:
    """Return the JSON in these bytes, for whoever looks whether it is worth reading."""
    return _decompress(_frame(data), max_output_size=_LARGEST)


def calendar_fact(data: bytes) -> CalendarFact:
    """Return the fact of a `calendar-facts` record."""
    fact: CalendarFact = _sent.forget(data) or _CALENDAR_FACTS.validate_json(unpacked(data))
    return fact


def user_record(data: bytes) -> UserRecord:
    """Return what a `user-facts` record holds."""
    record: UserRecord = _sent.forget(data) or _USER_RECORDS.validate_json(unpacked(data))
    return record


def _packed(text: bytes) -> bytes:
    frame, number = _compress(text), formats.written()
    return frame if number == 1 else _MARK + bytes((number,)) + frame


def _frame(data: bytes) -> bytes:
    """Return what stands behind the format, which has to be one that we know."""
    if data[:1] != _MARK:
        return data
    if len(data) > 1 and data[1] > formats.NEWEST:
        raise FormatTooNew(
            f"a newer release wrote a row or a message in format {data[1]}, and this release knows formats up to"
            f" {formats.NEWEST}: start the newer release; nothing was acked, and no call was made because of it"
        )
    return data[2:]


def plain(shape: BaseModel) -> bytes:
    """Return the JSON of a message for the world: every field, null where there is none."""
    return shape.model_dump_json().encode()


def key(*ids: str) -> bytes:
    """Return the key of a record or a row: ids joined by slashes, which no id holds."""
    return "/".join(ids).encode()
