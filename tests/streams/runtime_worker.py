"""A worker around the runtime alone: three agents that move bytes, with tables, and a note of every offset they saw.

Run as a process by the runtime's tests: `python -m tests.streams.runtime_worker '{"bootstrap": ..., ...}'`; or built in a test.
A value that starts with `crash` breaks the calendars' body, `hang` keeps the event loop from turning for a minute, as long as a file
of that name exists in the state directory.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from faust.types import EventT

from streams.cluster import Cluster
from streams.continuity import Continuity
from streams.faustapp import App, Wiring, make_app
from streams.gate import Gate
from streams.membership import membership
from streams.names import Names
from streams.rebuild import Rebuild
from streams.security import Broker
from streams.sender import Sender
from streams.serve import run, serve, stop_within_deadline

if TYPE_CHECKING:
    from streams.each import Body


@dataclass(frozen=True)
class Setup:
    bootstrap: str
    prefix: str
    state_dir: str
    partitions: int = 4
    static: bool = False
    hard_exit: bool = True
    store: str = "rocksdb"
    accept_truncated: bool = False
    slow_s: float = 0.0
    seek_delay_s: float = 0.0
    held: bool = True

    @property
    def names(self) -> Names:
        return Names(prefix=self.prefix)

    @property
    def broker(self) -> Broker:
        return Broker(self.bootstrap)


@dataclass
class Chain:
    """The composition, and what it did."""

    setup: Setup
    instance_id: str | None = None
    log: list[tuple[str, object]] = field(default_factory=list)
    seen: list[tuple[str, int, int]] = field(default_factory=list)
    folded_at_open: int = -1

    def __post_init__(self) -> None:
        names, broker = self.setup.names, self.setup.broker
        self.names = names
        self.sender, self.cluster = Sender(broker), Cluster(broker)
        self.continuity = Continuity(self.cluster, frozenset(names.internal))
        wiring = Wiring(
            names.app_id,
            broker,
            Path(self.setup.state_dir),
            self.setup.partitions,
            names.user_facts,
            store=self.setup.store,  # type: ignore[arg-type]
            instance_id=self.instance_id,
            session_timeout=6.0,
            hard_exit=self.setup.hard_exit,
        )
        self.app: App = make_app(wiring, self, self.continuity)
        self.rebuild = Rebuild(
            self.cluster, self.sender, names, accept_truncated_history=self.setup.accept_truncated
        )
        self.gate = Gate(self.app, self.cluster, self.rebuild, self._open)
        self.opened_event = asyncio.Event()
        self.publications = self.app.raw_table("publications")
        self.users = self.app.raw_table("users")
        self.build()

    def build(self) -> None:
        names = self.names
        self.app.raw_agent(names.inputs, _one_by_one(self.intake), name="intake")
        self.app.raw_agent([names.calendar_facts], _one_by_one(self.calendars), name="calendars")
        self.app.raw_agent([names.user_facts], _one_by_one(self.fold), name="users")

    async def __aenter__(self) -> Self:
        await self.sender.start()
        await self.cluster.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.sender.stop()
        await self.cluster.stop()

    # Lifecycle

    def pause(self) -> None:
        self.opened_event.clear()

    async def drain(self) -> None:
        await self.gate.disarm()
        self.note("drained", None)

    def opened(self, partitions: frozenset[int]) -> None:
        self.note("assigned", sorted(partitions))
        self.gate.arm(partitions)

    async def _open(self, partitions: frozenset[int]) -> None:
        self.folded_at_open = self.folded()
        self.note("open", sorted(partitions))
        self.opened_event.set()

    # Bodies

    async def intake(self, event: EventT[bytes]) -> Sequence[asyncio.Future[Any]]:
        self.saw(event)
        return [
            await self.sender.send(self.names.calendar_facts, event.key or b"none", event.value or b"null")
        ]

    async def calendars(self, event: EventT[bytes]) -> Sequence[asyncio.Future[Any]]:
        self.saw(event)
        if event.value.startswith(b"crash") and (Path(self.setup.state_dir) / "crash").exists():
            raise ZeroDivisionError("as the test asked")
        self.publications[b"under/" + event.key] = event.value  # keyed by itself, kept with its event
        return [await self.sender.send(self.names.user_facts, event.key, event.value)]

    async def fold(self, event: EventT[bytes]) -> Sequence[asyncio.Future[Any]]:
        self.saw(event)
        if event.value == b"hang" and (Path(self.setup.state_dir) / "hang").exists():
            time.sleep(60)  # noqa: ASYNC251 - the loop hangs, and not the agent alone
        if self.setup.slow_s:
            await asyncio.sleep(self.setup.slow_s)
        self.users[event.key] = event.value
        return ()

    def folded(self) -> int:
        return sum(topic == self.names.user_facts for topic, _, _ in self.seen)

    def saw(self, event: EventT[bytes]) -> None:
        self.seen.append((event.message.topic, event.message.partition, event.message.offset))
        if self.setup.hard_exit:
            print(json.dumps(self.seen[-1]), flush=True)

    def note(self, what: str, value: object) -> None:
        self.log.append((what, value))
        if self.setup.hard_exit:
            print(json.dumps({what: value}), flush=True)


def _one_by_one(body: Callable[[EventT[bytes]], Awaitable[Sequence[asyncio.Future[Any]]]]) -> Body:
    async def each(events: Sequence[EventT[bytes]]) -> Sequence[asyncio.Future[Any]]:
        return [delivery for event in events for delivery in await body(event)]

    return each


@asynccontextmanager
async def guest(chain: Chain) -> AsyncIterator[Chain]:
    """Run a chain inside the test's own process."""
    async with chain:
        await chain.rebuild.begin()
        await chain.app.start()
        try:
            yield chain
        finally:
            await stop_within_deadline(chain.app)
            gc.collect()  # Faust leaves its databases to it, and the next guest of this process opens them again


def slow_seek(chain: Chain) -> None:
    """Make the seek at the end of a rebalance slow: the window in which Faust may lose records."""
    original = type(chain.app.consumer).seek_to_committed
    consumer = chain.app.consumer

    async def late() -> Any:
        chain.note("seeks", None)
        await asyncio.sleep(chain.setup.seek_delay_s)
        offsets = await original(consumer)
        await asyncio.sleep(chain.setup.seek_delay_s)
        return offsets

    consumer.seek_to_committed = late


def let_go(app: App) -> None:
    """Leave the end of a rebalance, and what is handed over then, to Faust as it is."""
    app.on_rebalance_complete.disconnect(app._hold)
    app.consumer._may_take = lambda *_: False


async def main(setup: Setup, instance_id: str) -> None:
    chain = Chain(setup, instance_id if setup.static else None)
    if not setup.held:
        let_go(chain.app)
    if setup.seek_delay_s:
        slow_seek(chain)
    async with chain:
        await chain.rebuild.begin()
        await serve(chain.app)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    asked = Setup(**json.loads(sys.argv[1]))
    with membership(Path(asked.state_dir)) as word:
        run(main(asked, word))
