"""Workers that are gone, hang, are not ready, or cannot keep up."""

from __future__ import annotations

import shutil
import signal

from tests.drill.conftest import NewDrill
from tests.drill.stage import Drill
from tests.drill.watch import Record
from tests.e2e.messages import envelope, in_days, shift


def test_worker_gone(new_drill: NewDrill, record_property: Record) -> None:
    """It is killed and nobody starts it again; then it is started."""
    drill = new_drill()
    worker = drill.start().wait_ready()
    agency = drill.staffed(2)
    watch = drill.watch("ShiftcalWorkerGone", "SIGKILL; started again")
    watch.broken()
    worker.kill()
    assert watch.turns_true(10)[0]["metric"]["job"] == "shiftcal-worker"
    watch.fires(150)
    agency.schedule(shift("late", 1, "u000"))
    watch.repaired()
    drill.start()
    watch.turns_false(record_property)
    agency.users[0].shows("u000-0", "late")


def test_worker_hangs(new_drill: NewDrill, record_property: Record) -> None:
    """It is there and answers nothing; it is ended for good, and started again."""
    drill = new_drill()
    worker = drill.start().wait_ready()
    agency = drill.staffed(2)
    watch = drill.watch("ShiftcalWorkerGone", "SIGSTOP; SIGKILL, and started again")
    watch.broken()
    worker.process.send_signal(signal.SIGSTOP)
    watch.turns_true(10)
    agency.schedule(shift("late", 1, "u000"))
    assert worker.get("/live")[0] == 0
    watch.repaired()
    worker.kill()
    drill.start()
    watch.turns_false(record_property)
    agency.users[0].shows("u000-0", "late")


#: As many as the runbook gives a figure for.
SHIFTS, EACH = 20_000, 500


def test_not_ready(new_drill: NewDrill, record_property: Record) -> None:
    """A new group starts on twenty thousand shifts without any state: lag falls, so it is waited for."""
    drill = new_drill()
    drill.start().wait_ready()
    drill.staffed(2)
    _fill(drill)
    drill.world.settle(seconds=300)
    drill.stop()
    shutil.rmtree(drill.world.home / "state-one")
    watch = drill.watch("ShiftcalNotReady", "start without state, 20,000 shifts; waited")
    drill.world.must("topics", "create", app_id="again")
    watch.broken()
    worker = drill.start(app_id="again")
    watch.turns_true(30)
    watch.repaired()
    watch.turns_false(record_property, 300)
    assert worker.get("/ready")[0] == 200


def test_lag(new_drill: NewDrill, record_property: Record) -> None:
    """Ten thousand messages at once, as in an import: it falls, and is waited for."""
    drill = new_drill()
    drill.start().wait_ready()
    drill.staffed(2)
    watch = drill.watch("ShiftcalLag", "10,000 messages at once; waited")
    watch.broken()
    _fill(drill, shifts=10_000, each=1)
    topics = {sample["metric"]["topic"] for sample in watch.turns_true(30)}
    assert topics
    watch.repaired()
    watch.turns_false(record_property, 180)
    drill.world.settle(seconds=120)


def _fill(drill: Drill, shifts: int = SHIFTS, each: int = EACH) -> None:
    """Shifts of users who are not connected, so many in a message, all messages at once."""
    changes = [shift(f"s{n}", 1, f"b{n // 20}", start=in_days(1 + n % 20)) for n in range(shifts)]
    messages = [
        envelope("big", calendar_id="ops", changes=changes[first : first + each])
        for first in range(0, shifts, each)
    ]
    drill.world.send("schedule-changed", *messages)
