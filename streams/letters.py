"""Dead letters, read back and sent again.

In: records of `dead-letters`. Out: `Letter`s, and records for the topics they came from. No terminal here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from planning.intake import Source, read
from streams.kafka import timestamp

if TYPE_CHECKING:
    from aiokafka.structs import ConsumerRecord

    from streams.names import Names

#: Says where a record was sent again from.
REDRIVEN: Final = "redriven-from"


class Number(NamedTuple):
    """Where a letter stands in `dead-letters`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class Letter(NamedTuple):
    """A dead letter. `source` is the real name of the topic that it came from; empty where nobody said."""

    number: Number
    at: datetime
    key: bytes | None
    value: bytes | None
    headers: dict[str, str]

    @property
    def reason(self) -> str:
        """Why, as a word."""
        return self.headers.get("reason", "")

    @property
    def error(self) -> str:
        """Why, for a person."""
        return self.headers.get("error", "")

    @property
    def source(self) -> str:
        """The topic that it came from."""
        return self.headers.get("source-topic", "")

    @property
    def place(self) -> str:
        """Topic, partition and offset that it came from."""
        return f"{self.source} {self.headers.get('source-partition', '?')}:{self.headers.get('source-offset', '?')}"


def letter(record: ConsumerRecord[bytes, bytes]) -> Letter:
    """Read one record."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    return Letter(
        Number(record.partition, record.offset), timestamp(record), record.key, record.value, headers
    )


def hindrance(found: Letter, value: bytes | None, names: Names) -> str | None:
    """Say why a letter cannot be sent again; None where it can."""
    if found.source not in names.inputs:
        return f"its source-topic, {found.source or 'not given'}, is none of our input topics"
    if value is None:
        return "its value is null, and null says nothing: give a payload with --value FILE"
    return None


def still_wrong(found: Letter, value: bytes, names: Names) -> str | None:
    """Say what the worker would refuse this payload for today; None where it would take it."""
    source = Source(
        name=found.source.removeprefix(names.prefix),
        topic=found.source,
        partition=found.number.partition,
        offset=found.number.offset,
        at=datetime.now(UTC),
        key=found.key,
        value=value,
    )
    reading = read(source)
    return reading.letters[0].error if reading.letters else None


def redriven(found: Letter, names: Names) -> list[tuple[str, bytes]]:
    """The headers of a letter that is sent again."""
    return [(REDRIVEN, f"{names.dead_letters}/{found.number}".encode())]
