"""Workers whose names are given, as a pod's is, and outlive whatever else is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from tests.e2e.google import Google
from tests.e2e.messages import in_days, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, World

NAME = "shiftcal-worker-{}"


def told(agency: Agency, version: int) -> None:
    agency.schedule(
        *(
            shift(f"s-{user.id}", version, user.id, start=in_days(2), title=f"v{version}")
            for user in agency.users
        )
    )


def seen(agency: Agency, version: int) -> bool:
    return all(user.titles() == [f"v{version}"] for user in agency.users)


def test_a_pod_that_comes_back_without_its_volume(new_world: Callable[..., World], google: Google) -> None:
    """It is the same member with the same users, and recovers its tables: nobody else is disturbed, nothing is written twice."""
    world = new_world(google, session_timeout_s=80)
    world.must("topics", "create")
    agency = Agency(world, "pods", *(f"u{number}" for number in range(12)))
    world.connect(*agency.users)
    zero, one = (world.start(f"w{n}", instance_id=NAME.format(n)) for n in range(2))
    for worker in (zero, one):
        worker.wait_ready()
    world.settle()
    agency.publish()
    told(agency, 1)
    assert eventually(lambda: seen(agency, 1), bool), one.tail()
    world.settle()
    before, since = zero.number("shiftcal_rebalances_total"), google.mark()

    one.kill()
    shutil.rmtree(world.home / "state-w1")
    told(agency, 2)
    one = world.start("w1", instance_id=NAME.format(1)).wait_ready()
    assert eventually(lambda: seen(agency, 2), bool), one.tail()
    world.settle()
    assert one.number("shiftcal_table_rows") > 0
    assert zero.number("shiftcal_rebalances_total") == before
    written = [
        (each["account"], each["event_id"])
        for each in google.journal(since)
        if each["method"] == "events.patch"
    ]
    mine = {user.account for user in agency.users}
    assert sorted(account for account, _ in written if account in mine) == sorted(mine)
