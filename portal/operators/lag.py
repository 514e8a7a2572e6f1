"""How far the workers' group is behind, partition by partition.

In: settings. Out: for each partition that the group reads, what it has committed, where it ends, and what lies between. Not
here: why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aiokafka.structs import TopicPartition

from schemas.errors import OperatorError
from streams.cluster import Cluster
from streams.kafka import reaching
from streams.reach import broker_of, names_of

if TYPE_CHECKING:
    from streams.names import Names
    from streams.settings import Settings


class Partition(NamedTuple):
    """One partition. `committed` is None where the group has never been."""

    topic: str
    number: int
    committed: int | None
    end: int
    behind: int


class Topic(NamedTuple):
    """One topic."""

    name: str
    behind: int
    partitions: tuple[Partition, ...]


async def lag(settings: Settings) -> list[Topic]:
    """Ask Kafka; inputs first, then the internal topics, in the order of the flow."""
    names = names_of(settings)
    topics = (*names.inputs, *names.internal)
    with reaching(settings):
        return await _lag(settings, names, topics)


async def _lag(settings: Settings, names: Names, topics: tuple[str, ...]) -> list[Topic]:
    async with Cluster(broker_of(settings)) as cluster:
        counts = await cluster.partition_counts()
        if missing := [name for name in topics if name not in counts]:
            raise OperatorError(f"topics are missing ({', '.join(missing)}): run `shiftcal topics create`")
        wanted = [TopicPartition(name, number) for name in topics for number in range(counts[name])]
        starts, ends = await cluster.starts(wanted), await cluster.ends(wanted)
        committed = await cluster.committed(names.app_id, wanted)
    found = [_partition(tp, committed.get(tp), starts[tp], ends[tp]) for tp in wanted]
    return [_topic(name, [one for one in found if one.topic == name]) for name in topics]


def _partition(tp: TopicPartition, committed: int | None, start: int, end: int) -> Partition:
    # What retention has taken is behind nobody.
    behind = max(0, end - max(start, committed or 0))
    return Partition(tp.topic, tp.partition, committed, end, behind)


def _topic(name: str, partitions: list[Partition]) -> Topic:
    return Topic(name, sum(one.behind for one in partitions), tuple(partitions))
