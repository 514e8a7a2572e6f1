"""The product beside what somebody would run instead, in turns, with calls counted and calendars looked at.

Comes in: a stage. Goes out: rates as ratios of neighbouring turns, and calls per net change. A side that left a calendar
wrong has void figures. Peers do not know publications: theirs is the lighter load.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from bench.crew import Crew
from bench.figures import Figure, median, ratio
from bench.judge import wrong
from bench.machine import Clock
from bench.race import Runner, Turn, Work, race
from bench.sides import PEERS, Ours, Peer
from bench.stage import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.machine import Load
    from bench.sides import Side
    from bench.stage import Stage

USERS, EACH, LATENCY_MS = 200, 20, 100.0
FEW = 200
#: A round of the old algorithm stands for a minute; in it so many changes are sent.
A_MINUTE, INTERVAL_S, ROUNDS = 200, 2.0, 3
_ROUND = re.compile(r"a round of (\d+) users took ([\d.]+) s")


async def asks_first(stage: Stage, repeat: int) -> list[Figure]:
    """Two hundred users, one change each, against (a), of which a turn takes 40 s at least: two say enough of a factor of 100."""
    sides: list[Side] = [Ours(stage, Crew("ours", FEW, 1)), Peer(stage, "asks_first", Crew("peer-a", FEW, 1))]
    clock = Clock()
    took = await race(stage.google, sides, Work(range(FEW), LATENCY_MS), min(repeat, 2))
    load = clock.load()
    ours, theirs = (took[side.name] for side in sides)
    void = _void(ours, theirs)
    rates = [[turn.rate for turn in turns] for turns in (ours, theirs)]
    return [
        *_rates(f"{FEW} changes, Google 100 ms", took, load),
        ratio("200 changes, Google 100 ms, rate against (a)", *rates, load=load, void=void),
        *_calls(took, load),
    ]


async def concurrent(stage: Stage, repeat: int) -> list[Figure]:
    """Four thousand single changes of two hundred users, against (b) and (c)."""
    modules = ("concurrent", "quix")
    peers = [Peer(stage, module, Crew(f"peer-{module}", USERS, EACH)) for module in modules]
    sides: list[Side] = [Ours(stage, Crew("ours", USERS, EACH)), *peers]
    work = Work(sides[0].crew.spread(USERS * EACH), LATENCY_MS)
    clock = Clock()
    took = await race(stage.google, sides, work, repeat)
    load = clock.load()
    ours, what = took["Shiftcal"], "4,000 changes, Google 100 ms"
    figures = _rates(what, took, load)
    for module in modules:
        theirs, letter = took[PEERS[module]], PEERS[module].partition(" ")[0]
        void = _void(ours, theirs)
        rates = [[turn.rate for turn in turns] for turns in (ours, theirs)]
        calls = [[float(turn.calls) for turn in turns] for turns in (ours, theirs)]
        figures += [
            ratio(f"{what}, rate against {letter}", *rates, load=load, void=void),
            ratio(f"{what}, calls against {letter}", *calls, load=load, void=void),
        ]
    return [*figures, *(figure for figure in _calls(took, load) if "Shiftcal" not in figure.name)]


async def every_minute(stage: Stage, repeat: int) -> list[Figure]:
    """Changes of some minutes, against (d): calls per net change, and how long a change waits."""
    crew = Crew("peer-d", USERS, EACH)
    peer = Peer(stage, "every_minute", crew, INTERVAL_S)
    runner, clock, google = Runner(stage.google, peer), Clock(), stage.google
    await runner.fill()
    await peer.start()
    await _rounds(peer, 1)
    costs, void = list[float](), ""
    versions = dict.fromkeys(crew.shifts, 1)
    for number in range(repeat):
        begun = await _rounds(peer, 1)
        mark = await google.mark()
        for minute in range(ROUNDS):
            some = crew.spread(A_MINUTE)
            version = 2 + number * ROUNDS + minute
            versions |= dict.fromkeys(some, version)
            await peer.tell((crew.changed([shift], version), crew.shift_id(shift)) for shift in some)
            # Two ends of rounds: the one that was under way may have looked before the change came.
            await _rounds(peer, 2)
        calls, done = await google.calls(mark), await _rounds(peer, 0) - begun
        listed = (len(calls) - sum(call.committed for call in calls)) / done
        costs.append((listed + A_MINUTE) / A_MINUTE)
        void = void or await wrong(google, crew, versions)
        say(f"run {number + 1}: {listed:.0f} calls a round of {USERS} users, {costs[-1]:.2f} calls a change")
    await peer.stop()
    took = [float(seconds) for _, seconds in _ROUND.findall(peer.said())]
    load = clock.load()
    return [
        Figure("calls per net change, (d) every minute", median(costs), "calls", runs=tuple(costs), load=load, void=void,
               note=f"{A_MINUTE} changes a minute for {USERS} users; with none it calls as often"),
        Figure("calls a minute while nothing changes, (d) every minute, 200 users", (median(costs) - 1) * A_MINUTE, "calls",
               load=load, void=void, note="Shiftcal: none"),
        Figure("mean wait for Google, (d) every minute", 30 + median(took) / 2, "s", load=load, void=void,
               note=f"half of a minute and half of a round of {median(took):.2f} s (measured, Google 0 ms)"),
    ]  # fmt: skip


async def _rounds(peer: Peer, more: int) -> int:
    """Wait for so many rounds more; return how many there were."""
    count = len(_ROUND.findall(peer.said())) + more
    while len(_ROUND.findall(peer.said())) < count:
        peer.check()
        await asyncio.sleep(0.05)
    return count


def _rates(what: str, took: dict[str, list[Turn]], load: Load) -> list[Figure]:
    return [
        Figure(f"{what}, {name}", median([turn.rate for turn in turns]), "changes/s", better="higher", load=load,
               runs=tuple(turn.rate for turn in turns), void=_void(turns), details={"side": name, "of": what})
        for name, turns in took.items()
    ]  # fmt: skip


def _calls(took: dict[str, list[Turn]], load: Load) -> list[Figure]:
    return [
        Figure(f"calls per net change, {name}", median([turn.calls / turn.changes for turn in turns]), "calls", load=load,
               runs=tuple(turn.calls / turn.changes for turn in turns), void=_void(turns), details={"side": name})
        for name, turns in took.items()
    ]  # fmt: skip


def _void(*turns: Sequence[Turn]) -> str:
    return next((turn.wrong for each in turns for turn in each if turn.wrong), "")
