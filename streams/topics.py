"""Names and shapes of all topics; what is missing is created, what differs is said, nothing is ever altered.

In: prefix, app id, partitions, replication. Out: `Names`, `Spec`s, `Difference`s. Not here: messages, offsets, the running worker.
Faust itself refuses nothing: on a missing input it reports Ready and stays deaf, so this check runs before it starts.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from aiokafka.admin import NewTopic
from aiokafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code
from aiokafka.structs import TopicPartition

from streams.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streams.security import Broker

INPUTS = ("schedule-changed", "calendar-published", "calendar-unpublished", "user-deactivated", "sync-commands")
TABLES = ("publications", "assignments", "rosters", "users")
MAX_MESSAGE = 16 * 1024 * 1024
WEEK_MS = 7 * 24 * 3600 * 1000

_UNLIMITED = {"retention.ms": "-1", "retention.bytes": "-1"}
_LARGE = {"max.message.bytes": str(MAX_MESSAGE)}
_INTERNAL = {"cleanup.policy": "delete", "retention.ms": str(WEEK_MS), "retention.bytes": "-1", **_LARGE}
# Faust would set the policy alone. The rest keeps a changelog short, hence recovery quick: compaction starts early and runs
# at least hourly, and a deleted row's tombstone stays for a day, so that a worker that was away for less sees it.
_CHANGELOG = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.1",
    "segment.ms": "3600000",
    "max.compaction.lag.ms": "3600000",
    "delete.retention.ms": "86400000",
    **_LARGE,
}


class Role(StrEnum):
    """What a topic is for; decides its configuration and how strictly it is checked."""

    INPUT = "input"
    INTERNAL = "internal"
    CHANGELOG = "changelog"
    REBUILD = "rebuild"
    STATUS = "status"
    OUTPUT = "output"


class Severity(StrEnum):
    """An error stops the worker; a warning is said and lived with."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about one topic that is not as it should be."""

    severity: Severity
    topic: str
    what: str

    def __str__(self) -> str:
        return f"{self.severity}: topic {self.topic} {self.what}"


@dataclass(frozen=True, slots=True)
class Spec:
    """A topic as it should be."""

    name: str
    role: Role
    partitions: int

    def configs(self) -> Mapping[str, str]:
        """Topic configuration that `create` sets."""
        match self.role:
            case Role.INPUT:
                return _UNLIMITED
            case Role.INTERNAL:
                return _INTERNAL
            case Role.CHANGELOG:
                return _CHANGELOG
            case Role.REBUILD | Role.STATUS:
                return {"cleanup.policy": "compact"}
            case Role.OUTPUT:
                return {}
            case _:
                assert_never(self.role)


@dataclass(frozen=True, slots=True)
class Names:
    """Real names: prefix and app id put in front."""

    prefix: str = ""
    app: str = "shiftcal"

    @property
    def app_id(self) -> str:
        """The consumer group, and the first part of every name that belongs to it."""
        return self.prefix + self.app

    def topic(self, name: str) -> str:
        """Prefix a name that the outside world knows."""
        return self.prefix + name

    @property
    def inputs(self) -> tuple[str, ...]:
        """All input topics."""
        return tuple(map(self.topic, INPUTS))

    @property
    def calendar_facts(self) -> str:
        """Validated facts, keyed by agency and calendar."""
        return f"{self.app_id}-calendar-facts"

    @property
    def user_facts(self) -> str:
        """Everything about a user in one order, keyed by agency and user."""
        return f"{self.app_id}-user-facts"

    @property
    def internal(self) -> tuple[str, ...]:
        """Topics that nobody else may write."""
        return (self.calendar_facts, self.user_facts)

    def changelog(self, table: str) -> str:
        """Name the changelog as Faust does."""
        return f"{self.app_id}-{table}-changelog"

    @property
    def rebuild(self) -> str:
        """The durable fact of how far a rebuild has come."""
        return f"{self.app_id}-rebuild"

    @property
    def results(self) -> str:
        """What reached Google."""
        return self.topic("sync-results")

    @property
    def status(self) -> str:
        """Each user's newest status."""
        return self.topic("sync-status")

    @property
    def dead_letters(self) -> str:
        """What could not be read."""
        return self.topic("dead-letters")

    def specs(self, partitions: int) -> tuple[Spec, ...]:
        """List every topic the product needs."""
        return (
            *(Spec(name, Role.INPUT, partitions) for name in self.inputs),
            *(Spec(name, Role.INTERNAL, partitions) for name in self.internal),
            *(Spec(self.changelog(table), Role.CHANGELOG, partitions) for table in TABLES),
            Spec(self.rebuild, Role.REBUILD, 1),
            Spec(self.results, Role.OUTPUT, partitions),
            Spec(self.status, Role.STATUS, partitions),
            Spec(self.dead_letters, Role.OUTPUT, partitions),
        )


