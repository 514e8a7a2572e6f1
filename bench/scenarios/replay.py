"""What a redelivery costs: every message once more, to a worker that has its state.

Comes in: a stage. Goes out: calls to Google, which should be none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.crew import Crew
from bench.figures import Figure
from bench.machine import Clock
from bench.stage import say

if TYPE_CHECKING:
    from bench.stage import Stage


async def measure(stage: Stage, repeat: int) -> list[Figure]:
    """Measure it so many times."""
    crew = Crew("replay", 50, 20)
    await stage.start_worker()
    await stage.connect(crew)
    published = [crew.published(1)]
    shifts = [message for version in (1, 2) for message in crew.all_changed(version)]
    shifts += [crew.changed([shift], 3) for shift in crew.shifts]
    await stage.deliver("calendar-published", published)
    await stage.deliver("schedule-changed", shifts)
    await stage.until_idle()
    await stage.until_in_sync(crew.users)
    mark, clock, cpu = await stage.google.mark(), Clock(), stage.cpu()
    for number in range(repeat):
        await stage.deliver("schedule-changed", shifts)
        await stage.deliver("calendar-published", published)
        await stage.until_idle()
        say(f"run {number + 1}: {len(await stage.google.calls(mark))} calls")
    cpu, count = stage.cpu() - cpu, repeat * (len(shifts) + 1)
    calls = len(await stage.google.calls(mark))
    return [
        Figure("Google calls on a replay with state", calls, "calls", 0, "equal", load=clock.load(),
               note=f"{count} messages again, {len(crew.shifts)} shifts; {cpu / count * 1000:.1f} ms of CPU each"),
    ]  # fmt: skip
