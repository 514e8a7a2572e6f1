"""All lanes of a worker: who has one, when they may run, and how they end.

Comes in: wakes of the users agent, and the turns of a rebalance. Goes out: running lanes. Not here: what a lane does.

==================  ================================================================================================
turn                what happens here
==================  ================================================================================================
`pause`             no call may begin any more (a plain flag: nothing is waited for)
`drain`             lanes end: what waits is dropped, calls under way are answered and reported
`open`              the gate is passed: rows with open differences get their lanes
==================  ================================================================================================
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextvars import Context
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from planning.agenda import Rest, Write, agenda, outlook
from planning.connection import daily_look
from planning.takeover import takeover_look
from streams.lane import Lane
from streams.tables import NotOpen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from schemas.rows import UserRow
    from streams.desk import Desk

    _Visit = Callable[[int, bytes, UserRow], Awaitable[None]]

log = logging.getLogger(__name__)

#: Calls under way when a partition is given up get so long, in seconds: everybody's pause grows by it.
DRAIN_S = 8.0

#: How often rows are looked through for a daily verify that is due, in seconds.
ROUND_S = 300.0

#: So many rows are read and looked at in one go, some milliseconds: changes that come meanwhile wait for no more.
TOGETHER = 10


class Lanes:
    """The lanes of the partitions that are open now."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._open: frozenset[int] = frozenset()
        self._walked: frozenset[int] = frozenset()
        self._folded: dict[int, int] = {}  # by partition: the latest offset that a row holds
        self._lanes: dict[bytes, tuple[Lane, asyncio.Task[None]]] = {}
        self._timers: dict[bytes, asyncio.TimerHandle] = {}
        self._waking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._lanes)

    def is_open(self, partition: int) -> bool:
        """Say whether the gate of this partition is passed."""
        return partition in self._open

    def folded_to(self, partition: int) -> int:
        """Return the offset up to which rows of this partition hold what was said, as far as was seen here."""
        return self._folded.get(partition, -1) + 1

    def unsure(self, partition: int, key: bytes) -> frozenset[str] | None:
        """Return the shifts about which a call may have been made whose outcome is not told; None: perhaps any.

        Until the rows of a partition were looked through, its last owner may have died in the middle of any planned call.
        """
        if partition not in self._walked:
            return None
        known = self._lanes.get(key)
        return frozenset() if known is None else known[0].unsure

    def folded(self, partition: int, key: bytes, offset: int) -> None:
        """Take note of a row that was just written; its user may have work now."""
        self._folded[partition] = max(offset, self._folded.get(partition, -1))
        if (known := self._lanes.get(key)) is not None:
            known[0].folded(offset)
        elif not self._desk.paused:
            self._wake(partition, key)

    def open(self, partitions: frozenset[int], unclean: frozenset[int] = frozenset()) -> None:
        """Let lanes run for these partitions, and wake whoever has open differences.

        `unclean`: partitions that were left without a word. Their users are looked at before anything is written.
        """
        self._desk.paused = False
        self._open = partitions
        waking = self._wake_all(partitions, unclean)
        self._waking = asyncio.get_running_loop().create_task(waking, context=Context())

    async def drain(self) -> frozenset[int]:
        """End all lanes, and return the partitions in which a call was cut off whose outcome nobody knows.

        A second one, of a stop that meets a rebalance, ends no sooner than the first.
        """
        self._desk.paused = True
        self._open = self._walked = frozenset()
        self._desk.metrics.crowd.clear()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        tasks = [task for _, task in self._lanes.values()]
        if self._waking is not None:
            self._waking.cancel()
            tasks.append(self._waking)
        lanes = [lane for lane, _ in self._lanes.values()]
        try:
            await asyncio.gather(*(lane.drain(DRAIN_S) for lane in lanes))
        finally:
            self._lanes.clear()
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in lanes:
            lane.leave()
        return frozenset(lane.partition for lane in lanes if lane.was_cut)

    async def rounds(self) -> None:
        """Look through the rows now and then, for users whose daily verify is due; until cancelled."""
        while True:
            await asyncio.sleep(ROUND_S)
            await self._walk(self._open, self._ask_daily)

    async def _walk(self, partitions: frozenset[int], visit: _Visit) -> None:
        for partition in sorted(partitions):
            after: bytes | None = None
            with contextlib.suppress(NotOpen):  # given up meanwhile; its next owner walks over it
                while partition in self._open and (
                    found := self._desk.rows.slice(partition, after, TOGETHER)
                ):
                    for key, row in found:
                        await visit(partition, key, row)
                    after = found[-1][0]
                    await asyncio.sleep(0)

    async def _wake_all(self, partitions: frozenset[int], unclean: frozenset[int]) -> None:
        handed: list[Awaitable[object]] = []

        async def take_over(partition: int, key: bytes, row: UserRow) -> None:
            due = takeover_look(row, self._desk.policies.of(row.agency_id), datetime.now(UTC))
            if due is None:
                await self._wake_if_open(partition, key, row)
            else:  # wakes the lane once it is folded
                handed.append(await self._desk.hand_over(key, due))

        try:
            for partition in sorted(partitions):
                visit = take_over if partition in unclean else self._wake_if_open
                await self._walk(frozenset({partition}), visit)
                self._walked |= {partition} & self._open
            await asyncio.gather(*handed)
        except Exception as error:  # noqa: BLE001 - users who were never woken would wait in silence
            self._desk.fail(error)

    async def _wake_if_open(self, partition: int, key: bytes, row: UserRow) -> None:
        policy, now = self._desk.policies.of(row.agency_id), datetime.now(UTC)
        todo = agenda(row, policy, now)
        self._desk.metrics.crowd.note(key, row.status, len(outlook(row, policy, now).held))
        if todo != Rest():
            self._wake(partition, key)
        if isinstance(todo, Write) and (known := self._lanes.get(key)) is not None:
            known[0].inherit(todo.mutations)

    async def _ask_daily(self, partition: int, key: bytes, row: UserRow) -> None:
        if partition in self._open and (due := daily_look(row, datetime.now(UTC))) is not None:
            await self._desk.tell(key, due)

    def _wake(self, partition: int, key: bytes) -> None:
        if partition not in self._open:
            return
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()
        if (known := self._lanes.get(key)) is not None:
            known[0].wake()
            return
        lane = Lane(self._desk, partition, key)
        # An empty context: a task made inside an agent inherits its event, and with it the right to write tables.
        task = asyncio.get_running_loop().create_task(self._run(lane, partition, key), context=Context())
        self._lanes[key] = (lane, task)

    async def _run(self, lane: Lane, partition: int, key: bytes) -> None:
        try:
            until = await lane.run()
        except Exception as error:  # noqa: BLE001 - a lane's bug ends the worker; nothing may wait for it in silence
            self._desk.fail(error)
            return
        if partition not in self._open:
            return  # a drain is under way, and lets go of the lane once its last call is reported
        lane.leave()
        del self._lanes[key]
        if until is not None:
            seconds = max(0.0, (until - datetime.now(UTC)).total_seconds())
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(seconds, self._wake, partition, key, context=Context())
