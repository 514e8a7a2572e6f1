"""Removals that wait for an operator, as a worker counts them."""

from __future__ import annotations

from pathlib import Path

from planning.observation import names_of
from schemas.outputs import SyncStatus
from streams.metrics import Metrics
from tests.streams.lane_world import AGENCY, CALENDAR, PARTITIONS, World, id_of, world_of


def held(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("shiftcal_held_removals")


def test_users_come_and_go() -> None:
    """The gauge is their sum: the newest of each."""
    metrics = Metrics()
    status = SyncStatus(agency_id="a", user_id="u", state="paused")
    for user, removals in ((b"a", 3), (b"b", 2), (b"a", 1), (b"c", 0)):
        metrics.crowd.note(user, status, removals)
    assert held(metrics) == 3
    metrics.crowd.note(b"a", status, 0)
    assert held(metrics) == 2
    metrics.crowd.clear()
    assert held(metrics) == 0


async def test_a_start_with_removals_that_are_held(tmp_path: Path) -> None:
    """They are counted when the rows are looked through, and no longer once the users are given up."""
    async with world_of(tmp_path) as world:
        await _with_an_event_that_nobody_spoke_of(world)
        await world.lanes.drain()
        assert held(world.desk.metrics) == 0
        world.lanes.open(frozenset(range(PARTITIONS)))
        await world.settled()
        assert held(world.desk.metrics) == 1


async def _with_an_event_that_nobody_spoke_of(world: World) -> None:
    names = names_of(AGENCY, CALENDAR, "1", 1, "f")
    days = {"start": {"date": "2030-01-01"}, "end": {"date": "2030-01-02"}}
    event = {"id": id_of("1"), "summary": "Day", "extendedProperties": {"private": names}, **days}
    world.google.memory.google.add("ann", event)
    await world.connect("ann")
    await world.settled()
    assert world.state("ann") == "paused: held"
