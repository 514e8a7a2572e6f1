"""From one worker to three and back to one, while changes flow: nothing is lost or written twice, and how long it pauses.

In: forty changes a second of two hundred users. Out: for each turn its pause, the most records behind, and how long changes
took meanwhile.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from math import ceil

import pytest

from tests.chaos.pace import Pace
from tests.drill.conftest import NewDrill
from tests.drill.stage import Drill
from tests.drill.watch import Record
from tests.e2e.messages import Json

pytestmark = pytest.mark.alone

USERS, PER_SECOND = 200, 40
SETTLE_S, CALM_S = 30.0, 30.0
LAG = "sum(shiftcal_consumer_lag_records)"


def test_one_three_one(new_drill: NewDrill, record_property: Record) -> None:
    """Two workers more, and two workers less, as an operator does it."""
    drill = new_drill("--latency-ms", "50", partitions=12, session_timeout_s=10)
    drill.start("one").wait_ready()
    agency = drill.staffed(USERS)
    pace = Pace(agency, PER_SECOND)
    marks: list[tuple[str, float, float, float]] = []

    def turn(name: str, do: Callable[[], None]) -> None:
        """Do it, give it time to settle, and note what the metrics say."""
        began, at = time.time(), time.monotonic()
        do()
        done = time.monotonic() - at
        time.sleep(max(0.0, SETTLE_S - done))
        lag = drill.prometheus.number(f"max_over_time({LAG}[{ceil(time.monotonic() - at)}s:1s])")
        marks.append((name, began, done, lag))
        time.sleep(CALM_S)

    with pace.flowing():
        turn("one worker", lambda: None)
        turn("one to two", lambda: _join(drill, "two"))
        turn("two to three", lambda: _join(drill, "three"))
        turn("three to two", lambda: _leave(drill, "three"))
        turn("two to one", lambda: _leave(drill, "two"))
    drill.world.settle(seconds=120)
    results = [one.json for one in drill.world.records("sync-results")]
    for (name, began, done, lag), until in zip(
        marks, [*(mark[1] for mark in marks[1:]), time.time()], strict=True
    ):
        took = _latencies(results, began, until)
        record_property(
            "scale",
            f"| {name} | {done:.1f} s | {_longest_wait(results, began, until):.1f} s | {lag:.0f} "
            f"| {_at(took, 0.5):.0f} ms | {_at(took, 0.99):.0f} ms | {_late(took)} of {len(took)} |",
        )
    sent = len(pace.sent)
    record_property("changes", f"{sent} messages, {len(results)} results, {sent / (5 * 60):.0f} a second")
    assert pace.missing() == {}
    written = Counter((one["user_id"], one["shift_id"], one["version"], one["action"]) for one in results)
    assert [what for what, count in written.items() if count > 1] == []
    stats = drill.google.stats()
    assert stats["duplicate_inserts"] == []
    assert stats["overlaps"] == []
    assert not any("Traceback" in worker.log.read_text() for worker in drill.world.workers)


def _join(drill: Drill, name: str) -> None:
    drill.start(name).wait_ready()


def _leave(drill: Drill, name: str) -> None:
    """Stop it, and wait until another has taken its users over."""
    before = drill.prometheus.number("sum(shiftcal_rebalances_total)")
    drill.retire(name)
    gone = time.monotonic()
    left = drill.prometheus.number("count(shiftcal_gate_open == 1)")
    while (
        drill.prometheus.number("sum(shiftcal_rebalances_total)") <= before and time.monotonic() < gone + 25
    ):
        time.sleep(0.2)
    assert left >= 1


def _moment(result: Json) -> float:
    """When Kafka had the change."""
    return datetime.fromisoformat(result["at"]).timestamp() - float(result["latency_ms"]) / 1000


def _latencies(results: list[Json], began: float, until: float) -> list[float]:
    return sorted(float(one["latency_ms"]) for one in results if began <= _moment(one) < until)


def _longest_wait(results: list[Json], began: float, until: float) -> float:
    return max(_latencies(results, began, until)) / 1000


def _late(took: list[float]) -> int:
    """How many took longer than a second."""
    return sum(one > 1_000 for one in took)


def _at(took: list[float], share: float) -> float:
    return took[min(len(took) - 1, int(len(took) * share))]
