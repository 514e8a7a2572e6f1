"""Joining the group: a leader deals out only what it knows, and whoever opens tables is not taken for dead.

In: aiokafka's coordinator of our consumer. Out: the same one, mended in two places. Not here: what a rebalance asks of us.

- Faust's leader leaves out a topic of which its metadata knows nothing, with a warning. A broker that has just started knows
  no topics for a moment: then everybody is given nothing, and everybody is content with it, until the metadata are
  refreshed by themselves (five minutes). So the leader asks again until it knows every topic.
- aiokafka sends no heartbeat from the moment of the join until its listener is done, in which Faust opens a database per table
  and partition. On a slow disk that lasts longer than the session: the member is expelled, learns it from its first
  heartbeat, joins again, opens everything again, and so on for ever. So heartbeats begin before the listener does.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from aiokafka.errors import UnknownTopicOrPartitionError

if TYPE_CHECKING:
    from aiokafka.consumer.group_coordinator import GroupCoordinator

log = logging.getLogger(__name__)
POLL_S = 0.1

#: A leader that still does not know a topic after so many seconds ends its worker: the check at its start tells more.
PATIENCE_S = 10.0


def mend(coordinator: GroupCoordinator) -> None:
    """Change how this coordinator joins; before it subscribes to anything."""
    perform, complete = coordinator._perform_assignment, coordinator._on_join_complete  # noqa: SLF001

    async def perform_assignment(response: Any) -> Any:
        coordinator._start_heartbeat_task()  # noqa: SLF001
        await _know_topics(coordinator)
        return await perform(response)

    async def on_join_complete(*arguments: Any) -> None:
        coordinator._start_heartbeat_task()  # noqa: SLF001
        await complete(*arguments)

    coordinator._perform_assignment = perform_assignment  # noqa: SLF001
    coordinator._on_join_complete = on_join_complete  # noqa: SLF001


async def _know_topics(coordinator: GroupCoordinator) -> None:
    """Ask for metadata until they name every topic that we, and so the whole group, subscribe to."""
    topics = coordinator._subscription.subscription.topics  # noqa: SLF001
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while missing := sorted(t for t in topics if not coordinator._cluster.partitions_for_topic(t)):  # noqa: SLF001
        if loop.time() >= deadline:
            raise UnknownTopicOrPartitionError(
                f"Kafka does not know {', '.join(missing)}; run `shiftcal topics check`, then start the worker again"
            )
        fields = {"decision": "topics_unknown", "count": len(missing)}
        log.info("Kafka does not know all of our topics yet; the group waits", extra=fields)
        await coordinator._client.force_metadata_update()  # noqa: SLF001
        await asyncio.sleep(POLL_S)
