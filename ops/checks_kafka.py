"""Checks of `doctor` in Kafka: whether it is there, its topics, the workers' group, the state, the clock.

In: settings. Out: findings. No group is joined, and nothing is written.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ops.findings import Finding
from schemas import formats
from streams import agreement, standing, topics
from streams.cluster import Cluster
from streams.kafka import reaching
from streams.lookup import looking
from streams.reach import broker_of, names_of
from streams.rebuild import Rebuild
from streams.sender import Sender

if TYPE_CHECKING:
    from streams.names import Names
    from streams.settings import Settings

#: Clocks of one network agree to far less; a producer's timestamp is from before it was sent.
ALLOWED: Final = timedelta(seconds=5)


async def kafka(settings: Settings) -> list[Finding]:
    """Connect, and ask for the topics."""
    with reaching(settings):
        async with Cluster(broker_of(settings)) as cluster:
            counts = await cluster.partition_counts()
    return [Finding("kafka", "ok", f"{settings.kafka_bootstrap} answers, and has {len(counts)} topics")]


async def topics_as_needed(settings: Settings) -> list[Finding]:
    """Compare the topics with what is needed, as `topics check` does."""
    specs = names_of(settings).specs(settings.partitions)
    with reaching(settings):
        found = await topics.check(broker_of(settings), specs)
    if not found:
        return [Finding("topics", "ok", f"all {len(specs)} topics are as they should be")]
    lacking = [one for one in found if one.is_missing]
    told = [
        Finding(
            "topics",
            "failed" if one.severity is topics.Severity.ERROR else "warning",
            f"topic {one.topic} {one.what}",
        )
        for one in found
        if not one.is_missing
    ]
    if lacking:
        names = ", ".join(one.topic for one in lacking)
        said = f"{len(lacking)} of {len(specs)} topics are missing ({names})"
        told.insert(0, Finding("topics", "failed", said, "run `shiftcal topics create`"))
    return told


async def state(settings: Settings) -> list[Finding]:
    """Look whether a worker would start on what is there, as it does itself."""
    names, broker = names_of(settings), broker_of(settings)
    with reaching(settings):
        async with Cluster(broker) as cluster:
            rebuild = Rebuild(
                cluster, Sender(broker), names
            )  # it would tell others of its stages; it never begins one here
            agreed = agreement.heed(await agreement.read(cluster, names))
            await rebuild.begin()
    return [*_state(names, rebuild), *_format(agreed)]


def _state(names: Names, rebuild: Rebuild) -> list[Finding]:
    if rebuild.done:
        return [Finding("state", "ok", f"the state of {names.app_id} is complete")]
    said = f"the state of {names.app_id} is not complete yet: the workers build it from the input topics"
    return [Finding("state", "warning", said, "start a worker, and wait until it is ready")]


def _format(agreed: agreement.Agreed) -> list[Finding]:
    if agreed.number == formats.NEWEST:
        return []
    said = f"rows and messages are written in format {agreed.number}, this release knows {formats.NEWEST}"
    cure = "once all workers and portals are of this release, run `shiftcal topics raise-format`"
    return [Finding("format", "warning", said, cure)]


async def group(settings: Settings) -> list[Finding]:
    """Count the workers, and what waits for them."""
    names = names_of(settings)
    async with looking(settings, standing.topics(names)) as lookup:
        flow = await standing.flow(lookup, names)
    waits = flow.inputs + flow.calendar_facts + flow.user_facts
    said = (
        f"{waits} messages wait for group {names.app_id}: {flow.inputs} of the input topics, {flow.calendar_facts} about"
        f" calendars, {flow.user_facts} about users"
    )
    if flow.workers == 0:
        return [Finding("group", "warning", f"no worker runs; {said}", "start one with `shiftcal worker`")]
    workers = "workers run" if flow.workers is None else f"{flow.workers} workers run"
    return [Finding("group", "ok", f"{workers}; {said}")]


async def clock(settings: Settings) -> list[Finding]:
    """Look for records from the future: they show that this clock is slow, or that of whoever wrote them fast."""
    names, name = names_of(settings), "clock: Kafka"
    ours = (*names.inputs, *names.internal, names.status)
    async with looking(settings, ours) as lookup:
        ahead = [
            topic for topic in ours if any((await lookup.since(topic, datetime.now(UTC) + ALLOWED)).values())
        ]
    if ahead:
        return [
            Finding(
                name,
                "warning",
                f"records of {', '.join(ahead)} are dated more than {ALLOWED.seconds} s after this machine's clock",
                "set this machine's clock, and those of the workers and of upstream, by one time server",
            )
        ]
    return [Finding(name, "ok", "no record is dated ahead of this machine's clock")]
