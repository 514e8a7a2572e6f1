"""Topics that are missing are created, what differs is said, nothing is ever altered.

In: a `Broker` and the `Spec`s of `Names.specs`. Out: names created, or `Difference`s. Not here: messages, the running worker.
Faust itself refuses nothing: on a missing input it reports Ready and stays deaf, so this check runs before it starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from aiokafka.admin import NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.structs import TopicPartition

from streams.cluster import Cluster
from streams.names import INPUTS, MAX_MESSAGE, TABLES, Names, Role, Spec
from streams.security import Broker

__all__ = ["INPUTS", "TABLES", "Difference", "Names", "Role", "Severity", "Spec", "check", "create"]


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
    is_missing: bool = False

    def __str__(self) -> str:
        return f"{self.severity}: topic {self.topic} {self.what}"


async def create(broker: Broker, specs: Iterable[Spec], replication: int) -> tuple[str, ...]:
    """Create what is missing, leave everything else alone, and name what was created."""
    async with Cluster(broker) as cluster:
        existing = await cluster.partition_counts()
        missing = [spec for spec in specs if spec.name not in existing]
        if not missing:
            return ()
        response = await cluster.admin.create_topics(
            [
                NewTopic(spec.name, spec.partitions, replication, topic_configs=dict(spec.configs()))
                for spec in missing
            ],
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
        return found + await _beginnings(
            cluster, [spec for spec in present if spec.role is Role.INPUT], counts
        )


def _shape(spec: Spec, count: int | None) -> list[Difference]:
    if count is None:
        return [
            Difference(Severity.ERROR, spec.name, "is missing; run `shiftcal topics create`", is_missing=True)
        ]
    fixed = spec.role in (Role.INTERNAL, Role.CHANGELOG, Role.REBUILD)
    if fixed and count != spec.partitions:
        what = f"has {count} partitions, {spec.partitions} are needed; set SHIFTCAL_PARTITIONS={count}, or take a new SHIFTCAL_APP_ID"
        return [Difference(Severity.ERROR, spec.name, what)]
    return []


def _configuration(spec: Spec, actual: Mapping[str, str | None]) -> Iterator[Difference]:
    for severity, what in (
        *_policy(spec.role, actual.get("cleanup.policy") or ""),
        *_limits(spec.role, actual),
    ):
        yield Difference(severity, spec.name, what)


def _policy(role: Role, policy: str) -> Iterator[tuple[Severity, str]]:
    match role:
        case Role.INPUT if "compact" in policy:
            yield (
                Severity.WARNING,
                f"has cleanup.policy={policy}, which drops older messages of a key; lost state cannot be rebuilt from it",
            )
        case Role.INTERNAL if "compact" in policy:
            yield (
                Severity.ERROR,
                f"has cleanup.policy={policy}, which drops facts not read yet; it must be delete",
            )
        case Role.CHANGELOG | Role.REBUILD if "delete" in policy:
            yield Severity.ERROR, f"has cleanup.policy={policy}, which deletes state; it must be compact"
        case Role.STATUS if policy and "compact" not in policy:
            yield Severity.WARNING, f"has cleanup.policy={policy}; compact keeps each user's newest status"
        case (
            Role.INPUT
            | Role.INTERNAL
            | Role.CHANGELOG
            | Role.REBUILD
            | Role.STATUS
            | Role.OUTPUT
            | Role.LETTERS
        ):
            return
        case _:
            assert_never(role)


def _limits(role: Role, actual: Mapping[str, str | None]) -> Iterator[tuple[Severity, str]]:
    if role is Role.INPUT and "delete" in (actual.get("cleanup.policy") or "delete"):
        for name in ("retention.ms", "retention.bytes"):
            if (limit := actual.get(name, "-1")) != "-1":
                yield (
                    Severity.WARNING,
                    f"keeps its records only up to {name}={limit}; lost state cannot be rebuilt from it",
                )
    largest = actual.get("max.message.bytes")
    if role in (Role.INTERNAL, Role.CHANGELOG) and largest and int(largest) < MAX_MESSAGE:
        yield (
            Severity.WARNING,
            f"takes messages of at most {largest} bytes; {MAX_MESSAGE} are needed for large calendars and users",
        )
    if role is Role.LETTERS and largest and int(largest) < MAX_MESSAGE:
        yield (
            Severity.WARNING,
            f"takes messages of at most {largest} bytes; a worker ends over a longer one that cannot be read, {MAX_MESSAGE} are needed",
        )


async def _beginnings(cluster: Cluster, inputs: list[Spec], counts: Mapping[str, int]) -> list[Difference]:
    partitions = [TopicPartition(spec.name, number) for spec in inputs for number in range(counts[spec.name])]
    starts = await cluster.starts(partitions)
    return [
        Difference(
            Severity.WARNING,
            tp.topic,
            f"has lost the beginning of partition {tp.partition} (it starts at offset {start}); lost state cannot be rebuilt from it",
        )
        for tp, start in sorted(starts.items())
        if start > 0
    ]


async def _until_visible(cluster: Cluster, names: set[str]) -> None:
    """Wait for the new topics' metadata: a consumer that subscribes before would not see them for minutes."""
    for _ in range(100):
        if names <= (await cluster.partition_counts()).keys():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"created topics did not appear within 5 s: {', '.join(sorted(names))}")
