"""What the portal's parts of the vault take and give. In: nothing. Out: frozen values. No database, no encryption here.

A `source` is where a record was read: its topic is a name that the vault only compares. Who reads topics that may be made
anew adds what tells them apart (`sync-status@<topic id>`), and drops the old name with `Projection.only`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from schemas.outputs import Action, SyncResult, SyncStatus

T = TypeVar("T")
Role: TypeAlias = Literal["user", "operator"]
Partition: TypeAlias = tuple[str, int]
Person: TypeAlias = tuple[str, str]

#: Upper ends of the latency histogram's buckets, in milliseconds; one more bucket has none.
LATENCY_BOUNDS_MS: Final = (100, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000)


@dataclass(frozen=True, slots=True)
class PortalSession:
    """Somebody who came in by a link. `id` is the cookie's text; `pending` what a visit to Google has to come back to."""

    id: str = field(repr=False)
    agency_id: str
    user_id: str
    name: str
    role: Role
    csrf: str = field(repr=False)
    created_at: datetime
    expires_at: datetime
    pending: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a record was read, and the broker's time of it."""

    topic: str
    partition: int
    offset: int
    at: datetime

    def overtakes(self, other: Source) -> bool:
        """Whether this one is the newer: by offset where they can be compared, else by the broker's time."""
        if (self.topic, self.partition) == (other.topic, other.partition):
            return self.offset > other.offset
        return self.at >= other.at


@dataclass(frozen=True, slots=True)
class News(Generic[T]):
    """What a record says of one user; `value` None takes away what was said before."""

    agency_id: str
    user_id: str
    source: Source
    value: T = field(repr=False)

    @property
    def person(self) -> Person:
        """Agency and user."""
        return (self.agency_id, self.user_id)


@dataclass(frozen=True, slots=True)
class Span:
    """The records of one partition that a batch was made from: from offset `first` up to, without, `next`."""

    first: int
    next: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read since the last batch, in any order, several news of one user included. Every record's partition is
    in `positions`; one that said nothing of interest moves its position all the same.
    """

    positions: Mapping[Partition, Span]
    statuses: Sequence[News[SyncStatus | None]] = ()
    views: Sequence[News[bytes | None]] = ()
    results: Sequence[News[SyncResult]] = ()

    def __post_init__(self) -> None:
        """Refuse records that are not of these partitions' spans: they would be lost, or count twice."""
        news: tuple[News[Any], ...] = (*self.statuses, *self.views, *self.results)
        for one in news:
            span = self.positions.get((one.source.topic, one.source.partition))
            if span is None or not span.first <= one.source.offset < span.next:
                raise ValueError("a record of the batch lies outside of its positions")


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch did: whose status, view or last result may be another one now, and the partitions that were left
    alone because the records before `first` are missing: read those again from `Projection.positions`.
    """

    changed: frozenset[Person]
    refused: frozenset[Partition] = frozenset()


@dataclass(frozen=True, slots=True)
class ProjectedStatus:
    """A user's newest status, and the broker's time of it. `google_account` is there where the vault knows one."""

    status: SyncStatus
    at: datetime
    google_account: str | None = None


@dataclass(frozen=True, slots=True)
class LastResult:
    """The newest change that reached Google, or was refused."""

    action: Action
    at: datetime
    latency_ms: int | None


@dataclass(frozen=True, slots=True)
class LatencyMinute:
    """How many changes took how long in one minute: a count for each of LATENCY_BOUNDS_MS and one for what is beyond."""

    minute: datetime
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to whom. `actor` and, where it was done to a person, `user_id` are what `forget` looks for; `subject`
    and `detail` are for a reader, and never hold a title or a secret.
    """

    actor: str
    action: str
    agency_id: str
    subject: str
    detail: str
    at: datetime
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One message about a lost grant. `id` stays the same however often it is tried; `number` counts from 1, and above 1
    it is a reminder.
    """

    id: str
    agency_id: str
    user_id: str
    reason: str
    since: datetime
    number: int
    attempts: int
