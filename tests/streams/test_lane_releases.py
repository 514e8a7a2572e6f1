"""Disconnects, purges and deactivations: what stays, what goes, and when a token is given back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas.errors import CalendarGone, GoogleUnavailable, GrantLost
from schemas.facts import Disconnected
from schemas.policy import Policy
from streams import care
from tests.streams.lane_world import AGENCY, PARTITIONS, World, id_of, world_of

ALL = frozenset(range(PARTITIONS))
AWAY = GoogleUnavailable("status 503", "Google is away.")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What passes by itself is tried again soon."""
    monkeypatch.setattr(care, "delay", lambda *_: 0.01)


async def _start(world: World) -> World:
    """Ann has a shift of the past and one of tomorrow on her calendar."""
    world.shifts("ann", {"past": ("Day", -50.0), "soon": ("Day", 24.0)})
    await world.connect("ann")
    await world.settled()
    world.google.calls.clear()
    return world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_of(tmp_path) as world:
        yield await _start(world)
        world.google.door.set()


async def _token(world: World, user: str = "ann") -> str | None:
    found = await world.vault.connection(AGENCY, user)
    return None if found is None else found.refresh_token.get_secret_value()


async def test_a_disconnect(world: World) -> None:
    """The events stay, the token is erased and revoked, and nothing is called any more."""
    token = await _token(world)
    world.disconnect("ann")
    await world.settled()
    world.shift("ann", "soon", "Night")
    await world.settled()
    assert world.calendar("ann") == {"past": "Day", "soon": "Day"}
    assert await _token(world) is None
    assert world.google.revoked == [token]
    assert await world.vault.to_revoke(9) == []
    assert world.google.calls == []
    assert world.state("ann") == "stopped"


async def test_a_disconnect_while_writes_wait_for_permits(tmp_path: Path) -> None:
    """None of them begins any more, and the release does not wait for them."""
    async with world_of(tmp_path, account=4) as world:
        await world.connect("ann")
        await world.settled()
        world.shifts("ann", {f"{n}": ("Day", 24.0 + n) for n in range(20)})
        await world.until(lambda: world.quota.waiting)
        calls = list(world.google.calls)
        world.disconnect("ann")
        await world.settled()
        assert world.google.calls == calls
        assert len(world.google.revoked) == 1


async def test_a_purge(world: World) -> None:
    """What a look finds of ours goes, the user's own stays, and the token goes last."""
    google = world.google.memory.google
    mine = google.add(
        "ann", {"summary": "Dentist", "start": {"date": "2030-01-01"}, "end": {"date": "2030-01-02"}}
    )
    world.disconnect("ann", purge=True)
    await world.settled()
    assert list(google.standing("ann")) == [mine["id"]]
    assert await _token(world) is None
    assert len(world.google.revoked) == 1
    assert sorted(world.google.writes()) == ["delete", "delete"]
    assert {result.action for result in world.results[-2:]} == {"deleted"}


async def test_a_purge_during_an_outage(world: World) -> None:
    """It waits, and is done in full; the token lives as long."""
    world.google.troubles["ann"] = AWAY
    world.disconnect("ann", purge=True)
    await world.quietly(0.1)
    assert await _token(world) is not None
    world.google.troubles.clear()
    await world.settled()
    assert world.calendar("ann") == {}
    assert await _token(world) is None


@pytest.mark.parametrize(
    "error",
    [GrantLost("invalid_grant", "Lost."), CalendarGone("notFound", "Gone.")],
    ids=["grant", "calendar"],
)
async def test_a_purge_that_is_not_possible_any_more(world: World, error: Exception) -> None:
    """The token is released all the same."""
    world.google.troubles["ann"] = error
    world.disconnect("ann", purge=True)
    await world.settled()
    assert await _token(world) is None
    assert world.state("ann") == "stopped"


async def test_a_purge_of_somebody_who_never_connected(world: World) -> None:
    """There is nothing to do, and it is not tried for ever."""
    cause = world.cause(world.tick())
    world.tell(Disconnected(agency_id=AGENCY, user_id="cyd", purge=True, cause=cause))
    await world.settled()
    assert world.state("cyd") == "stopped"
    assert world.google.calls == []


async def test_a_deactivation(world: World) -> None:
    """Is a disconnect: by default the events stay."""
    world.deactivate("ann")
    await world.settled()
    assert world.calendar("ann") == {"past": "Day", "soon": "Day"}
    assert len(world.google.revoked) == 1
    assert world.state("ann") == "deactivated"


async def test_a_deactivation_that_google_does_not_confirm(world: World) -> None:
    """The status says so until it does; what is said once is not said at every try."""
    world.google.troubles["revoke"] = AWAY
    world.deactivate("ann")
    await world.until(lambda: world.state("ann") == "deactivated: not_revoked_yet")
    facts = sum(map(len, world.log.facts.values()))
    await world.quietly(0.1)
    assert sum(map(len, world.log.facts.values())) == facts
    world.google.troubles.clear()
    await world.settled()
    assert world.state("ann") == "deactivated"
    assert len(world.google.revoked) == 1


