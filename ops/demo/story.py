"""The story: what may happen to a schedule, to Google and to the worker, each as one step that can be repeated.

In: a stage. Out: a `Figure` per step. Not here: who asks for a step (`page`, `script`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from ops.demo.settle import Figure, Watch
from sandbox.expected import standing
from sandbox.month import PEOPLE

if TYPE_CHECKING:
    from ops.demo.stage import Stage
    from sandbox.data import Message

NOTHING_FOLLOWS_S: Final = 1.0
"""Where no call is expected, this long without one is proof enough."""
OUTAGE_S: Final = 10.0
KILL_AFTER_WRITES: Final = 5


class Step(NamedTuple):
    """One button of the page, one line of the script."""

    label: str
    path: str
    play: Callable[[Story], Awaitable[Figure]]


class Story:
    """What can be done to one stage, one step after the other."""

    def __init__(self, stage: Stage, outage_s: float = OUTAGE_S) -> None:
        self._stage = stage
        self._outage_s = outage_s

    async def begin(self) -> Figure:
        """Three people connect; the rosters are planned, and not published."""
        watch = Watch(self._stage, "connect three people")
        await self._stage.worker.ready()
        await self._stage.send(self._stage.upstream.rosters())
        await self._stage.connect()
        return await watch.settled(
            until=lambda: {call.account for call in watch.calls()} == {p.account for p in PEOPLE}
        )

    async def publish(self) -> Figure:
        """Publish the month."""
        return await self._send("publish", self._stage.upstream.publish())

    async def edit(self) -> Figure:
        """Edit one shift."""
        return await self._send("edit a shift", self._stage.upstream.edit())

    async def reassign(self) -> Figure:
        """Give a shift to somebody else."""
        return await self._send("re-assign a shift", self._stage.upstream.reassign())

    async def mass_modify(self) -> Figure:
        """Change every coming shift with one message."""
        return await self._send("mass modify", self._stage.upstream.mass_modify())

    async def add_class(self) -> Figure:
        """Plan something that nobody's calendar should show."""
        return await self._send("add a class", self._stage.upstream.add_class(), NOTHING_FOLLOWS_S)

    async def unpublish(self) -> Figure:
        """Take the rosters back."""
        return await self._send("un-publish", self._stage.upstream.unpublish())

    async def roll_back(self) -> Figure:
        """Leave the next days only."""
        return await self._send("roll back", self._stage.upstream.roll_back())

    async def delete_in_google(self) -> Figure:
        """A user deletes one of our events in Google, and asks for a resync."""
        step = "delete in Google, re-sync"
        state = self._stage.google.state
        found = [(person, ids) for person in PEOPLE if (ids := standing(state)[person.account])]
        if not found:
            return Figure(f"{step}: no event stands, publish first", 0, 0)
        person, ids = found[0]
        # The soonest that is still to come, so that the page shows how it goes and comes back.
        coming = [
            one
            for one, shown in ids.items()
            if not isinstance(shown.start[0], str) and shown.start[0] > time.time()
        ]
        chosen = min(coming or ids, key=lambda one: str(ids[one].start[0]))
        state.delete(state.calendars[person.account], chosen)
        await asyncio.sleep(0.5)
        return await self._send(step, self._stage.upstream.resync(person))

    async def break_google(self) -> Figure:
        """Google answers nothing but 503 for a while; a shift is edited meanwhile."""
        fault = self._stage.google.faults.add("status", status=503, for_s=self._outage_s)
        try:
            return await self._send(
                f"edit while Google fails for {self._outage_s:.0f} s", self._stage.upstream.edit()
            )
        finally:
            self._stage.google.faults.remove(fault.id)

    async def kill_worker(self) -> Figure:
        """Kill the worker while it writes, and start it again."""
        watch = Watch(self._stage, "mass modify, kill and restart")
        await self._stage.send(self._stage.upstream.mass_modify())
        # Nothing is written where nothing is published: then the kill comes after a moment.
        await watch.under_way(KILL_AFTER_WRITES)
        await self._stage.worker.kill()
        await self._stage.worker.start()
        await self._stage.worker.ready()
        return await watch.settled()

    async def _send(self, step: str, messages: Sequence[Message], quiet_s: float | None = None) -> Figure:
        watch = Watch(self._stage, step)
        await self._stage.send(messages)
        return await (watch.settled() if quiet_s is None else watch.settled(quiet_s))


STEPS: Final = (
    Step("Publish", "/demo/publish", Story.publish),
    Step("Edit a shift", "/demo/edit", Story.edit),
    Step("Re-assign a shift", "/demo/reassign", Story.reassign),
    Step("Mass modify", "/demo/mass-modify", Story.mass_modify),
    Step("Add a class", "/demo/class", Story.add_class),
    Step("Un-publish", "/demo/unpublish", Story.unpublish),
    Step("Roll back", "/demo/roll-back", Story.roll_back),
    Step("Delete an event in Google, re-sync", "/demo/delete", Story.delete_in_google),
    Step("Break Google for ten seconds", "/demo/break", Story.break_google),
    Step("Kill and restart the worker", "/demo/kill", Story.kill_worker),
)
