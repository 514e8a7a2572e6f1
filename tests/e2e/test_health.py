"""What a supervisor and Prometheus see of a worker."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.google import Google
from tests.e2e.messages import shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, World


def test_live_and_ready(new_world: Callable[..., World], google: Google) -> None:
    """Alive at once, ready once it has recovered and consumes; gone after SIGTERM, which is a success at any time."""
    world = new_world(google)
    world.must("topics", "create")
    Agency(world, "early").schedule(*(shift(f"s{n}", notes="n" * 2_000) for n in range(200)))
    early = world.start()
    assert eventually(lambda: early.get("/live")[0], lambda status: status == 200) == 200
    assert early.get("/ready")[0] == 503
    assert early.stop() == 0, early.tail()
    assert "Traceback" not in early.tail()
    worker = world.start().wait_ready()
    status, page = worker.get("/metrics")
    assert status == 200
    for name in ("messages", "changes", "google_calls", "dead_letters", "lanes", "consumer_lag_records"):
        assert f"shiftcal_{name}" in page
    assert "early" not in page
    assert worker.get("/nothing")[0] == 404
    assert worker.stop() == 0, worker.tail()
    assert worker.get("/live")[0] == 0
