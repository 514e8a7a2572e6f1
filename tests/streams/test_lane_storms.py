"""Everything at once, by dice: edits, outages, lost answers, drains, freezes, reconnects. Calendars end right."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from schemas.errors import GoogleUnavailable, RateLimited
from streams import care, circuit, lanes, limits
from tests.streams.lane_world import PARTITIONS, World, id_of, world_of

ALL = frozenset(range(PARTITIONS))
PEOPLE = ("ann", "bob", "cyd")


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever waits, waits a moment."""
    for waits in (care, limits, circuit):
        monkeypatch.setattr(waits, "delay", lambda *_: 0.003)
    monkeypatch.setattr(care, "CLOSED_S", 0.003)
    monkeypatch.setattr(lanes, "DRAIN_S", 0.02)


class Storm:
    """One story; `wanted` is what every user should see at its end."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.dice = world, Random(seed)
        self.wanted: dict[str, dict[str, str]] = {user: {} for user in PEOPLE}

    async def turn(self) -> None:
        user = self.dice.choice(PEOPLE)
        match self.dice.randrange(12):
            case 0 | 1 | 2 | 3 as number:
                self._weather(user, number)
            case 4:
                await self.world.lanes.drain()
                self.world.lanes.open(ALL)
            case 5:
                self.world.resync(user)
            case 6:
                await self.world.connect(user)
            case 7:
                self.world.disconnect(user, purge=self.dice.random() < 0.5)
            case 8:
                self._meddle(user)
            case _:
                self._edit(user)
        await asyncio.sleep(self.dice.choice((0, 0, 0.001, 0.005)))

    def _weather(self, user: str, number: int) -> None:
        google = self.world.google
        match number:
            case 0:
                google.latency = self.dice.choice((0.0, 0.002, 0.03))
            case 1:
                lost = self.dice.random() < 0.7
                google.memory.fail(GoogleUnavailable("timeout", "No answer."), after_commit=lost)
            case 2:
                google.troubles[user] = RateLimited("rateLimitExceeded", "Too many.")
            case _:
                google.troubles.clear()

    def _meddle(self, user: str) -> None:
        google = self.world.google.memory.google
        shift = self.dice.choice(sorted(self.wanted[user]) or ["none"])
        if id_of(shift) in google.standing(user):
            google.alter(user, id_of(shift), {"summary": "Mine"})

    def _edit(self, user: str) -> None:
        changes: dict[str, tuple[str | None, float]] = {}
        for _ in range(self.dice.randint(1, 5)):
            shift = f"{user}{self.dice.randrange(8)}"
            if shift in self.wanted[user] and self.dice.random() < 0.3:
                del self.wanted[user][shift]
                changes[shift] = (None, 0)
            elif changes.get(shift, ("", 0))[0] is not None:
                self.wanted[user][shift] = title = self.dice.choice(("Day", "Night", "Late"))
                changes[shift] = (title, self.dice.choice((5.0, 30.0, 300.0)))
        self.world.shifts(user, changes)

    async def end(self) -> None:
        """The weather clears, everybody connects again, and everything is looked at once more."""
        self.world.google.troubles.clear()
        self.world.google.memory._faults.clear()
        self.world.google.latency = 0.0
        await self.world.settled()
        for user in PEOPLE:
            await self.world.connect(user)
        await self.world.settled()


@pytest.mark.parametrize("seed", range(12))
async def test_a_storm(tmp_path: Path, seed: int) -> None:
    """Every calendar shows what its user should see; no event was written twice at once, nothing was left behind."""
    async with world_of(tmp_path, project=100_000, at_once=5) as world:
        storm = Storm(world, seed)
        for user in PEOPLE:
            await world.connect(user)
        for _ in range(60):
            await storm.turn()
        await storm.end()
        for user in PEOPLE:
            assert world.calendar(user) == storm.wanted[user]
            assert len(world.google.memory.google.standing(user)) == len(storm.wanted[user])
            assert world.state(user) == "in_sync"
        assert world.quota.schedule.project.under_way == 0
        assert world.quota.waiting == 0
