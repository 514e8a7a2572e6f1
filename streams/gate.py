"""The caught-up gate: after every assignment lanes wait until what was sent has been folded.

In: the partitions of `user-facts` that are ours now. Out: one awaited call `on_open(partitions)` per assignment, or none when the next
one comes first. Not here: lanes. Outcomes that were sent and not folded yet would be planned, and called, again.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from typing import TYPE_CHECKING

from aiokafka.structs import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from streams.cluster import Cluster
    from streams.faustapp import App
    from streams.rebuild import Rebuild

log = logging.getLogger(__name__)
POLL_S = 0.01
STALLED_S = 1.0


class Gate:
    """Opens once per assignment."""

    def __init__(
        self,
        app: App,
        cluster: Cluster,
        rebuild: Rebuild,
        on_open: Callable[[frozenset[int]], Awaitable[None]],
    ) -> None:
        self._app = app
        self._cluster = cluster
        self._rebuild = rebuild
        self._on_open = on_open
        self._task: asyncio.Task[None] | None = None
        self._opened_for: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether lanes may work: the gate was passed for the assignment that holds now."""
        return self._opened_for == self._app.rebalancing_count and not self._app.rebalancing

    def arm(self, partitions: frozenset[int]) -> None:
        """Begin to wait for this assignment; from `Lifecycle.opened`."""
        if self._task is not None:
            self._task.cancel()
        # An empty context: a task made inside an agent would inherit its event, and with it the right to write tables.
        self._task = asyncio.get_running_loop().create_task(self._watch(partitions), context=Context())

    async def disarm(self) -> None:
        """Stop waiting; from `Lifecycle.drain`."""
        self._opened_for = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _watch(self, partitions: frozenset[int]) -> None:
        try:
            await self._wait(partitions, self._app.rebalancing_count)
        except Exception as error:  # noqa: BLE001 - a gate that stays shut in silence looks like a worker with nothing to do
            self._app.fail(error)

    async def _wait(self, partitions: frozenset[int], assignment: int) -> None:
        if not self._rebuild.done:
            await self._rebuild.finish()
        topic = self._app.wiring.owned_topic
        ends = await self._cluster.ends([TopicPartition(topic, number) for number in sorted(partitions)])
        if await self._folded(ends, assignment):
            fields = {"decision": "caught_up", "topic": topic, "partitions": sorted(partitions)}
            log.info("caught up with %s, partitions %s", topic, sorted(partitions), extra=fields)
            await self._on_open(partitions)
            self._opened_for = assignment
            await self._rebuild.confirm()

    async def _folded(self, ends: Mapping[TopicPartition, int], assignment: int) -> bool:
        """Wait until all are processed up to their ends; false when the assignment is not ours any more."""
        loop = asyncio.get_running_loop()
        open_ = dict(ends)
        moved: dict[TopicPartition, tuple[int, float]] = {}
        while self._app.rebalancing_count == assignment:
            for tp, end in list(open_.items()):
                position = self._app.continuity.processed.get(tp, 0)
                last, since = moved.get(tp, (-1, 0.0))
                if position >= end:
                    del open_[tp]
                elif position != last:
                    moved[tp] = position, loop.time()
                elif loop.time() - since > STALLED_S:
                    # A tail without records (transaction markers, deleted ones) is never handed to an agent.
                    if await self._cluster.first_record(tp, position, end) is None:
                        del open_[tp]
                    moved[tp] = position, loop.time()
            if not open_:
                return bool(self._app.rebalancing_count == assignment)
            await asyncio.sleep(POLL_S)
        return False
