"""Our Faust app: how it crashes, when a rebalance pauses, drains and opens the lanes, and what it refuses to run with.

In: `Wiring`, a `Lifecycle`, the continuity guard. Out: raw byte topics, tables and agents. Not here: what agents and lanes do.
Every exit for a reason of our own is hard: an orderly way down lets Faust commit a shrunken assignment for a static member
and ack what failed; a hard exit is the SIGKILL path, the one that is tested most.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, Protocol, cast

import faust

from streams import each
from streams.disk_store import unusable
from streams.errors import RuntimeRefused
from streams.transport import Transport
from streams.wiring import Wiring, faust_options, rocksdb_options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from faust.types import AgentT, TableT, TopicT

    from streams.continuity import Continuity
    from streams.transport import Consumer

__all__ = ["App", "Lifecycle", "Wiring", "make_app"]
log = logging.getLogger(__name__)


class Lifecycle(Protocol):
    """What a rebalance and a stop ask of the lanes, in this order."""

    def pause(self) -> None:
        """Begin no new call; nothing is waited for yet."""

    async def drain(self) -> None:
        """End what is under way; partitions are given up right after. Also before a stop, while sends still work."""

    def opened(self, partitions: frozenset[int]) -> None:
        """Note which `user-facts` partitions are ours from now on; tables are complete, agents are reading."""


class App(faust.App):
    """Faust with the hooks of `Lifecycle` and a hard way out."""

    def __init__(self, wiring: Wiring, lifecycle: Lifecycle, continuity: Continuity, **options: Any) -> None:
        self.wiring = wiring
        self.lifecycle = lifecycle
        self.continuity = continuity
        self.open_partitions: frozenset[int] = frozenset()
        """Partitions whose tables are complete and ours; see `streams.tables`."""
        self.failure: BaseException | None = None
        self._failed = asyncio.Event()
        super().__init__(wiring.app_id, **options)
        self.on_rebalance_complete.connect(self._hold)
        self.on_partitions_revoked.connect(self._drain)

    # Building blocks

    def raw_topic(self, *names: str) -> TopicT:
        """Describe topics of raw bytes."""
        return self.topic(
            *names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )

    def raw_table(self, name: str) -> TableT[bytes, bytes]:
        """Make a table of raw bytes, its rows kept in the partition of the event that writes them."""
        options = None if self.wiring.store == "memory" else rocksdb_options()
        return self.Table(
            name, key_type=bytes, value_type=bytes, partitions=self.wiring.partitions, options=options
        )

    def raw_agent(
        self, topics: Iterable[str], body: each.Body, *, name: str, manner: each.Manner = each.APART
    ) -> AgentT[bytes]:
        """Run the body for all events of these topics, in order per partition, acked after their deliveries."""

        async def actor(stream: faust.Stream[bytes]) -> None:
            try:
                await each.run(stream, body, self.continuity, self.fail, manner)
            except Exception as error:  # noqa: BLE001 - every one is a crash, and Faust's own way down acks and re-subscribes
                self.fail(error)
                await asyncio.Future()  # a guest's agent stands still until it is stopped

        return self.agent(self.raw_topic(*topics), name=name)(cast("Any", actor))

    def is_folding(self) -> bool:
        """Say whether messages are here that are not acked yet."""
        return self._consumer is not None and bool(self._consumer.unacked)

    # Crashes

    def fail(self, reason: BaseException) -> None:
        """Crash from anywhere, a callback too. Returns only in a guest, whose owner stops it."""
        reason = unusable(reason, self.wiring.state_dir) or reason
        self._exit(reason)
        if self.failure is None:
            self.failure = reason
            log.error("the worker stands still until it is stopped: %r", reason, extra={"decision": "crash"})
        self._failed.set()
        if self._consumer is not None:
            self._consumer.stop_flow()
            self.flow_control.suspend()
            self._consumer.unacked.clear()  # the stop must not wait for acks that will never come

    async def wait_failed(self) -> None:
        """Wait for a crash; only a guest lives to see one."""
        await self._failed.wait()

    def _crash(self, reason: BaseException) -> None:
        """Reached by every crash in Faust's tree of services."""
        if not self.should_stop:
            self.fail(reason)
        super()._crash(reason)

    def _exit(self, reason: BaseException) -> None:
        if not self.wiring.hard_exit:
            return
        if isinstance(reason, RuntimeRefused):
            log.critical("%s", reason, extra={"decision": "refuses_to_run"})
        else:
            line = "the worker ends, nothing of the failing event was acked"
            log.critical(line, exc_info=reason, extra={"decision": "crash"})
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)

    # Rebalances

    def on_rebalance_start(self) -> None:
        """Runs before anything is drained."""
        self.continuity.leaving()
        self.lifecycle.pause()
        super().on_rebalance_start()

    async def _drain(self, *_: object, **__: object) -> None:
        """Runs after the streams were drained and before the join request."""
        try:
            await self.lifecycle.drain()
        finally:
            self.open_partitions = frozenset()
            self.continuity.revoked()

    async def _hold(self, *_: object, **__: object) -> None:
        """Stop the flow until the seek is done.

        Recovery resumes the source partitions, then seeks, then empties every agent's queue. Records fetched in between are
        thrown away, and the next commit goes over them. Recovery itself resumes the flow after its seek.
        """
        self.consumer.stop_flow()
        self.flow_control.suspend()

    def on_rebalance_end(self) -> None:
        """Runs last: offsets are sought, the flow is resumed."""
        super().on_rebalance_end()
        if complaint := self._complaint():
            self.fail(RuntimeRefused(complaint))
            return
        self.open_partitions = self.owned()
        self.lifecycle.opened(self.open_partitions)

    async def on_stop(self) -> None:
        """Drain first: streams, tables and the producer still run now."""
        self.lifecycle.pause()
        await self.lifecycle.drain()
        self.open_partitions = frozenset()
        await super().on_stop()

    def owned(self) -> frozenset[int]:
        """Partitions of `user-facts` assigned to this worker."""
        return frozenset(
            tp.partition for tp in self.consumer.assignment() if tp.topic == self.wiring.owned_topic
        )

    def subscribed(self) -> frozenset[str]:
        """Topics the consumer must be subscribed to."""
        agents = {topic for agent in self.agents.values() for topic in agent.channel.topics}
        return frozenset(agents | self.tables.changelog_topics)

    def _complaint(self) -> str | None:
        """Compare what the group gave us with what was asked for; Faust runs on, deaf, whatever it got."""
        wanted = self.subscribed()
        actual = frozenset(cast("Consumer", self.consumer)._thread._ensure_consumer().subscription())  # noqa: SLF001
        if missing := wanted - actual:
            return f"the consumer is not subscribed to {', '.join(sorted(missing))}; start the worker again"
        owned: dict[str, set[int]] = {
            topic: set()
            for topic in wanted
            if self.consumer.topic_partitions(topic) == self.wiring.partitions
        }
        for tp in self.consumer.assignment():
            if tp.topic in owned:
                owned[tp.topic].add(tp.partition)
        expected = self.owned()
        if odd := sorted(topic for topic, partitions in owned.items() if partitions != expected):
            return (
                f"the group assigned partitions {sorted(expected)} of {self.wiring.owned_topic}, but other ones of {', '.join(odd)}; "
                "all workers of a group must run the same release, start this one again"
            )
        return None

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)


def make_app(wiring: Wiring, lifecycle: Lifecycle, continuity: Continuity) -> App:
    """Build an app; a fresh one for each start, since agents and tables are bound to it."""
    wiring.state_dir.mkdir(parents=True, exist_ok=True)
    return App(wiring, lifecycle, continuity, **faust_options(wiring))
