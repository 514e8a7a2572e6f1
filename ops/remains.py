"""What is left of a person after `forget`, and for how long.

In: the topics as they are configured now. Out: a line for each place. Not here: removing anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.cluster import Cluster
from streams.kafka import reaching
from streams.names import INPUTS, Names
from streams.reach import broker_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.settings import Settings

_DAY_MS = 24 * 3600 * 1000


async def lines(settings: Settings, names: Names) -> list[str]:
    """Say where the person is still named; the times are those of the topics' present configuration."""
    topics = _topics(names)
    with reaching(settings):
        async with Cluster(broker_of(settings)) as cluster:
            configs = await cluster.topic_configs([topic for topic, _ in topics])
    return [
        "what remains:",
        *(f"  topic {topic}: {what}, {_lasts(configs.get(topic, {}))}" for topic, what in topics),
        "  Google: the events that stand in the person's own calendar",
        "  elsewhere: ids in the workers' logs; whole copies in backups of the database and in whatever reads these topics",
    ]


def _topics(names: Names) -> list[tuple[str, str]]:
    messages = [(names.topic(name), "the messages that name the person") for name in INPUTS]
    inputs = [
        (topic, what) for topic, what in messages if "calendar-" not in topic.removeprefix(names.prefix)
    ]
    return [
        *inputs,
        (names.calendar_facts, "the same, validated"),
        (names.user_facts, "what was wanted and what was done"),
        (
            names.changelog("assignments"),
            "whose the shift was, as long as upstream's newest word of it stands",
        ),
        (
            names.changelog("rosters"),
            "the shifts that upstream has not taken away, and that they were a member",
        ),
        (names.changelog("users"), "older rows"),
        (names.status, "older statuses"),
        (names.results, "what was written, by ids"),
        (names.dead_letters, "unreadable messages as they came"),
    ]


def _lasts(config: Mapping[str, str | None]) -> str:
    policy, limit = config.get("cleanup.policy"), config.get("retention.ms")
    if policy is None or limit is None:
        return "for as long as the broker keeps it"
    if "compact" in policy:
        return "until compaction has run over it"
    if limit == "-1":
        return "for ever (no retention is set)"
    return f"for {int(limit) / _DAY_MS:g} days"
