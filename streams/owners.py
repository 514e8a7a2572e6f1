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
from collections import defaultdict
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from schemas import formats
from streams import agreement
from streams.windows import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from streams.cluster import Cluster
    from streams.names import Names
    from streams.sender import Sender

log = logging.getLogger(__name__)

PREFIX = "owner/"

#: Behind a process' name: calls of its own that went away with their users, and came back with them.
TOLD = "/told"

#: A release that is not delivered within so many seconds is given up: everybody's pause grows by it.
RELEASE_S = 3.0


class Held(NamedTuple):
    """The newest word about a partition: claimed, or released.

    `spent`: its part of the calls that its owner knew to count at Google then: its own, and those that it was told of when
    it took over itself. By whose they are, since what goes back to where it came from must not count twice; with the time
    until which they count.
    """

    instance: str
    process: str
    how: Literal["claimed", "released"]
    spent: Mapping[str, Sequence[float]]


class Inheritance(NamedTuple):
    """How the last owners of partitions left them.

    `unclean`: without a word, or with a call cut off. `silent`: those of them that another process left, of whose calls
    nothing is known. `spent`: what is known of the rest, by process: calls, and for how many seconds they count. `gone`:
    the part of what this process called itself that was for users whom somebody else has now, or tells of.
    """

    unclean: frozenset[int]
    silent: frozenset[int]
    spent: dict[str, tuple[int, float]]
    gone: float


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
        self._before: frozenset[int] = frozenset()  # claimed last, given up or not

    async def claim(self, partitions: frozenset[int]) -> Inheritance:
        """Claim the partitions, and say how they were left."""
        records = await agreement.read(self._cluster, self._names)
        agreement.heed(records)  # it may have been raised since this worker started
        known = newest(_said(records))
        found = inheritance(known, partitions, self._before, self._process, self._clock())
        self._claimed = self._before = partitions
        await self._write("claimed", partitions)
        if found.unclean:
            fields = {"decision": "left_uncleanly", "partitions": sorted(found.unclean)}
            log.warning("partitions were not left cleanly by their last owner", extra=fields)
        return found

    async def release(self, spent: Mapping[str, tuple[int, float]], *, unsure: frozenset[int]) -> None:
        """Give up what was claimed, but for what is `unsure`.

        `spent`: calls that count at Google, by process ("": this one), and for how many seconds.
        """
        claimed, self._claimed = self._claimed, frozenset()
        partitions = claimed - unsure
        if not partitions:
            return
        now = self._clock()
        parts: dict[str, tuple[float, float]] = {}
        for whose, (calls, seconds) in spent.items():
            # What others told us of ourselves is not in our own windows any more, and must not be taken for it.
            name = self._process + TOLD if whose == self._process else whose or self._process
            more, until = parts.get(name, (0.0, 0.0))
            parts[name] = (more + calls / len(claimed), max(until, now + seconds))
        try:
            async with asyncio.timeout(RELEASE_S):
                await self._write("released", partitions, parts)
        except TimeoutError:
            fields = {"decision": "release_not_taken", "partitions": sorted(partitions)}
            log.warning(
                "Kafka took no release: the next owner of these partitions will be careful", extra=fields
            )

    async def _write(
        self, how: str, partitions: Iterable[int], spent: Mapping[str, tuple[float, float]] | None = None
    ) -> None:
        value = {
            "process": self._process,
            "how": how,
            "partitions": sorted(partitions),
            "spent": spent or {},
            "release": agreement.release(),
            "knows": formats.NEWEST,
        }
        await self._sender.deliver(
            self._names.rebuild, (PREFIX + self._instance).encode(), json.dumps(value).encode()
        )


def _said(records: Iterable[tuple[bytes | None, bytes | None]]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (key.decode().removeprefix(PREFIX), json.loads(value))
        for key, value in records
        if key is not None and value is not None and key.startswith(PREFIX.encode())
    ]


def newest(records: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[int, Held]:
    """Return the newest word about each partition, of all that was ever said."""
    known: dict[int, Held] = {}
    for instance, said in records:
        held = Held(instance, said["process"], said["how"], said["spent"])
        for number in said["partitions"]:
            if held.how == "claimed" or _is_of(known.get(number), held):
                known[number] = held
    return known


def behind(records: Iterable[tuple[bytes | None, bytes | None]], number: int) -> list[str]:
    """Return the releases of those who work and do not know this format; owners of before there were any said nothing of it.

    Kafka cannot tell: of a static member that comes back it keeps what it knew of the one before.
    """
    said = _said(records)
    known = {one["process"]: (one.get("release", "unknown"), one.get("knows", 1)) for _, one in said}
    owners = {held.process for held in newest(said).values() if held.how == "claimed"}
    return sorted(release for release, knows in map(known.__getitem__, owners) if knows < number)


def inheritance(
    known: Mapping[int, Held],
    partitions: frozenset[int],
    before: frozenset[int],
    process: str,
    now: float,
) -> Inheritance:
    """Return how these partitions were left, for a process that had those `before`."""
    left = {number: known[number] for number in partitions if number in known}
    unclean = frozenset(number for number, held in left.items() if held.how == "claimed")
    silent = frozenset(number for number in unclean if left[number].process != process)
    # What this very process called for those that it keeps is in its own windows; what it called for those of an owner that
    # died since nobody else tells.
    ours = {number for number in partitions & before if left[number].process == process} | (silent & before)
    gone = 1 - len(ours) / len(before) if before else 0.0
    return Inheritance(unclean, silent, _spent(left.values(), process, now), gone)


def _spent(left: Iterable[Held], process: str, now: float) -> dict[str, tuple[int, float]]:
    parts: defaultdict[str, list[Sequence[float]]] = defaultdict(list)
    for held in left:
        for whose, (calls, until) in held.spent.items():
            if until > now and not held.process == whose == process:
                parts[whose].append((calls, until))
    return {
        whose: (ceil(sum(calls for calls, _ in told)), min(MINUTE, max(until for _, until in told) - now))
        for whose, told in parts.items()
    }


def _is_of(known: Held | None, released: Held) -> bool:
    return known is None or (known.instance, known.process) == (released.instance, released.process)
