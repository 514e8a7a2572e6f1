"""The staged, group-wide gate after a start with lost state, and the refusal to run on state that was lost since.

In: offsets of inputs, internal topics, changelogs and the group. Out: `done`, or a `RuntimeRefused` with the cure.
Not here: lanes, tables, Faust; the workers tell each other through a compacted topic, so a late or restarted one stays in the
gate as well. History replayed from offset 0 must not flicker through calendars.

What no input topic holds is told to `user-facts` before that stage begins.

A stage's targets are the ends of all its partitions, taken once the stage before was reached (earlier would be too early: the
history is still moving through the chain). Two workers may both announce a stage; each announcement is valid on its own.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from aiokafka.structs import TopicPartition

from streams.errors import RuntimeRefused
from streams.lost_state import (
    Offsets,
    StateLost,
    TruncatedHistory,
    refuse_lost_state,
    refuse_topics_made_anew,
    refuse_truncated_history,
    refuse_unread_and_gone,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from streams.cluster import Cluster
    from streams.names import Names
    from streams.sender import Sender

__all__ = ["Rebuild", "StateLost", "TruncatedHistory", "reach"]
log = logging.getLogger(__name__)

DONE = "done"
USER_FACTS = "user-facts"
POLL_S = 0.1
STALLED_S = 1.0


class Rebuild:
    """One group's rebuild, seen by one of its workers."""

    def __init__(
        self,
        cluster: Cluster,
        sender: Sender,
        names: Names,
        *,
        accept_truncated_history: bool = False,
        tell_what_no_input_holds: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._cluster = cluster
        self._tell_more = tell_what_no_input_holds
        self._sender = sender
        self._names = names
        self._accept = accept_truncated_history
        self.done = False

    @property
    def stages(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Stage names and their topics, in the order of the flow."""
        return (
            ("inputs", self._names.inputs),
            ("calendar-facts", (self._names.calendar_facts,)),
            (USER_FACTS, (self._names.user_facts,)),
        )

    async def begin(self) -> None:
        """Look at what is there, before Faust starts; refuse to run on what cannot end well."""
        records = await self._read()
        self.done = DONE in records
        inputs = await self._partitions(self._names.inputs)
        internal = await self._partitions(self._names.internal)
        changelogs = await self._partitions(self._names.changelogs)
        everything = (*inputs, *internal, *changelogs)
        # In this order: other workers go on meanwhile, and neither deletions nor commits may seem to be ahead of records.
        starts = await self._cluster.starts(everything)
        committed = await self._cluster.committed(self._names.app_id, (*inputs, *internal))
        ends = await self._cluster.ends(everything)
        there = Offsets(starts=starts, ends=ends, committed=committed)
        refuse_topics_made_anew(there)
        refuse_unread_and_gone(there, internal)
        if self.done:
            refuse_lost_state(there, self._names, _offsets(records[DONE].get("ends", {})))
        else:
            refuse_truncated_history(there, inputs, accept=self._accept)

    async def finish(self) -> None:
        """Go through the stages until `done`; returns at once where it is done already."""
        for stage, topics in self.stages:
            records = await self._read()
            if DONE in records:
                break
            if stage not in records and stage == USER_FACTS and self._tell_more is not None:
                await self._tell_more()
            targets = (
                _offsets(records[stage]["targets"])
                if stage in records
                else await self._announce(stage, topics)
            )
            await reach(self._cluster, self._names.app_id, targets)
            reached = {"decision": "rebuild_stage_reached", "stage": stage}
            log.info("rebuild: stage %s reached", stage, extra=reached)
        else:
            await self._write(DONE, {"ends": _named(await self._state_ends())})
            line = "rebuild done: the state is complete, calendars are synced from now on"
            log.warning(line, extra={"decision": "rebuild_done"})
        self.done = True

    async def confirm(self) -> None:
        """Note how long the changelogs are by now, so that a later start can tell when one was shortened."""
        known = _offsets((await self._read()).get(DONE, {}).get("ends", {}))
        ends = await self._state_ends()
        if any(ends[tp] > known.get(tp, 0) for tp in ends):
            await self._write(
                DONE, {"ends": _named({tp: max(end, known.get(tp, 0)) for tp, end in ends.items()})}
            )

    async def _announce(self, stage: str, topics: Iterable[str]) -> dict[TopicPartition, int]:
        targets = await self._cluster.ends(await self._partitions(topics))
        await self._write(stage, {"targets": _named(targets)})
        if total := sum(targets.values()):
            fields = {"decision": "rebuild_stage_begins", "stage": stage, "count": total}
            log.warning("rebuild: stage %s waits for offsets to be processed", stage, extra=fields)
        return targets

    async def _state_ends(self) -> dict[TopicPartition, int]:
        return await self._cluster.ends(
            await self._partitions((*self._names.internal, *self._names.changelogs))
        )

    async def _partitions(self, topics: Iterable[str]) -> tuple[TopicPartition, ...]:
        counts = await self._cluster.partition_counts()
        if missing := [topic for topic in topics if topic not in counts]:
            raise RuntimeRefused(f"topics are missing: {', '.join(missing)}; run `shiftcal topics create`")
        return tuple(TopicPartition(topic, number) for topic in topics for number in range(counts[topic]))

    async def _read(self) -> dict[str, dict[str, Any]]:
        records = await self._cluster.read(TopicPartition(self._names.rebuild, 0))
        return {key.decode(): json.loads(value) for key, value in records if key and value}

    async def _write(self, key: str, value: Mapping[str, Any]) -> None:
        await self._sender.deliver(self._names.rebuild, key.encode(), json.dumps(value).encode())


async def reach(cluster: Cluster, group: str, targets: Mapping[TopicPartition, int]) -> None:
    """Wait until a group has committed up to the targets, or up to their last record where none follows."""
    loop = asyncio.get_running_loop()
    open_ = {tp: target for tp, target in targets.items() if target > 0}
    moved: dict[TopicPartition, tuple[int, float]] = {}
    while open_:
        committed = await cluster.committed(group, open_.keys())
        for tp, target in list(open_.items()):
            position = committed.get(tp, 0)
            last, since = moved.get(tp, (-1, 0.0))
            if position >= target:
                del open_[tp]
            elif position != last:
                moved[tp] = position, loop.time()
            elif loop.time() - since > STALLED_S:
                # Transaction markers and deleted records are never processed, so never committed.
                if await cluster.first_record(tp, position, target) is None:
                    del open_[tp]
                moved[tp] = position, loop.time()
        if open_:
            await asyncio.sleep(POLL_S)


def _named(offsets: Mapping[TopicPartition, int]) -> dict[str, int]:
    return {f"{tp.topic}/{tp.partition}": offset for tp, offset in sorted(offsets.items())}


def _offsets(named: Mapping[str, int]) -> dict[TopicPartition, int]:
    split = ((name.rpartition("/"), offset) for name, offset in named.items())
    return {TopicPartition(topic, int(partition)): offset for (topic, _, partition), offset in split}
