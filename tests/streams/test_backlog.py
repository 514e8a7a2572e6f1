"""Calls that are not soon wait for a publication to be folded, and for nothing else."""

from __future__ import annotations

import asyncio

from planning.urgency import Place
from streams.backlog import ASK_S, EACH, FEW, LONGEST_S, Backlog
from streams.quota import Quota
from tests.streams.quota_world import DAY_S
from tests.streams.skipping import skip

#: Calls that the window has room for: fewer than what waits may ask for.
ROOM = 2_400


class Facts:
    """How many wait to be folded."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        return self.count


def test_as_many_as_at_any_time() -> None:
    """Nothing waits for them."""
    assert not Backlog(Facts(FEW)).holds(0.0, ROOM)


def test_publication_that_is_being_folded() -> None:
    """Calls wait until it is."""
    facts = Facts(FEW + 1)
    backlog = Backlog(facts)
    assert backlog.holds(0.0, ROOM)
    assert backlog.holds(0.5, ROOM)
    facts.count = FEW
    assert not backlog.holds(0.6, ROOM)


def test_more_than_the_worker_can_fold() -> None:
    """Calls wait for a moment once, not for ever."""
    facts = Facts(10_000)
    backlog = Backlog(facts)
    assert backlog.holds(0.0, ROOM)
    assert not backlog.holds(LONGEST_S, ROOM)
    assert not backlog.holds(10 * LONGEST_S, ROOM)
    facts.count = 0
    assert not backlog.holds(11 * LONGEST_S, ROOM)
    facts.count = 10_000
    assert backlog.holds(12 * LONGEST_S, ROOM)


def test_window_with_room_for_everybody() -> None:
    """Nothing waits: nobody takes a place that another one needs."""
    facts = Facts(FEW + 1)
    assert not Backlog(facts).holds(0.0, EACH * facts.count)
    assert Backlog(facts).holds(0.0, EACH * facts.count - 1)


def test_many_calls_at_once() -> None:
    """It is not counted anew for each."""
    facts = Facts(0)
    backlog = Backlog(facts)
    for n in range(100):
        backlog.holds(n * ASK_S / 50, ROOM)
    assert facts.asked <= 3


def test_tonights_shift_meanwhile() -> None:
    """It goes at once; what is not soon goes as soon as all is folded, though nothing else happens."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        quota, facts, began = Quota(100, 100, 10, loop.time), Facts(FEW + 1), loop.time()
        quota.schedule.backlog = Backlog(facts)
        loop.call_later(0.3, setattr, facts, "count", 0)
        went: dict[str, float] = {}

        async def call(name: str, place: Place) -> None:
            async with quota.permit(name, place):
                went[name] = loop.time() - began

        async with asyncio.TaskGroup() as group:
            group.create_task(call("later", Place(later=True, start=2 * DAY_S)))
            group.create_task(call("soon", Place(later=False, start=0.0)))
        assert went["soon"] == 0
        assert 0.3 <= went["later"] < 0.32

    skip(story())
