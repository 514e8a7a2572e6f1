"""The rules of the projection. In: a session that holds the projection's lock, and what a batch says. Out: changed rows.
No encryption and no transactions here.

Several portals may read the same topics, and each of them may die at any point, be slow, or read again what it has read.
A partition's position decides: what lies before it was applied, once, and is passed over; a batch that begins after it has a
gap before it, and is refused. So a stale reader can neither turn a row back nor count a result twice. Between partitions
(a topic that grew, or was made anew under another name) the broker's time decides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from schemas.outputs import SyncResult
from vault.portal_models import FromARecord, LatencyRow, PositionRow, RepairRow
from vault.portal_values import LATENCY_BOUNDS_MS, News, Partition, Person, Span
from vault.upsert import Columns, digest, upsert

T = TypeVar("T")
#: How the real name of the topic of commands ends.
_COMMANDS: Final = "sync-commands"
Coming = Columns | Mapping[str, Any]


async def positions(session: AsyncSession, topics: Iterable[str]) -> dict[Partition, int]:
    """Where to read on."""
    rows = await session.scalars(select(PositionRow).where(PositionRow.topic.in_(sorted(topics))))
    return {(row.topic, row.partition): row.next_offset for row in rows}


async def advance(session: AsyncSession, spans: Mapping[Partition, Span]) -> dict[Partition, int]:
    """Move the positions forward. Gives, for each partition, the offset from which on records are news; without the
    partitions that have a gap.
    """
    known = await positions(session, {topic for topic, _ in spans})
    fresh = {
        place: max(span.first, known.get(place, span.first))
        for place, span in spans.items()
        if span.first <= known.get(place, span.first)
    }
    moved = [
        {"topic": place[0], "partition": place[1], "next_offset": spans[place].next}
        for place in sorted(fresh)
        if spans[place].next > known.get(place, -1)
    ]
    await upsert(session, PositionRow, moved)
    return fresh


def newest(news: Iterable[News[T]]) -> list[News[T]]:
    """The newest of each user; in one order, so that nothing depends on the batch's."""
    found: dict[Person, News[T]] = {}
    for one in news:
        if one.person not in found or one.source.overtakes(found[one.person].source):
            found[one.person] = one
    return [found[person] for person in sorted(found)]


def unapplied(news: Iterable[News[T]], fresh: Mapping[Partition, int]) -> list[News[T]]:
    """Those that no batch before has brought."""
    return [
        one
        for one in news
        if (begin := fresh.get((one.source.topic, one.source.partition))) is not None
        and one.source.offset >= begin
    ]


async def write(
    session: AsyncSession,
    model: type[FromARecord],
    news: Sequence[News[Any]],
    columns: Callable[[News[Any]], Mapping[str, object]],
) -> None:
    """Write the rows that the news have a value for, and delete the others; newer rows stay as they are."""
    rows = [{**_origin(one), **columns(one)} for one in news if one.value is not None]
    await upsert(session, model, rows, only_if=lambda coming: _older(model, coming))
    await _remove(session, model, [one for one in news if one.value is None])


async def count(session: AsyncSession, results: Iterable[News[SyncResult]]) -> None:
    """Add these results to the histogram: what reached Google, and has a cause whose age is known."""
    found: Counter[tuple[datetime, int]] = Counter()
    for result in (one.value for one in results):
        if result.action != "refused" and result.latency_ms is not None:
            minute = result.at.astimezone(UTC).replace(second=0, microsecond=0)
            found[minute, bisect_left(LATENCY_BOUNDS_MS, result.latency_ms)] += 1
    rows = [{"minute": minute, "bucket": bucket, "count": n} for (minute, bucket), n in sorted(found.items())]
    await upsert(
        session, LatencyRow, rows, change=lambda coming: {"count": LatencyRow.count + coming["count"]}
    )


async def add_repairs(session: AsyncSession, results: Iterable[News[SyncResult]]) -> None:
    """Count these results for the commands that caused them; what a schedule's change caused is nobody's repair."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    newest_at: dict[tuple[str, str, str, str], datetime] = {}
    for one in results:
        cause = one.value.caused_by
        if cause is not None and cause.topic.endswith(_COMMANDS):
            key = (*one.person, digest(cause.event_id), one.value.action)
            found[key] += 1
            newest_at[key] = max(one.value.at, newest_at.get(key, one.value.at))
    rows = [
        {
            "agency_id": a,
            "user_id": u,
            "event_id": e,
            "action": action,
            "count": n,
            "at": newest_at[a, u, e, action],
        }
        for (a, u, e, action), n in sorted(found.items())
    ]
    await upsert(
        session,
        RepairRow,
        rows,
        change=lambda coming: {"count": RepairRow.count + coming["count"], "at": coming["at"]},
    )


async def _remove(session: AsyncSession, model: type[FromARecord], gone: Sequence[News[Any]]) -> None:
    if not gone:
        return
    given = {name: bindparam(f"given_{name}", type_=column.type) for name, column in _columns(model).items()}
    statement = delete(model).where(
        model.agency_id == given["agency_id"], model.user_id == given["user_id"], _older(model, given)
    )
    rows = [{f"given_{name}": value for name, value in _origin(one).items()} for one in gone]
    await (await session.connection()).execute(statement, rows)


def _origin(one: News[Any]) -> dict[str, object]:
    """The columns that say whose a row is and where it was read."""
    return {
        "agency_id": one.agency_id,
        "user_id": one.user_id,
        "source_topic": one.source.topic,
        "source_partition": one.source.partition,
        "source_offset": one.source.offset,
        "source_at": one.source.at,
    }


def _columns(model: type[FromARecord]) -> dict[str, Any]:
    names = ("agency_id", "user_id", "source_topic", "source_partition", "source_offset", "source_at")
    return {name: model.__table__.columns[name] for name in names}


def _older(model: type[FromARecord], coming: Coming) -> ColumnElement[bool]:
    """Whether the row that stands is older than the one that comes. Within a partition the position has seen to it."""
    same = and_(
        model.source_topic == coming["source_topic"], model.source_partition == coming["source_partition"]
    )
    return or_(same, model.source_at <= coming["source_at"])
