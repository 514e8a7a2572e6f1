"""Which topics the portal follows, and what the vault knows them by.

In: the cluster and our names. Out: `Followed`. A topic that was deleted and made anew begins at offset 0 again, with other
records: it has another id, hence another name in the vault, where nothing was read of it yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aiokafka.structs import TopicPartition

from schemas.errors import OperatorError
from streams.topic_ids import topic_ids

if TYPE_CHECKING:
    from streams.cluster import Cluster
    from streams.names import Names


class Followed(NamedTuple):
    """The real names of the three topics, the names of all in the vault, and how many partitions they have."""

    status: str
    results: str
    rows: str
    sources: dict[str, str]
    counts: dict[str, int]

    @property
    def topics(self) -> tuple[str, str, str]:
        """All three."""
        return (self.status, self.results, self.rows)

    @property
    def partitions(self) -> list[TopicPartition]:
        """Every partition of all three."""
        return [
            TopicPartition(topic, number) for topic in self.topics for number in range(self.counts[topic])
        ]

    def source(self, topic: str) -> str:
        """The topic's name in the vault."""
        return self.sources[topic]


async def followed(cluster: Cluster, names: Names) -> Followed:
    """Ask which topics there are."""
    topics = (names.status, names.results, names.changelog("users"))
    ids = await topic_ids(cluster, topics)
    counts = await cluster.partition_counts()
    if missing := sorted(topic for topic in topics if topic not in ids or topic not in counts):
        raise OperatorError(
            f"the portal has no news, since topics are missing ({', '.join(missing)}): run `shiftcal topics create`"
        )
    sources = {topic: f"{topic}@{ids[topic]}" if ids[topic] else topic for topic in topics}
    return Followed(*topics, sources, {topic: counts[topic] for topic in topics})
