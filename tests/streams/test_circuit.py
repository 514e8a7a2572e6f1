"""Google as a whole is away: one call tries, and afterwards nobody storms."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise

import pytest

from planning.urgency import Place
from schemas.errors import GoogleUnavailable, GrantLost
from streams.circuit import LONGEST_S, MANY, Circuit
from streams.quota import Quota
from tests.streams.quota_world import DAY_S, Google, World
from tests.streams.skipping import skip

AWAY = GoogleUnavailable("status 503", "Away.")


def _circuit(at_once: int = 64) -> Circuit:
    return Circuit(at_once, dice=lambda: 0.0)


def _opened() -> Circuit:
    circuit = _circuit()
    for n in range(MANY):
        circuit.failed(f"a{n}", 100.0, trial=False)
    return circuit


def test_many_accounts_fail_and_none_is_answered() -> None:
    """The circuit opens, and one call after a pause may try."""
    circuit = _opened()
    assert circuit.is_open
    assert not circuit.may_begin(100.5, 0)
    assert circuit.may_begin(101.0, 60)
    assert circuit.begin("b")
    assert not circuit.may_begin(200.0, 0)


@pytest.mark.parametrize("answered", [True, False])
def test_accounts_in_trouble_of_their_own(*, answered: bool) -> None:
    """One account many times, or many with an answer to somebody in between: no outage."""
    circuit = _circuit()
    for n in range(5 * MANY):
        circuit.failed(f"a{n}" if answered else "a", 100.0, trial=False)
        if answered:
            circuit.answered(trial=False)
    assert not circuit.is_open


def test_trials_that_fail() -> None:
    """Pauses grow up to a bound; failures of calls that were under way before change nothing."""
    circuit, now, pauses = _opened(), 100.0, []
    for _ in range(7):
        pauses.append(circuit.until - now)
        now = circuit.until
        circuit.begin("b")
        circuit.failed("c", now, trial=False)
        circuit.failed("b", now, trial=True)
    assert pauses == [1, 2, 4, 8, LONGEST_S, LONGEST_S, LONGEST_S]


def test_trial_that_is_not_made() -> None:
    """The next may try at once."""
    circuit = _opened()
    circuit.begin("b")
    circuit.unused(trial=True)
    assert circuit.may_begin(101.0, 0)


def test_google_is_back() -> None:
    """Two calls at first, and one more with each that is answered."""
    circuit = _opened()
    circuit.begin("b")
    circuit.answered(trial=True)
    assert [circuit.may_begin(101.0, n) for n in (1, 2)] == [True, False]
    circuit.answered(trial=False)
    assert [circuit.may_begin(101.0, n) for n in (2, 3)] == [True, False]
    for _ in range(64):
        circuit.answered(trial=False)
    assert circuit.may_begin(101.0, 1_000)


def test_outage_during_a_publication() -> None:
    """A handful of calls instead of thousands while Google is away; all users are served soon after it is back."""

    async def story() -> tuple[World, int, float]:
        world = World(Google())
        world.google.away = True
        asyncio.get_running_loop().call_later(600, setattr, world.google, "away", False)
        await world.publish({f"u{n}": [(2 + n / 100) * DAY_S] * 5 for n in range(300)})
        first = world.google.arrived[0].at - world.began
        # As they arrived: never more in a tenth of a second than are allowed, which grows with each answer.
        early = Counter(int((one.at - world.google.arrived[0].at) * 10) for one in world.google.arrived)
        assert early[0] <= 3
        assert early[1] <= 6
        return world, len(world.google.failed), first

    world, failed, first = skip(story())
    assert len(world.google.arrived) == 1_500
    assert failed <= 64 + 50
    assert first <= 600 + LONGEST_S + 2
    assert (
        world.seconds <= 600 + LONGEST_S + 90
    )  # those who were under way when it began pause by themselves, up to 64 s
    trials = sorted(world.google.failed)[80:]
    assert all(later - sooner >= LONGEST_S / 2 for sooner, later in pairwise(trials))


def test_trial_of_an_account_that_is_sick_itself() -> None:
    """Another one tries next, though the sick one has the soonest shift."""

    async def story() -> None:
        world = World(Google())
        world.google.away = True
        world.google.sick = {"sick"}
        asyncio.get_running_loop().call_later(30, setattr, world.google, "away", False)
        async with asyncio.TaskGroup() as group:
            sick = group.create_task(world.write("sick", DAY_S, pause=0.01))
            await world.publish({f"u{n}": [2 * DAY_S] * 3 for n in range(20)})
            sick.cancel()
        assert world.seconds < 120
        assert len(world.google.arrived) == 60

    skip(story())


def test_answers_that_are_errors() -> None:
    """Whoever refuses is there: only silence and nonsense count."""

    async def story() -> None:
        quota = Quota(1_000, 1_000, 64, asyncio.get_running_loop().time)
        errors = [*[AWAY] * (MANY - 1), GrantLost("invalid_grant", "Gone."), *[AWAY] * (MANY - 1)]
        for n, error in enumerate(errors):
            with pytest.raises(type(error)):
                async with quota.permit(f"a{n}", Place(later=True, start=1.0)):
                    raise error
        assert not quota.schedule.circuit.is_open

    skip(story())
