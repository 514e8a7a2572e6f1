"""Google answers nobody, refuses for good, or counts more calls than we do."""

from __future__ import annotations

from tests.drill.conftest import NewDrill
from tests.drill.watch import Record
from tests.e2e.messages import in_days, shift


def test_google_away(new_drill: NewDrill, record_property: Record) -> None:
    """An outage of eleven minutes: it is waited out, without a restart, and the soonest shift is first."""
    drill = new_drill()
    worker = drill.start().wait_ready()
    agency = drill.staffed(10)
    away = drill.watch("ShiftcalGoogleAway", "503 to everything; Google is back")
    oldest = drill.watch("ShiftcalOldestChange", "503 to everything; Google is back")
    away.broken()
    oldest.broken()
    fault = drill.google.fault("html", status=503)
    agency.schedule(
        *(shift(f"new-{n}", 1, user.id, start=in_days(20 - n)) for n, user in enumerate(agency.users))
    )
    away.turns_true(60)
    away.fires(400)
    oldest.turns_true(700)
    oldest.fires(120)
    assert worker.get("/ready")[0] == 200
    assert "syncing" in drill.world.must("status", "metro", "u000").out
    mark = drill.google.mark()
    for watch in (away, oldest):
        watch.repaired()
    drill.google.mend(fault)
    away.turns_false(record_property, 60)
    oldest.turns_false(record_property, 60)
    drill.world.settle()
    assert all(len(user.titles()) == 2 for user in agency.users)
    first = [one["account"] for one in drill.google.journal(mark) if one["method"] == "events.insert"]
    assert first.index(agency.users[-1].account) < len(first) / 2
