"""Each peer does its work on a real Kafka and leaves the calendars right; a peer that did not would be found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import quixenv
from bench.crew import Crew
from bench.judge import wrong
from bench.processes import BenchFailed
from bench.race import Runner, Turn, Work
from bench.sides import PEERS, Ours, Peer, Side
from bench.stage import Stage

PEER_FILES = sorted((Path(__file__).parents[2] / "bench" / "peers").glob("*.py"))
LOAD = Work(range(6), 20.0)


async def _turns(stage: Stage, side: Side) -> list[Turn]:
    runner = Runner(stage.google, side)
    await runner.fill()
    return [await runner.turn(LOAD) for _ in range(2)]


@pytest.mark.parametrize("module", ["asks_first", "concurrent"])
async def test_a_peer_that_asks_first(stage: Stage, module: str) -> None:
    """It takes turns, is stopped and goes on where it was; each change costs a question and a write."""
    turns = await _turns(stage, Peer(stage, module, Crew(f"t-{module}", 3, 2)))
    assert [(turn.calls, turn.wrong) for turn in turns] == [(12, ""), (12, "")]


@pytest.mark.long
async def test_the_peer_on_quix_streams(stage: Stage) -> None:
    """The same, in an environment of its own, which the bench makes where it can reach packages."""
    try:
        await quixenv.python()
    except BenchFailed as why:
        pytest.skip(f"no environment for Quix Streams here: {why}")
    turns = await _turns(stage, Peer(stage, "quix", Crew("t-quix", 3, 2)))
    assert [(turn.calls, turn.wrong) for turn in turns] == [(12, ""), (12, "")]


async def test_the_peer_that_works_by_the_clock(stage: Stage) -> None:
    """It writes what differs and nothing twice, and lists everybody in every round, whether or not anything changed."""
    crew = Crew("t-minute", 3, 2)
    peer = Peer(stage, "every_minute", crew, interval=0.2)
    runner = Runner(stage.google, peer)
    await runner.fill()
    turn = await runner.turn(LOAD)
    assert turn.wrong == ""
    calls = await stage.google.calls(0)
    written = [call for call in calls if call.committed]
    assert len(written) == len(crew.shifts) + crew.users + len(LOAD.shifts)
    assert len(calls) - len(written) >= 3 * crew.users


@pytest.mark.long
async def test_the_product(stage: Stage) -> None:
    """It runs the same course, at one call a change."""
    turns = await _turns(stage, Ours(stage, Crew("t-ours", 3, 2)))
    assert [(turn.calls, turn.wrong) for turn in turns] == [(6, ""), (6, "")]


async def test_calendars_that_are_wrong(stage: Stage) -> None:
    """An older event, one that is missing and one too many are each told."""
    crew = Crew("t-wrong", 2, 2)
    peer = Peer(stage, "concurrent", crew)
    await Runner(stage.google, peer).fill()
    assert await wrong(stage.google, crew, dict.fromkeys(crew.shifts, 1)) == ""
    assert await wrong(stage.google, crew, dict.fromkeys(crew.shifts, 2)) == "4 events not as sent last"
    # With one shift each the second shift is the second user's, and what else stands is too much.
    other = Crew("t-wrong", 2, 1)
    assert (
        await wrong(stage.google, other, dict.fromkeys(other.shifts, 1))
        == "1 events missing, 3 events too many"
    )


@pytest.mark.parametrize("file", PEER_FILES, ids=lambda file: str(file.stem))
def test_how_long_a_peer_is(file: Path) -> None:
    """Below 120 lines, and of the product's code nothing is in it."""
    lines = file.read_text().splitlines()
    assert len(lines) < 120
    ours = ("planning", "schemas", "streams", "gcal", "vault", "ops", "tests")
    assert not [line for line in lines if line.startswith(tuple(f"from {room}" for room in ours))]
    assert set(PEERS) <= {other.stem for other in PEER_FILES}
