"""Grants that die, removals that are held, and more to write than the quota lets through."""

from __future__ import annotations

import time

from tests.drill.conftest import NewDrill
from tests.drill.watch import Record
from tests.e2e.messages import in_days, shift
from tests.e2e.world import policies


def test_grants_dying(new_drill: NewDrill, record_property: Record) -> None:
    """Eight of twenty users lose their grant within a minute; they connect again."""
    drill = new_drill()
    drill.start().wait_ready()
    agency = drill.staffed(20)
    time.sleep(70)  # the rule compares with what was before, minute by minute
    watch = drill.watch("ShiftcalGrantsDying", "8 of 20 grants revoked; connected again")
    watch.broken()
    hit = agency.users[:8]
    for user in hit:
        drill.google.ask("POST", f"accounts/{user.account}/invalidate")
        agency.schedule(shift(f"{user.id}-new", 1, user.id))
    watch.turns_true()
    hit[0].is_told("needs_reauthorization", "invalid_grant")
    assert drill.world.must("status", "metro").out.count("needs_reauthorization") >= len(hit)
    watch.repaired()
    drill.world.connect(*hit)
    watch.turns_false(record_property)
    drill.world.settle()
    assert all(len(user.titles()) == 2 for user in hit)


def test_held_removals(new_drill: NewDrill, record_property: Record) -> None:
    """A calendar is un-published, which was meant: it is released. Then another time, which was a mistake: published again."""
    hold = {"hold_removals_over": {"share": 0.5, "count": 3}}
    drill = new_drill()
    drill.world.settings["SHIFTCAL_POLICIES"] = str(
        policies(drill.world.home / "policies.toml", [("metro", hold)])
    )
    drill.start().wait_ready()
    agency = drill.staffed(5, shifts=2)
    watch = drill.watch("ShiftcalHeldRemovals", "un-published by mistake; published again")
    watch.broken()
    agency.unpublish(2)
    assert float(watch.turns_true()[0]["value"][1]) == 10
    assert "held" in drill.world.must("status", "metro").out
    watch.repaired()
    agency.publish(3)
    watch.turns_false(record_property)
    drill.world.settle()
    assert all(len(user.titles()) == 2 for user in agency.users)
    watch = drill.watch("ShiftcalHeldRemovals", "un-published as meant; `shiftcal release`")
    watch.broken()
    agency.unpublish(4)
    watch.turns_true()
    watch.repaired()
    drill.world.must("release", "metro", "--calendar", "ops")
    watch.turns_false(record_property)
    drill.world.settle()
    assert all(user.titles() == [] for user in agency.users)


PER_MINUTE = 60


def test_quota_full(new_drill: NewDrill, record_property: Record) -> None:
    """A publication of more than a minute's quota: how long it takes is what the runbook's formula says."""
    drill = new_drill(google_project_per_minute=PER_MINUTE)
    drill.start().wait_ready()
    agency = drill.staffed(4)
    watch = drill.watch("ShiftcalQuotaFull", "150 writes at 60 a minute; waited")
    for user in agency.users:
        agency.schedule(
            *(shift(f"{user.id}-b{n}", 1, user.id, start=in_days(3 + n)) for n in range(38)), calendar="b"
        )
    drill.world.settle()
    watch.broken()
    agency.publish(calendar="b")
    watch.turns_true()
    told = drill.prometheus.number("sum(shiftcal_pending_changes) / sum(shiftcal_permits_per_minute)")
    watch.repaired()
    watch.turns_false(record_property, 300)
    drill.world.settle()
    record_property("quota", f"the formula said {told:.1f} minutes, it took {watch.times.false_s / 60:.1f}")
    assert abs(told - watch.times.false_s / 60) < 1.2
    assert all(len(user.titles()) == 39 for user in agency.users)


def test_client_not_accepted(new_drill: NewDrill, record_property: Record) -> None:
    """The secret was changed at Google: the log says so, the setting is corrected, the worker restarted."""
    drill = new_drill()
    worker = drill.start().wait_ready()
    agency = drill.staffed(3)
    watch = drill.watch("ShiftcalNotAdmitted", "OAuth client not accepted; corrected, restarted")
    watch.broken()
    drill.google.ask("PUT", "clients", {"client": "another secret"})
    for user in agency.users:
        drill.google.ask("POST", f"accounts/{user.account}/expire")
        agency.schedule(shift(f"{user.id}-new", 1, user.id))
    watch.turns_true()
    watch.fires(90)
    assert "lanes wait: " in worker.log.read_text()
    assert worker.get("/ready")[0] == 200
    watch.repaired()
    drill.stop()
    drill.start(google_client_secret="another secret")
    watch.turns_false(record_property, 400)
    drill.world.settle()
    assert all(len(user.titles()) == 2 for user in agency.users)