async def create(broker: Broker, specs: Iterable[Spec], replication: int) -> tuple[str, ...]:
    """Create what is missing, leave everything else alone, and name what was created."""
    async with Cluster(broker) as cluster:
        existing = await cluster.partition_counts()
        missing = [spec for spec in specs if spec.name not in existing]
        if not missing:
            return ()
        response = await cluster.admin.create_topics(
            [NewTopic(spec.name, spec.partitions, replication, topic_configs=dict(spec.configs())) for spec in missing],
        )
        for name, code, *message in response.topic_errors:
            if code and code != TopicAlreadyExistsError.errno:
                raise for_code(code)(f"could not create topic {name}: {message[0] if message else ''}")
        await _until_visible(cluster, {spec.name for spec in missing})
        return tuple(spec.name for spec in missing)


async def check(broker: Broker, specs: Iterable[Spec]) -> list[Difference]:
    """Say what differs from what is needed; an empty list is a clean bill."""
    specs = tuple(specs)
    async with Cluster(broker) as cluster:
        counts = await cluster.partition_counts()
        found = [difference for spec in specs for difference in _shape(spec, counts.get(spec.name))]
        present = [spec for spec in specs if spec.name in counts]
        configs = await cluster.topic_configs([spec.name for spec in present])
        for spec in present:
            found += _configuration(spec, configs.get(spec.name, {}))
        return found + await _beginnings(cluster, [spec for spec in present if spec.role is Role.INPUT], counts)


def _shape(spec: Spec, count: int | None) -> list[Difference]:
    if count is None:
        return [Difference(Severity.ERROR, spec.name, "is missing; run `shiftcal topics create`")]
    fixed = spec.role in (Role.INTERNAL, Role.CHANGELOG, Role.REBUILD)
    if fixed and count != spec.partitions:
        what = f"has {count} partitions, {spec.partitions} are needed; set SHIFTCAL_PARTITIONS={count}, or take a new SHIFTCAL_APP_ID"
        return [Difference(Severity.ERROR, spec.name, what)]
    return []


def _configuration(spec: Spec, actual: Mapping[str, str | None]) -> list[Difference]:
    found: list[tuple[Severity, str]] = []
    policy = actual.get("cleanup.policy")
    match spec.role:
        case Role.INPUT:
            for name in ("retention.ms", "retention.bytes"):
                if actual.get(name, "-1") != "-1" and policy != "compact":
                    found.append((Severity.WARNING, f"keeps its records only up to {name}={actual[name]}; lost state cannot be rebuilt from it"))
            if policy and "compact" in policy:
                found.append((Severity.WARNING, f"has cleanup.policy={policy}, which drops older messages of a key; lost state cannot be rebuilt from it"))
        case Role.INTERNAL:
            if policy and policy != "delete":
                found.append((Severity.ERROR, f"has cleanup.policy={policy}, which drops facts that were not read yet; it must be delete"))
        case Role.CHANGELOG | Role.REBUILD:
            if policy and policy != "compact":
                found.append((Severity.ERROR, f"has cleanup.policy={policy}, which deletes state; it must be compact"))
        case Role.STATUS:
            if policy and "compact" not in policy:
                found.append((Severity.WARNING, f"has cleanup.policy={policy}; compact keeps each user's newest status"))
        case Role.OUTPUT:
            pass
        case _:
            assert_never(spec.role)
    largest = actual.get("max.message.bytes")
    if spec.role in (Role.INTERNAL, Role.CHANGELOG) and largest and int(largest) < MAX_MESSAGE:
        found.append((Severity.WARNING, f"takes messages of at most {largest} bytes, {MAX_MESSAGE} are needed for large calendars and users"))
    return [Difference(severity, spec.name, what) for severity, what in found]


async def _beginnings(cluster: Cluster, inputs: list[Spec], counts: Mapping[str, int]) -> list[Difference]:
    partitions = [TopicPartition(spec.name, number) for spec in inputs for number in range(counts[spec.name])]
    starts = await cluster.starts(partitions)
    return [
        Difference(Severity.WARNING, tp.topic, f"has lost the beginning of partition {tp.partition} (it starts at offset {start}); lost state cannot be rebuilt from it")
        for tp, start in sorted(starts.items())
        if start > 0
    ]


async def _until_visible(cluster: Cluster, names: set[str]) -> None:
    """Wait for the new topics' metadata: a consumer that subscribes before would not see them for minutes."""
    for _ in range(100):
        try:
            if names <= (await cluster.partition_counts()).keys():
                return
        except UnknownTopicOrPartitionError:
            pass  # still spreading through the cluster
        await asyncio.sleep(0.05)
    raise TimeoutError(f"created topics did not appear within 5 s: {', '.join(sorted(names))}")
