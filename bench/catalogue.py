"""Every scenario by its name: what it measures, how long it takes, and whether it is part of a run of some ten minutes.

Comes in: names, or nothing. Goes out: what to run, and an estimate. Not here: running.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from bench.scenarios import (
    against,
    broker_bytes,
    changes,
    failover,
    latency,
    publication,
    quota,
    replay,
    restart,
    size,
    storm,
    workers,
)
from bench.warm import SECONDS

if TYPE_CHECKING:
    from bench.figures import Figure
    from bench.stage import Stage


class Scenario(NamedTuple):
    """`fixed` seconds once and `each` for every repetition, on two idle cores; `is_long`: only by `--long` or by name."""

    measure: Callable[[Stage, int], Awaitable[list[Figure]]]
    what: str
    fixed: float
    each: float
    is_long: bool = False

    def seconds(self, repeat: int) -> float:
        """Return about how long it takes."""
        return self.fixed + self.each * repeat


SCENARIOS: dict[str, Scenario] = {
    "latency": Scenario(latency.measure, "three rates at three latencies of Google", 15, 40),
    "changes": Scenario(changes.measure, "4,000 single edits, 4,000 in one message, and the limits", 20, 22),
    "publication": Scenario(publication.measure, "200 x 20 beside raw aiohttp", 8, 18),
    "asks-first": Scenario(against.asks_first, "200 changes beside (a)", 130, 0),
    "concurrent": Scenario(against.concurrent, "4,000 changes beside (b) and (c)", 35, 39),
    "every-minute": Scenario(against.every_minute, "calls of (d)", 12, 14),
    "storm": Scenario(storm.measure, "50 edits to one shift", 15, 6),
    "bytes": Scenario(broker_bytes.measure, "bytes on the broker", 15, 10),
    "replay": Scenario(replay.measure, "everything once more", 20, 6, is_long=True),
    "restart": Scenario(restart.small, "20,000 tracked shifts", 50, 15, is_long=True),
    "size": Scenario(size.measure, "small and large calendars", 70, 25, is_long=True),
    "workers": Scenario(workers.measure, "one to three workers", 0, 130, is_long=True),
    "failover": Scenario(failover.measure, "a worker is killed", 20, 60, is_long=True),
    "quota": Scenario(quota.measure, "a publication that does not fit into the quota", 5, 160, is_long=True),
    "restart-200k": Scenario(restart.middle, "200,000 tracked shifts", 240, 60, is_long=True),
    "restart-1m": Scenario(
        restart.large, "1,000,000 tracked shifts; takes gigabytes of memory", 1_200, 300, is_long=True
    ),
}


def chosen(names: list[str], *, with_long: bool) -> dict[str, Scenario]:
    """Return the scenarios of these names; without any, those of a short run or all."""
    return {
        name: scenario
        for name, scenario in SCENARIOS.items()
        if (name in names if names else with_long or not scenario.is_long)
    }


def estimate(scenarios: dict[str, Scenario], repeat: int) -> str:
    """Say how long this takes, the warming of the broker included."""
    seconds = SECONDS + sum(scenario.seconds(repeat) for scenario in scenarios.values())
    return f"{', '.join(scenarios)}: about {max(1, round(seconds / 60))} minutes on two idle cores"