async def test_a_purge_that_is_not_possible_and_a_revocation_that_waits(world: World) -> None:
    """What is told last is what is still to be done."""
    world.google.troubles |= {"ann": CalendarGone("notFound", "Gone."), "revoke": AWAY}
    world.disconnect("ann", purge=True)
    await world.until(lambda: world.state("ann") == "stopped: not_revoked_yet")
    world.google.troubles.clear()
    await world.settled()
    assert world.state("ann") == "stopped"
    assert len(world.google.revoked) == 1


async def test_the_access_token_of_who_left(world: World) -> None:
    """It is not kept either: Google would take it for an hour."""
    world.deactivate("ann")
    await world.settled()
    assert f"{AGENCY}/ann" in world.google.forgotten


async def test_a_deactivation_under_a_policy(tmp_path: Path) -> None:
    """What has not started goes, where the agency wants it so."""
    async with world_of(tmp_path, Policy(on_leave="remove_future")) as world:
        await _start(world)
        world.deactivate("ann")
        await world.settled()
        assert world.calendar("ann") == {"past": "Day"}
        assert await _token(world) is None


async def test_a_revocation_that_google_does_not_take(world: World) -> None:
    """The token is erased at once, and shown to Google again until it answers."""
    world.google.troubles["revoke"] = AWAY
    world.disconnect("ann")
    await world.quietly(0.1)
    assert await _token(world) is None
    assert len(await world.vault.to_revoke(9)) == 1
    assert world.state("ann") == "stopped: not_revoked_yet"
    world.google.troubles.clear()
    await world.settled()
    assert len(world.google.revoked) == 1
    assert world.state("ann") == "stopped"
    assert await world.vault.to_revoke(9) == []
    assert world.row("ann").connection.released


async def test_an_account_that_another_user_has_connected_too(world: World) -> None:
    """Google would take the grant from both: the token is erased, and not revoked."""
    await world.connect("bob", account="ann", google_calendar_id="second")
    await world.settled()
    world.disconnect("ann")
    await world.settled()
    assert await _token(world) is None
    assert world.google.revoked == []
    world.shift("bob", "b", "Day")
    await world.settled()
    assert world.calendar("second") == {"b": "Day"}


async def test_a_connect_during_a_release(world: World) -> None:
    """The newer one wins: its token is neither erased nor revoked, and the calendar is in step again."""
    world.google.troubles["revoke"] = AWAY
    world.disconnect("ann")
    await world.quietly()
    world.shift("ann", "soon", "Night")
    await world.connect("ann")
    world.google.troubles.clear()
    await world.settled()
    assert await _token(world) is not None
    assert world.google.revoked == []
    assert world.calendar("ann") == {"past": "Day", "soon": "Night"}
    assert world.state("ann") == "in_sync"


async def test_an_old_disconnect_after_a_newer_connect(world: World) -> None:
    """Neither erases nor revokes."""
    late = world.cause(world.tick())
    await world.connect("ann")
    await world.settled()
    world.tell(Disconnected(agency_id=AGENCY, user_id="ann", cause=late))
    await world.settled()
    assert await _token(world) is not None
    assert world.google.revoked == []
    assert world.state("ann") == "in_sync"


async def test_a_disconnect_whose_newer_connect_is_still_on_its_way(world: World) -> None:
    """The vault knows the newer token already, and keeps it."""
    older, newer = world.cause(world.tick()), world.tick()
    await world.store("ann", newer)
    world.tell(Disconnected(agency_id=AGENCY, user_id="ann", cause=older))
    await world.settled()
    assert await _token(world) is not None
    assert world.google.revoked == []


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 10, 20, 40, 80])
async def test_a_drain_in_the_middle_of_a_release(world: World, steps: int) -> None:
    """Wherever it is cut, the next owner ends it: the token is erased, revoked, and told as released."""
    world.disconnect("ann")
    await world.until(world.is_folded)
    await world.steps(steps)
    await world.lanes.drain()
    world.lanes.open(ALL)
    await world.settled()
    assert await _token(world) is None
    assert await world.vault.to_revoke(9) == []
    assert len(world.google.revoked) in {1, 2}
    assert world.row("ann").connection.released


async def test_a_drain_while_a_purge_deletes(world: World) -> None:
    """The rest goes under the next owner."""
    world.google.door.clear()
    world.disconnect("ann", purge=True)
    await world.until(lambda: ("ann", "list") in world.google.calls)
    world.google.door.set()
    await world.until(world.google.writes)
    await world.lanes.drain()
    world.lanes.open(ALL)
    await world.settled()
    assert world.calendar("ann") == {}
    assert id_of("soon") not in world.google.memory.google.standing("ann")
    assert world.row("ann").connection.released
