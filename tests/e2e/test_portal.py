"""A user at the portal: connect, watch, repair, stop. Worker, portal, Kafka and Google are all there."""

from __future__ import annotations

import time

from tests.e2e.conftest import NewWorld
from tests.e2e.google import Google
from tests.e2e.messages import in_days, shift
from tests.e2e.portal import Portal, Tab
from tests.e2e.world import Agency

SHIFTS = 60
#: On a quiet machine it is a second; this one may be busy.
PATIENCE_S = 15.0


def test_a_user_at_the_portal(new_world: NewWorld, google: Google) -> None:
    """Everything is there within seconds, and told as it happens; what was altered comes back; what is to go goes."""
    world = new_world(google)
    world.must("topics", "create")
    worker = world.start().wait_ready()
    portal = Portal(world)
    try:
        agency = Agency(world, "metro-ems", "u1")
        (u1,) = agency.users
        agency.publish()
        agency.schedule(*(shift(f"s{n}", start=in_days(1 + n / 4)) for n in range(SHIFTS)))
        world.settle()
        portal.wait_ready()
        tab = Tab(portal, u1)
        tab.enter()
        assert "Not connected" in tab.look()

        google.ask("POST", "consents", {"account": u1.account})
        begun = time.monotonic()
        page = tab.press("/connect")
        redirected = time.monotonic() - begun
        assert f"You are connected as {u1.account}" in page
        with tab.live() as told:
            seen = next(text for text in told if "In step" in text)
        took = time.monotonic() - begun
        print(f"in step after {took:.2f} s, {redirected:.2f} s of them for the consent and the test")
        assert took < PATIENCE_S
        assert len(u1.titles()) == SHIFTS
        assert "s0" in seen
        assert "From calendar ops, version 1 of the shift." in seen

        google.delete(u1.calendar, u1.id_of("s1"))
        google.alter(u1.calendar, u1.id_of("s2"), {"summary": "by hand"})
        tab.press("/resync")
        tab.reads("repaired it: 1 event was put back, 1 was put right.")
        tab.press("/resync")
        assert "You can ask again in" in tab.look()

        tab.press("/stop", events="remove")
        tab.reads("revoked at Google")
        assert u1.titles() == []
        assert google.grants(u1.account) == 0
        tab.reads("Authorize metro-ems To Sync To Your Google Calendar")
    finally:
        ended = portal.stop()
    assert ended == 0, portal.tail()
    assert "Traceback" not in portal.log.read_text(), portal.tail()
    assert worker.stop() == 0, worker.tail()
