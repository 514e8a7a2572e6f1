"""Who owns which users, as a durable fact of the group; and how their last owner left them.

In: partitions of `user-facts` that are opened, and given up. Out: an `Inheritance`. Not here: what follows from it.

The small compacted topic `APP_ID-rebuild` holds a record per instance, ``owner/<instance id>``. A claim is written before the
first call for the partitions is made, a release after the last one was reported: a claim that nobody released, of whatever
instance, is that of an owner that may have left calls behind. Records are read in the order in which they were written, and
a release counts for what is still claimed by its own instance: a worker that slept while others took its users over gives
back what is not its own any more.

One key per instance is enough: of two records of one instance the older may be compacted away only once its segment is
closed, long after whoever was to read it has done so.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from aiokafka.structs import TopicPartition

from streams.windows import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from streams.cluster import Cluster
    from streams.names import Names
    from streams.sender import Sender

log = logging.getLogger(__name__)

PREFIX = "owner/"

#: A release that is not delivered within so many seconds is given up: everybody's pause grows by it.
RELEASE_S = 3.0


class Held(NamedTuple):
    """The newest word about a partition: claimed, or released after so many calls per partition in its last minute."""

    instance: str
    process: str
    how: Literal["claimed", "released"]
    calls: float = 0.0
    at: float = 0.0


class Inheritance(NamedTuple):
    """How the last owners of partitions left them.

    `unclean`: without a word, or with a call cut off. `silent`: those of them that another process left, of whose calls
    nothing is known. `calls`: what others made for the rest in their last minute, `fresh_for` so many seconds more.
    """

    unclean: frozenset[int]
    silent: frozenset[int]
    calls: int
    fresh_for: float


class Owners:
    """What one process claims and releases."""

    def __init__(
        self,
        cluster: Cluster,
        sender: Sender,
        names: Names,
        instance: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._cluster, self._sender, self._names, self._clock = cluster, sender, names, clock
        self._instance = instance
        self._process = secrets.token_hex(8)  # an instance that crashed and is back is another owner
        self._claimed: frozenset[int] = frozenset()

    async def claim(self, partitions: frozenset[int]) -> Inheritance:
        """Claim the partitions, and say how they were left."""
        found = inheritance(await self._read(), partitions, self._process, self._clock())
        self._claimed = partitions
        await self._write("claimed", partitions)
        if found.unclean:
            log.warning("partitions %s were not left cleanly by their last owner", sorted(found.unclean))
        return found

    async def release(self, *, calls: int, unsure: frozenset[int]) -> None:
        """Give up what was claimed, after so many calls within the last minute; nothing of what is `unsure`."""
        claimed, self._claimed = self._claimed, frozenset()
        partitions = claimed - unsure
        if not partitions:
            return
        try:
            async with asyncio.timeout(RELEASE_S):
                await self._write("released", partitions, calls=calls / len(claimed), at=self._clock())
        except TimeoutError:
            log.warning("Kafka took no release: the next owner of %s will be careful", sorted(partitions))

    async def _read(self) -> list[tuple[str, dict[str, Any]]]:
        records = await self._cluster.read(TopicPartition(self._names.rebuild, 0))
        return [
            (key.decode().removeprefix(PREFIX), json.loads(value))
            for key, value in records
            if key is not None and value is not None and key.startswith(PREFIX.encode())
        ]

    async def _write(self, how: str, partitions: Iterable[int], **more: float) -> None:
        value = {"process": self._process, "how": how, "partitions": sorted(partitions), **more}
        await self._sender.deliver(
            self._names.rebuild, (PREFIX + self._instance).encode(), json.dumps(value).encode()
        )


def inheritance(
    records: Iterable[tuple[str, Mapping[str, Any]]], partitions: frozenset[int], process: str, now: float
) -> Inheritance:
    """Return how these partitions were left, by all that was ever said about them."""
    known: dict[int, Held] = {}
    for instance, said in records:
        held = Held(instance, said["process"], said["how"], said.get("calls", 0.0), said.get("at", 0.0))
        for number in said["partitions"]:
            if held.how == "claimed" or _is_of(known.get(number), held):
                known[number] = held
    left = {number: known[number] for number in partitions if number in known}
    unclean = frozenset(number for number, held in left.items() if held.how == "claimed")
    # What this very process called is in its own windows.
    silent = frozenset(number for number in unclean if left[number].process != process)
    lately = [
        held
        for held in left.values()
        if held.how == "released" and held.process != process and now - held.at < MINUTE
    ]
    fresh_for = max((MINUTE - max(0.0, now - held.at) for held in lately), default=0.0)
    return Inheritance(unclean, silent, ceil(sum(held.calls for held in lately)), fresh_for)


def _is_of(known: Held | None, released: Held) -> bool:
    return known is None or (known.instance, known.process) == (released.instance, released.process)
