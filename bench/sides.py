"""The sides of a race: the product and its peers, started, told of changes and stopped in the same way.

Comes in: a stage and a crew of the side's own. Goes out: a `Side`. Not here: what is measured, who is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import orjson

from bench import quixenv
from bench.processes import Process
from bench.topics import make

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bench.crew import Crew
    from bench.stage import Stage

#: Peers by the module that holds them, as reports call them.
PEERS = {
    "asks_first": "(a) asks first",
    "concurrent": "(b) concurrent",
    "quix": "(c) Quix Streams",
    "every_minute": "(d) every minute",
}


class Side(Protocol):
    """Who takes part."""

    name: str
    crew: Crew

    async def set_up(self) -> None:
        """Make what it needs, once."""

    async def start(self) -> None:
        """Start it; what it is told before that waits for it."""

    async def stop(self) -> None:
        """Stop it in good order."""

    async def tell(self, messages: Iterable[tuple[bytes, str]]) -> None:
        """Send messages, each with the key that its shift has, and wait until Kafka has them all."""

    def check(self) -> None:
        """Raise if it has ended."""


class Ours:
    """The product: one worker, its users connected, its calendar published."""

    name = "Shiftcal"

    def __init__(self, stage: Stage, crew: Crew) -> None:
        self._stage, self.crew = stage, crew

    async def set_up(self) -> None:
        """Connect and publish, and let the worker look at everybody."""
        await self.start()
        await self._stage.connect(self.crew)
        await self._stage.deliver("calendar-published", [self.crew.published(1)])
        await self._stage.until_in_sync(self.crew.users)
        await self.stop()

    async def start(self) -> None:
        """Start the worker, with its state."""
        await self._stage.start_worker()

    async def stop(self) -> None:
        """Stop the worker."""
        await self._stage.stop_worker()

    async def tell(self, messages: Iterable[tuple[bytes, str]]) -> None:
        """Send to the product's input."""
        for value, key in messages:
            await self._stage.hand(f"{self._stage.prefix}schedule-changed", value, key.encode())
        await self._stage.flush()

    def check(self) -> None:
        """Raise if the worker has ended."""
        assert self._stage.worker  # noqa: S101 - reading it is the check


class Peer:
    """One of `bench/peers`, with a topic of its own in the shape of the product's."""

    def __init__(self, stage: Stage, module: str, crew: Crew, interval: float = 60.0) -> None:
        self._stage, self._module, self.crew, self._interval = stage, module, crew, interval
        self.name = PEERS[module]
        self._topic = f"{stage.prefix}{module}-{crew.agency}"
        self._log = stage.home / f"{self._topic}.log"
        self._process: Process | None = None
        self._python: Path | None = None

    async def set_up(self) -> None:
        """Make its topic, its accounts, and where it must be its environment."""
        await make(self._stage.bootstrap, self._topic)
        job = {
            "bootstrap": self._stage.bootstrap,
            "topic": self._topic,
            "google": self._stage.google.url,
            "tokens": {
                f"{self.crew.agency}/{user}": await self._stage.google.token(self.crew.account(user))
                for user in self.crew.names()
            },
            "interval": self._interval,
        }
        self._job = self._stage.home / f"{self._topic}.json"
        self._job.write_bytes(orjson.dumps(job))
        if self._module == "quix":
            self._python = await quixenv.python()

    async def start(self) -> None:
        """Start its process."""
        arguments = [f"bench.peers.{self._module}", str(self._job)]
        self._process = Process(arguments, self._stage.env, self._log, self._python)

    async def stop(self) -> None:
        """Stop it: what it wrote is committed, and the group is left."""
        if self._process is not None:
            process, self._process = self._process, None
            await process.stop()

    async def tell(self, messages: Iterable[tuple[bytes, str]]) -> None:
        """Send to its own topic; the key keeps the changes of a shift in order, which it relies on."""
        for value, key in messages:
            await self._stage.hand(self._topic, value, key.encode())
        await self._stage.flush()

    def check(self) -> None:
        """Raise if it has ended."""
        if self._process is not None:
            self._process.check()

    def said(self) -> str:
        """Return what it printed."""
        return self._log.read_text()
