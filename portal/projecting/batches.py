"""Records of the topics that are followed, as one batch for the vault.

In: records by partition, as a consumer fetched them. Out: a `Batch`, and how many records nobody could read: those are not
ours, they are logged and passed over, since one of them must not keep everybody's page from its news.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import zstandard
from pydantic import BaseModel, TypeAdapter, ValidationError

from planning.standing import view
from schemas.base import Id
from schemas.outputs import SyncResult, SyncStatus
from schemas.rows import UserRow
from streams.codec import decode, encode
from streams.kafka import timestamp
from vault import Batch, News, Source, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from aiokafka.structs import ConsumerRecord, TopicPartition

    from portal.projecting.followed import Followed
    from schemas.policy import Policies

T = TypeVar("T")
S = TypeVar("S", bound=BaseModel)
log = logging.getLogger(__name__)

_ID: TypeAdapter[str] = TypeAdapter(Id)
#: Rows are large, and others wait for the loop: it is theirs after so many.
_AT_ONCE = 8


class Unreadable(ValueError):
    """A record that is not one of ours; the text says what is wrong with it, and quotes nothing."""


class Read(NamedTuple):
    """What was read."""

    batch: Batch
    unreadable: int


class Batches:
    """Makes batches; `policies` and `now` decide what a row shows."""

    def __init__(self, followed: Followed, policies: Policies, now: Callable[[], datetime]) -> None:
        self._followed, self._policies, self._now = followed, policies, now

    async def read(
        self,
        records: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]],
        firsts: Mapping[TopicPartition, int],
    ) -> Read:
        """Read records; `firsts`: from where on each partition was not read before."""
        statuses: list[News[SyncStatus | None]] = []
        views: list[News[bytes | None]] = []
        results: list[News[SyncResult]] = []
        spans, unreadable, done = {}, 0, 0
        for tp, found in records.items():
            if not found:
                continue
            spans[self._followed.source(tp.topic), tp.partition] = Span(firsts[tp], found[-1].offset + 1)
            of_rows = tp.topic == self._followed.rows
            for record in _newest_by_key(found) if of_rows else found:
                done += of_rows
                if done % _AT_ONCE == 1:
                    await asyncio.sleep(0)
                try:
                    if of_rows:
                        views.append(self._news(record, self._view(record.value)))
                    elif tp.topic == self._followed.status:
                        statuses.append(self._news(record, _shape(SyncStatus, record.value)))
                    else:
                        results.append(self._result(record))
                except Unreadable as error:
                    unreadable += 1
                    log.warning("a record is passed over: %s", error, extra=_at(record))
        return Read(Batch(spans, statuses, views, results), unreadable)

    def _news(self, record: ConsumerRecord[bytes, bytes], value: T) -> News[T]:
        agency, user = _person(record.key)
        return News(agency, user, self._source(record), value)

    def _result(self, record: ConsumerRecord[bytes, bytes]) -> News[SyncResult]:
        result = _shape(SyncResult, record.value)
        if result is None:
            raise Unreadable("a result cannot be null")
        return self._news(record, result)

    def _source(self, record: ConsumerRecord[bytes, bytes]) -> Source:
        return Source(self._followed.source(record.topic), record.partition, record.offset, timestamp(record))

    def _view(self, value: bytes | None) -> bytes | None:
        if value is None:
            return None
        try:
            row = decode(UserRow, value)
        except (ValidationError, zstandard.ZstdError) as error:
            raise Unreadable(f"it is not a user's row ({type(error).__name__})") from None
        return encode(view(row, self._policies.of(row.agency_id), self._now()))


def _at(record: ConsumerRecord[bytes, bytes]) -> dict[str, object]:
    place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    return {"decision": "passed_over", **place}


def _newest_by_key(
    records: Sequence[ConsumerRecord[bytes, bytes]],
) -> list[ConsumerRecord[bytes, bytes]]:
    """The last record of each key, since it alone counts and rows are dear to read."""
    return list({record.key: record for record in records}.values())


def _person(key: bytes | None) -> tuple[str, str]:
    try:
        agency, _, user = (key or b"").decode().partition("/")
        return _ID.validate_python(agency), _ID.validate_python(user)
    except (UnicodeDecodeError, ValidationError):
        raise Unreadable("its key is not agency/user") from None


def _shape(kind: type[S], value: bytes | None) -> S | None:
    try:
        return None if value is None else kind.model_validate_json(value)
    except ValidationError as error:
        raise Unreadable(f"it is not a {kind.__name__} ({error.error_count()} fields are wrong)") from None
