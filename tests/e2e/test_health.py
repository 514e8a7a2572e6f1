"""What a supervisor and Prometheus see of a worker."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.google import Google
from tests.e2e.messages import shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, World


def test_live_and_ready(new_world: Callable[..., World], google: Google) -> None:
    """Alive at once, ready once it has recovered and consumes; gone after SIGTERM, which is a success."""
    world = new_world(google)
    world.must("topics", "create")
    Agency(world, "early").schedule(*(shift(f"s{n}", notes="n" * 2_000) for n in range(200)))
    worker = world.start()
    seen = [eventually(lambda: worker.get("/live")[0], lambda status: status == 200)]
    first = worker.get("/ready")[0]
    worker.wait_ready()
    assert seen == [200]
    assert first == 503
    status, page = worker.get("/metrics")
    assert status == 200
    for name in ("messages", "changes", "google_calls", "dead_letters", "lanes", "consumer_lag_records"):
        assert f"shiftcal_{name}" in page
    assert "early" not in page
    assert worker.get("/nothing")[0] == 404
    assert worker.stop() == 0, worker.tail()
    assert worker.get("/live")[0] == 0


def test_a_stop_before_the_start_is_over(new_world: Callable[..., World], google: Google) -> None:
    """SIGTERM is a success then as well."""
    world = new_world(google)
    world.must("topics", "create")
    worker = world.start()
    eventually(lambda: worker.get("/live")[0], lambda status: status == 200)
    assert worker.stop() == 0, worker.tail()
    assert "Traceback" not in worker.tail()
