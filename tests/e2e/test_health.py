"""What a supervisor and Prometheus see of a worker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

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
    assert worker.number("shiftcal_table_rows") >= 200  # an assignment a shift, and who they are for
    assert worker.number("shiftcal_table_bytes") > 0
    assert worker.number("shiftcal_rebalances_total") >= 1
    assert worker.number("process_resident_memory_bytes") > 0
    assert "early" not in page
    # Of Faust's own pages, which show tables, none is there; and nothing else listens.
    for path in ("/nothing", "/table/", "/table/users", "/router/", "/router/users/", "/stats", "/"):
        assert worker.get(path)[0] == 404
    port = int(worker.url.rpartition(":")[2])
    assert listening(worker.process.pid) == {f"0100007F:{port:04X}"}
    assert worker.stop() == 0, worker.tail()
    assert worker.get("/live")[0] == 0


def listening(process: int) -> set[str]:
    """Where a process takes connections: addresses and ports as the kernel writes them."""
    opened = set()
    for one in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            opened.add(str(one.readlink()))
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]
    ]
    # https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html: the second field, the state, the inode.
    return {line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in opened}
