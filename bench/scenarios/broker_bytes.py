"""What one change costs on the broker: bytes in all internal topics and changelogs, for users with sixty tracked shifts.

Comes in: a stage. Goes out: kilobytes a change, by Kafka's own answer to DescribeLogDirs before and after so many single
changes in steady state, at fifty a second: log files as they lie, batches' headers and compression included, compaction not
yet begun (it starts an hour later at the earliest). Input and output topics are told apart; they are the contract's, not ours
to shrink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.broker import topic_bytes
from bench.crew import Crew
from bench.figures import Figure, median
from bench.machine import Clock
from bench.scenarios.latency import paced
from bench.stage import say

if TYPE_CHECKING:
    from collections import Counter

    from bench.stage import Stage

USERS, EACH, CHANGES, RATE = 20, 60, 400, 50
INTERNAL = "shiftcal-"


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Measure it so many times."""
    crew = Crew("bytes", USERS, EACH)
    await stage.start_worker()
    await stage.connect(crew)
    await stage.deliver("calendar-published", [crew.published(1)])
    await stage.deliver("schedule-changed", crew.all_changed(1))
    await stage.until_results(len(crew.shifts))
    await stage.until_in_sync(crew.users)
    await paced(stage, crew, crew.spread(100), 2)  # past what only the first change of a user costs
    await stage.until_idle()
    clock, sums, parts = Clock(), list[float](), list[dict[str, float]]()
    for number in range(repeat):
        before = await topic_bytes(stage.bootstrap, stage.prefix)
        await paced(stage, crew, crew.spread(CHANGES), 3 + number, RATE)
        await stage.until_idle()
        parts.append(_grown(before, await topic_bytes(stage.bootstrap, stage.prefix)))
        sums.append(sum(size for topic, size in parts[-1].items() if topic.startswith(INTERNAL)))
        say(f"run {number + 1}: {sums[-1]:.2f} kB a change; " + _shown(parts[-1]))
    middle = parts[sums.index(sorted(sums)[len(sums) // 2])]
    return [
        Figure(f"a change on the broker, user with {EACH} tracked shifts", median(sums), "kB", runs=tuple(sums),
               load=clock.load(), note=_shown(middle), details={"topics": middle}),
    ]  # fmt: skip


def _grown(before: Counter[str], after: Counter[str]) -> dict[str, float]:
    """Return kilobytes a change by topic, the largest first."""
    grown = {topic: (size - before[topic]) / CHANGES / 1000 for topic, size in after.items()}
    return dict(sorted(grown.items(), key=lambda one: -one[1]))


def _shown(parts: dict[str, float]) -> str:
    return ", ".join(
        f"{topic.removeprefix(INTERNAL)} {size:.2f}" for topic, size in parts.items() if size >= 0.01
    )
