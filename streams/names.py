"""Real names and shapes of all topics.

In: prefix, app id, partitions. Out: `Names`, `Spec`s. Not here: connections; `streams.topics` compares and creates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

INPUTS = (
    "schedule-changed",
    "calendar-published",
    "calendar-unpublished",
    "user-deactivated",
    "sync-commands",
)
TABLES = ("publications", "assignments", "rosters", "users")
MAX_MESSAGE = 16 * 1024 * 1024
DAY_MS = 24 * 3600 * 1000
WEEK_MS = 7 * DAY_MS

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


# Older statuses are of no use to anybody, and those of somebody who is forgotten should not outlast the day.
_STATUS = {"cleanup.policy": "compact", "segment.ms": str(DAY_MS), "max.compaction.lag.ms": str(DAY_MS)}


class Role(StrEnum):
    """What a topic is for; decides its configuration and how strictly it is checked."""

    INPUT = "input"
    INTERNAL = "internal"
    CHANGELOG = "changelog"
    REBUILD = "rebuild"
    STATUS = "status"
    OUTPUT = "output"
    LETTERS = "letters"


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
            case Role.REBUILD:
                return {"cleanup.policy": "compact"}
            case Role.STATUS:
                return _STATUS
            case Role.OUTPUT:
                return {}
            case Role.LETTERS:
                return _LARGE
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
    def changelogs(self) -> tuple[str, ...]:
        """All changelogs."""
        return tuple(map(self.changelog, TABLES))

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
            *(Spec(name, Role.CHANGELOG, partitions) for name in self.changelogs),
            Spec(self.rebuild, Role.REBUILD, 1),
            Spec(self.results, Role.OUTPUT, partitions),
            Spec(self.status, Role.STATUS, partitions),
            Spec(self.dead_letters, Role.LETTERS, partitions),
        )


@dataclass(frozen=True, slots=True)
class ShadowNames(Names):
    """Real names of a shadow's topics: the inputs are everybody's, all else is its own.

    `live` is the app id of the group beside which it runs.
    """

    live: str = "shiftcal"

    @property
    def of_live(self) -> Names:
        """Names of the group beside which it runs."""
        return Names(self.prefix, self.live)

    @property
    def results(self) -> str:
        """The calls that it would have made."""
        return f"{self.app_id}-calls"

    @property
    def status(self) -> str:
        """Each user's status, as the shadow sees it."""
        return f"{self.app_id}-status"

    @property
    def dead_letters(self) -> str:
        """What the shadow could not read."""
        return f"{self.app_id}-dead-letters"
