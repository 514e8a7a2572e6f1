"""An operator at the portal, and a host application that is told: worker, portal, Kafka and Google are all there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.conftest import NewWorld
from tests.e2e.google import Google
from tests.e2e.host import KEY, Host
from tests.e2e.messages import in_days, shift
from tests.e2e.portal import SECRET, Portal, Tab
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, User, policies

HOLD = {"hold_removals_over": {"share": 0.5, "count": 3}}


class Desk(Tab):
    """An operator's browser."""

    def enter(self) -> None:
        """Come in by a link that the command makes."""
        changed = {"portal_host_key": SECRET, "portal_public_url": self.portal.url}
        done = self.portal.world.must("portal", "link", "metro-ems", "olga", "--role", "operator", **changed)
        self._open(done.out.strip())

    def at(self, path: str) -> str:
        """One of the operators' pages, as it is read."""
        return self._open(f"{self.portal.url}/operators{path}")

    def sees(self, path: str, text: str) -> str:
        """Wait until this stands there."""
        seen = eventually(lambda: self.at(path), lambda page: text in page)
        assert text in seen, f"{seen}\n{self.portal.tail()}"
        return seen


def how_it_stands(desk: Desk) -> None:
    """Two users in step, one of them with five shifts; nothing waits, and one of two workers cannot be asked."""
    home = desk.sees("", "metro-ems 2 2 0")
    assert "5 changes reached Google" in home
    assert "1 of 2 workers cannot be reached" in home
    used = re.search(r"Google calls of the last minute (\d+) of (\d+)", home)
    assert used is not None, home
    assert int(used[1]) >= 5
    assert used[2] == "10000"
    assert "Records not yet processed 0" in desk.sees("", "Records not yet processed 0")
    assert "Should stand in Google 5" in desk.at("/user?agency=metro-ems&user=u1")


def test_an_operator_at_the_portal(new_world: NewWorld, google: Google, tmp_path: Path) -> None:
    """What is held is seen and let go, what could not be read is seen and sent again, and all of it is in the log."""
    world = new_world(google, policies=policies(tmp_path / "policies.toml", [("metro-ems", HOLD)]))
    world.must("topics", "create")
    worker = world.start().wait_ready()
    world.settings["SHIFTCAL_PORTAL_WORKERS"] = f"{worker.url},http://127.0.0.1:1"
    portal = Portal(world)
    try:
        agency = Agency(world, "metro-ems", "u1", "u2")
        u1, u2 = agency.users
        world.connect(u1, u2)
        agency.publish(1)
        agency.schedule(*(shift(f"s{n}", start=in_days(n + 1)) for n in range(5)))
        u1.shows(*(f"s{n}" for n in range(5)))
        portal.wait_ready()
        desk = Desk(portal, u1)
        desk.enter()

        how_it_stands(desk)
        portal.process.kill()  # the next one goes on where this one was, with the session that it began
        portal.process.wait()
        portal = desk.portal = Portal(world)
        portal.wait_ready()
        agency.unpublish(2)
        desk.sees("/held", "metro-ems/ops 1 5")
        assert "5 changes reached Google" in desk.at("")
        assert "removed from Google calendars: 5. Users who have them: 1." in desk.at(
            "/release?agency=metro-ems&calendar=ops"
        )
        said = desk.press("/operators/release", agency="metro-ems", calendar="ops")
        assert "Everybody is being released from the un-publish of metro-ems/ops." in said
        u1.shows()
        desk.sees("/held", "Nothing is held.")

        world.send("sync-commands", b'{"event_id": "e9", "agency_id": "metro-ems"}', key="metro-ems/u1")
        seen = desk.sees("/letters", "bad_envelope")
        number = next(word for word in seen.split() if word.partition(":")[0].isdecimal() and word[-1] == "0")
        assert "It would come back as a dead letter: command" in desk.at(f"/redrive?number={number}")
        assert f"Dead letter {number} was sent again." in desk.press("/operators/redrive", number=number)
        eventually(lambda: len(world.records("dead-letters")), lambda count: count == 2)
        assert len(world.records("dead-letters")) == 2

        log = desk.at("/audit")
        assert log.index("metro-ems/olga redrive") < log.index("metro-ems/olga release calendar")
        assert portal.stop() == 0, portal.tail()
        assert "Traceback" not in portal.log.read_text()
    finally:
        portal.process.kill()
        portal.process.wait()


def test_a_grant_that_is_taken_back(new_world: NewWorld, google: Google) -> None:
    """The host application is told until it takes it; the user who connects again is not told of any more."""
    with Host() as host:
        world = new_world(google, notify_url=host.url, notify_key=KEY)
        world.must("topics", "create")
        world.start().wait_ready()
        portal = Portal(world)
        try:
            agency = Agency(world, "metro-ems", "u1")
            (u1,) = agency.users
            world.connect(u1)
            agency.publish()
            agency.schedule(shift("s1"))
            u1.shows("s1")
            portal.wait_ready()
            google.ask("POST", f"accounts/{u1.account}/invalidate", {})
            agency.schedule(shift("s2"))
            u1.is_told("needs_reauthorization", "invalid_grant")

            told = eventually(lambda: list(host.told.values()), bool, seconds=90)
            assert [(one["agency_id"], one["user_id"], one["reason"]) for one in told] == [
                ("metro-ems", "u1", "invalid_grant")
            ], portal.tail()
            assert host.requests == 2
            back_again(u1)
            assert len(host.told) == 1
            assert portal.stop() == 0, portal.tail()
        finally:
            portal.process.kill()
            portal.process.wait()


def back_again(user: User) -> None:
    """The user connects again, and everything is in step."""
    user.world.connect(user)
    user.shows("s1", "s2")
    user.is_told("in_sync")
