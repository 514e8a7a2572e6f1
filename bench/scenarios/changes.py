"""Four thousand messages with one change each, as fast as Kafka takes them; then four thousand changes in one message.

Comes in: a stage. Goes out: changes a second from the first send to the last `sync-results` record, calls, and what that rate
is to Google's project quota and to three limits: aiokafka passing the same messages on, aiohttp posting as many events, and
RocksDB taking as many of the users' rows. The limits run in turn with the product, whose worker is stopped meanwhile.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from bench.crew import Crew
from bench.figures import Figure, median, ratio
from bench.limits.posting import post
from bench.limits.puts import put, rows
from bench.limits.relay import relay
from bench.machine import Clock
from bench.stage import say
from streams.settings import Settings

if TYPE_CHECKING:
    from bench.machine import Load
    from bench.stage import Stage

USERS, EACH = 200, 20
QUOTA = Settings.model_fields["google_project_per_minute"].default / 60
#: Rows are put more often than there are changes: so few are over in a blink.
PUTS = 50_000


class Lap(NamedTuple):
    """One round: changes a second either way, CPU of a single one, calls of both, and the limits beside it."""

    single: float
    cost: float
    mass: float
    calls: int
    mass_calls: int
    relayed: float
    posted: float
    put_ours: float
    put_plain: float


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Measure it so many times; every shift gets one more version each."""
    crew = Crew("changes", USERS, EACH)
    await stage.start_worker()
    await stage.connect(crew)
    await stage.deliver("calendar-published", [crew.published(1)])
    await stage.deliver("schedule-changed", crew.all_changed(1))
    await stage.until_results(len(crew.shifts))
    await stage.until_in_sync(USERS)
    await stage.stop_worker()
    clock, laps = Clock(), list[Lap]()
    for number in range(repeat):
        laps.append(await _lap(stage, crew, number))
        say(
            f"run {number + 1}: "
            + ", ".join(f"{name} {value:.4g}" for name, value in laps[-1]._asdict().items())
        )
    return _figures(laps, len(crew.shifts), clock.load())


async def _lap(stage: Stage, crew: Crew, number: int) -> Lap:
    version, shifts = 2 + 3 * number, crew.spread(len(crew.shifts))
    await stage.start_worker()
    # Tokens, connections and caches are warm before anything is timed.
    await _send(stage, [crew.changed([shift], version) for shift in shifts[:USERS]], USERS)
    singles = [crew.changed([shift], version + 1) for shift in shifts]
    async with stage.profiled(f"changes-{number}"):
        cpu, mark = stage.cpu(), await stage.google.mark()
        single = await _send(stage, singles, len(shifts))
        await stage.until_idle()
        cost = (stage.cpu() - cpu) / len(shifts) * 1000
    calls, mark = len(await stage.google.calls(mark)), await stage.google.mark()
    mass = await _send(stage, [crew.changed(shifts, version + 2)], len(shifts))
    await stage.until_idle()
    mass_calls = len(await stage.google.calls(mark))
    await stage.stop_worker()
    relayed = await relay(stage.bootstrap, stage.prefix, singles)
    posted = await post(stage.google, Crew(f"posting-{number}", USERS, EACH))
    return Lap(single, cost, mass, calls, mass_calls, relayed, posted, *put(rows(stage.state), PUTS))


async def _send(stage: Stage, messages: list[bytes], changes: int) -> float:
    """Send all at once and wait for so many results; return changes a second."""
    before, began = len(stage.follower.results), time.time()
    await stage.deliver("schedule-changed", messages)
    await stage.until_results(before + changes)
    return changes / (stage.follower.results[before + changes - 1][0] - began)


def _figures(laps: list[Lap], count: int, load: Load) -> list[Figure]:
    single, mass, cost, calls, mass_calls, relayed, posted, ours, plain = (
        tuple(float(getattr(lap, name)) for lap in laps)
        for name in ("single", "mass", "cost", "calls", "mass_calls", "relayed", "posted", "put_ours", "put_plain")
    )  # fmt: skip
    quota = tuple(rate / QUOTA for rate in single)
    return [
        Figure("4,000 single edits", median(single), "changes/s", runs=single, load=load,
               note=f"{median(calls) / count:.2f} calls a change"),
        Figure("4,000 single edits against Google's project quota", median(quota), "x", runs=quota, load=load,
               note=f"the quota is {QUOTA:.0f} calls/s"),
        Figure("worker CPU per single change", median(cost), "ms", runs=cost, load=load,
               note=f"one core: {1000 / median(cost):.0f} changes/s at most"),
        Figure("mass modify, 4,000 changes in one message", median(mass), "changes/s", runs=mass, load=load,
               note=f"{median(mass_calls) / count:.2f} calls a change"),
        Figure("raw aiokafka passing the same messages on", median(relayed), "messages/s", runs=relayed, load=load),
        Figure("RocksDB puts of users' rows, product's settings", median(ours), "puts/s", runs=ours, load=load),
        Figure("RocksDB puts of users' rows, rocksdict's settings", median(plain), "puts/s", runs=plain, load=load),
        ratio("4,000 single edits, rate against raw aiokafka", single, relayed, load=load),
        ratio("4,000 single edits, rate against raw aiohttp posting", single, posted, load=load),
        ratio("4,000 single edits, rate against RocksDB puts", single, ours, load=load),
    ]  # fmt: skip
