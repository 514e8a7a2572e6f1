"""From one worker to three and back to one, while changes flow: nothing is lost or written twice, and how long it pauses.

In: forty changes a second of two hundred users. Out: for each turn its pauses, the most records behind, and how long
changes took meanwhile.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.chaos.pace import Pace
from tests.drill.conftest import NewDrill
from tests.drill.stage import Drill
from tests.drill.watch import Record
from tests.e2e.messages import Json
from tests.e2e.waiting import eventually
from tests.e2e.world import Worker

pytestmark = pytest.mark.alone

USERS, PER_SECOND = 200, 40

#: Each turn is watched for so long, in seconds.
TURN_S = 50


@dataclass
class Turn:
    """One turn, as metrics and results tell it."""

    name: str
    began: float
    took_s: float
    pauses: float
    paused_s: float
    lag: float

    def row(self, results: list[Json]) -> str:
        """As a row of the runbook's table."""
        took = sorted(
            float(one["latency_ms"]) / 1000
            for one in results
            if self.began <= _moment(one) < self.began + TURN_S
        )
        shown = [took[int(len(took) * share)] for share in (0.5, 0.99)] + took[-1:]
        latencies = " | ".join(f"{one:.2f} s" for one in shown)
        return (
            f"| {self.name} | {self.took_s:.0f} s | {self.pauses:.0f}, {self.paused_s:.1f} s | {self.lag:.0f}"
            f" | {latencies} | {sum(one > 1 for one in took)} of {len(took)} |"
        )


def _moment(result: Json) -> float:
    """When Kafka had the change."""
    return datetime.fromisoformat(result["at"]).timestamp() - float(result["latency_ms"]) / 1000


def _paused(worker: Worker) -> tuple[float, float]:
    """How often the worker took partitions up, and for how long it could call nobody before."""
    name = "shiftcal_rebalance_pause_seconds"
    return worker.number(f"{name}_count"), worker.number(f"{name}_sum")


def _turn(drill: Drill, name: str, do: Callable[[], object]) -> Turn:
    """Do it, wait until the worker that stays has its new partitions, and note what the metrics say."""
    stays, began, at = drill.workers["one"], time.time(), time.monotonic()
    before = _paused(stays)
    do()
    if name != "one":
        assert eventually(lambda: _paused(stays)[0], lambda count: count > before[0], seconds=40) > before[0]
    took = time.monotonic() - at
    time.sleep(max(0.0, at + TURN_S - time.monotonic()))
    after = _paused(stays)
    lag = drill.prometheus.number(f"max_over_time(sum(shiftcal_consumer_lag_records)[{TURN_S}s:1s])")
    return Turn(name, began, took, after[0] - before[0], after[1] - before[1], lag)


def test_one_three_one(new_drill: NewDrill, record_property: Record) -> None:
    """Two workers more, and two workers less, as an operator does it."""
    drill = new_drill("--latency-ms", "50", partitions=12, session_timeout_s=10)
    drill.start("one").wait_ready()
    agency = drill.staffed(USERS)
    pace = Pace(agency, PER_SECOND)
    for user in agency.users:
        pace.wanted[user.id] |= set(user.titles())
    with pace.flowing():
        turns = [
            _turn(drill, "one", lambda: None),
            _turn(drill, "one to two", lambda: drill.start("two").wait_ready()),
            _turn(drill, "two to three", lambda: drill.start("three").wait_ready()),
            _turn(drill, "three to two", lambda: drill.retire("three")),
            _turn(drill, "two to one", lambda: drill.retire("two")),
        ]
    drill.world.settle(seconds=120)
    results = [one.json for one in drill.world.records("sync-results")]
    for turn in turns:
        record_property("scale", turn.row(results))
    record_property(
        "sent", f"{len(pace.sent)} messages, {len(pace.sent) / (len(turns) * TURN_S):.0f} a second"
    )
    told = Counter((one["shift_id"], one["version"], one["action"]) for one in results)
    stats = drill.google.stats()
    writes = sum(stats["committed"].get(f"events.{verb}", 0) for verb in ("insert", "patch", "delete"))
    record_property("told", f"{len(told)} changes in {len(results)} results; {writes} writes at Google")
    assert pace.missing() == {}
    # Nobody died: so nothing was delivered again, and nothing is told twice either.
    assert writes == len(told) == len(results)
    assert stats["duplicate_inserts"] == []
    assert stats["overlaps"] == []
    assert not any("Traceback" in worker.log.read_text() for worker in drill.world.workers)
