"""Changes wait, and nothing else says why."""

from __future__ import annotations

from tests.drill.conftest import NewDrill
from tests.drill.watch import Record
from tests.e2e.messages import shift

#: The rule asks for ten minutes without a change that arrived.
TEN_MINUTES = 600


def test_client_not_accepted(new_drill: NewDrill, record_property: Record) -> None:
    """The OAuth client was changed at Google: the log says so, settings are corrected, workers are restarted."""
    drill = new_drill()
    drill.start().wait_ready()
    agency = drill.staffed(3)
    watch = drill.watch("ShiftcalNothingSynced", "OAuth client not accepted; corrected")
    watch.broken()
    drill.google.ask("PUT", "clients", {"client": "another secret"})
    for user in agency.users:
        drill.google.ask("POST", f"accounts/{user.account}/expire")
        agency.schedule(shift(f"{user.id}-new", 1, user.id))
    watch.turns_true(TEN_MINUTES + 60)
    worker = drill.workers["one"]
    assert "lanes wait: " in worker.log.read_text()
    assert worker.get("/ready")[0] == 200
    watch.repaired()
    drill.stop()
    drill.start(google_client_secret="another secret")
    watch.turns_false(record_property)
    drill.world.settle()
    assert all(len(user.titles()) == 2 for user in agency.users)
