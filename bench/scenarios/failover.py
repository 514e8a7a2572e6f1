"""Two workers, and one of them is killed while changes flow: how long its users wait, and what the others notice.

Comes in: a stage. Goes out: seconds from SIGKILL until the dead worker's users have their next call at Google, once while
it stays dead and once while it is started again at once with the same state directory; and the longest time in which no
call was made for any user of the other worker, before and after. All shifts are of one calendar: where its partition was the
dead worker's, the other one's users wait as well.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, NamedTuple

from bench.crew import Crew
from bench.figures import Figure, median
from bench.machine import Clock
from bench.processes import BenchFailed
from bench.stage import say
from bench.team import Member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.machine import Load
    from bench.stage import Stage

USERS, EACH = 30, 20
PER_SECOND = 20
BEFORE_S, AFTER_S = 8.0, 4.0
DEADLINE_S = 60.0


class Run(NamedTuple):
    """One kill: when the first and when every user of the dead worker was served, and the others' longest gaps."""

    first: float
    everybody: float
    gap_before: float
    gap_after: float


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Kill it so many times in each of the two ways."""
    crew = Crew("failover", USERS, EACH)
    one, other = Member(stage, "one"), Member(stage, "other")
    try:
        for member in (one, other):
            member.start()
        for member in (one, other):
            await member.ready()
        await stage.connect(crew)
        await stage.deliver("calendar-published", [crew.published(1)])
        await stage.deliver("schedule-changed", crew.all_changed(1))
        await stage.until_results(len(crew.shifts))
        flow, clock = Flow(stage, crew), Clock()
        dead, back = list[Run](), list[Run]()
        for _ in range(repeat):
            back.append(await _kill(flow, one, other, stays_dead=False))
            dead.append(await _kill(flow, one, other, stays_dead=True))
        load = clock.load()
    finally:
        for member in (one, other):
            member.end()
    return [
        *_figures("stays dead", dead, 15, load),
        *_figures("is restarted", back, 4, load),
    ]


class Flow:
    """Changes at an even pace, to every user in turn."""

    def __init__(self, stage: Stage, crew: Crew) -> None:
        self.stage, self.crew = stage, crew
        self._turns: Iterator[tuple[int, int]] = (
            (version, shift) for version in itertools.count(2) for shift in crew.spread(len(crew.shifts))
        )

    async def run(self) -> None:
        """Send until cancelled."""
        due = time.monotonic()
        while True:
            version, shift = next(self._turns)
            await self.stage.send("schedule-changed", self.crew.changed([shift], version))
            due += 1 / PER_SECOND
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _kill(flow: Flow, victim: Member, other: Member, *, stays_dead: bool) -> Run:
    stage, crew = flow.stage, flow.crew
    for member in (victim, other):
        await member.ready()
    theirs, others = victim.users(crew), other.users(crew)
    if not theirs or not others or theirs & others:
        raise BenchFailed(
            f"users are not shared out: {len(theirs)} and {len(others)}, one worker has them all"
        )
    flowing = asyncio.create_task(flow.run())
    begun = await stage.google.mark()
    await asyncio.sleep(BEFORE_S)
    mark = await stage.google.mark()
    victim.kill()
    killed = time.time()
    if not stays_dead:
        victim.start()
    served = await _until_served(flow, mark, killed, theirs)
    await asyncio.sleep(AFTER_S)
    flowing.cancel()
    await asyncio.gather(flowing, return_exceptions=True)
    if stays_dead:
        victim.start()
    calls = await stage.google.calls(begun)
    mine = sorted(call.at for call in calls if _user(call.account) in others)
    run = Run(
        min(served.values()) - killed,
        max(served.values()) - killed,
        _gap([at for at in mine if at <= killed]),
        _gap([at for at in mine if at >= killed - 0.5]),
    )
    say(
        f"{'stays dead' if stays_dead else 'is restarted'}: "
        + ", ".join(f"{n} {v:.2f}" for n, v in run._asdict().items())
    )
    await victim.ready()
    await asyncio.sleep(3)
    return run


async def _until_served(flow: Flow, mark: int, killed: float, users: frozenset[str]) -> dict[str, float]:
    """Wait until each of these users had a call after that moment; return when."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        found: dict[str, float] = {}
        for call in await flow.stage.google.calls(mark):
            # What was on its way when the worker died was sent before.
            if call.at > killed + 0.1 and (user := _user(call.account)) in users:
                found.setdefault(user, call.at)
        if found.keys() == users:
            return found
        await asyncio.sleep(0.25)
    raise BenchFailed(
        f"{len(users) - len(found)} of {len(users)} users had no call within {DEADLINE_S:.0f} s"
    )


def _user(account: str) -> str:
    return account.partition(".")[0]


def _gap(moments: list[float]) -> float:
    return max((later - earlier for earlier, later in itertools.pairwise(moments)), default=0.0)


def _figures(how: str, runs: list[Run], target: float, load: Load) -> list[Figure]:
    waits = tuple(run.everybody for run in runs)
    after = tuple(run.gap_after for run in runs)
    return [
        Figure(f"worker killed, {how}: its last user's next call", median(waits), "s", target, runs=waits,
               load=load, note=f"its first user's {median([run.first for run in runs]):.1f} s"),
        Figure(f"worker killed, {how}: longest gap of the other's users", median(after), "s", runs=after,
               load=load, note=f"before {max(run.gap_before for run in runs):.2f} s at most"),
    ]  # fmt: skip
