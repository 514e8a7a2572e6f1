"""A stage for one scenario: topics, a stand-in, a database, a state directory and a worker, all its own.

Comes in: a Kafka. Goes out: a `Stage` to produce to and to measure. Not here: what is measured.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from cryptography.fernet import Fernet

from bench import machine
from bench.followers import Follower
from bench.google import Google
from bench.processes import ROOT, BenchFailed, Process, command
from streams.names import MAX_MESSAGE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from bench.crew import Crew

SCOPE = "https://www.googleapis.com/auth/calendar.events.owned"


def say(text: str) -> None:
    """Show progress."""
    print(f"  {text}", file=sys.stderr, flush=True)


class Stage:
    """What a scenario works with."""

    def __init__(self, bootstrap: str, home: Path, profiles: Path | None) -> None:
        self.bootstrap, self.home, self._profiles = bootstrap, home, profiles
        self.prefix = f"bench-{uuid.uuid4().hex[:8]}."
        self.state = home / "state"
        self._port = free_port()
        self._worker: Process | None = None
        self._sent = 0
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("SHIFTCAL_")}
        self.env["PYTHONPATH"] = str(ROOT)
        self.google = Google(self.env, home)
        self.follower = Follower(bootstrap, self.prefix)

    async def set_up(self) -> None:
        """Start everything but the worker."""
        await self.google.start()
        url = self.google.url
        settings = {
            "KAFKA_BOOTSTRAP": self.bootstrap,
            "TOPIC_PREFIX": self.prefix,
            "STATE_DIR": str(self.state),
            "DATABASE_URL": f"sqlite+aiosqlite:///{self.home}/connections.db",
            "VAULT_KEYS": Fernet.generate_key().decode(),
            "GOOGLE_CLIENT_ID": "bench",
            "GOOGLE_CLIENT_SECRET": "bench",
            "GOOGLE_API_URL": url,
            "GOOGLE_TOKEN_URL": f"{url}/token",
            "GOOGLE_REVOKE_URL": f"{url}/revoke",
            # Google's quota is the real ceiling (167 calls a second); here it would only hide what the worker can do.
            "GOOGLE_PROJECT_PER_MINUTE": "100000000",
            "GOOGLE_USER_PER_MINUTE": "100000000",
            "HTTP_PORT": str(self._port),
        }
        self.env |= {f"SHIFTCAL_{name}": value for name, value in settings.items()}
        await command(["topics", "create"], self.env, self.home)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", max_request_size=MAX_MESSAGE
        )
        await self._producer.start()
        await self.follower.start()
        self._http = aiohttp.ClientSession()

    async def tear_down(self) -> None:
        """End everything, and leave no topic behind."""
        if self._worker is not None:
            self._worker.kill()
        await self._http.close()
        await self.follower.stop()
        await self._producer.stop()
        await self.google.stop()
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        await admin.delete_topics(
            [name for name in await admin.list_topics() if name.startswith(self.prefix)]
        )
        await admin.close()

    # The worker

    async def start_worker(self, deadline: float = 180.0) -> float:
        """Start the worker; return the seconds until `/ready`."""
        self._sent = 0
        began = time.monotonic()
        self._worker = Process(["ops", "worker"], self.env, self.home / "worker.log")
        while time.monotonic() - began < deadline:
            self._worker.check()
            if await self._is_ready():
                return time.monotonic() - began
            await asyncio.sleep(0.02)
        raise BenchFailed(f"the worker was not ready within {deadline:.0f} s")

    async def stop_worker(self) -> None:
        """Stop the worker as an operator would."""
        if self._worker is not None:
            await self._worker.stop()
            self._worker = None

    @property
    def worker(self) -> int:
        """The worker's process id."""
        if self._worker is None:
            raise BenchFailed("the worker does not run")
        self._worker.check()
        return self._worker.pid

    def cpu(self) -> float:
        """Return the worker's processor seconds so far."""
        return machine.cpu_seconds(self.worker)

    @asynccontextmanager
    async def profiled(self, name: str) -> AsyncIterator[None]:
        """Let py-spy watch the worker during this block, where profiles were asked for."""
        if self._profiles is None:
            yield
            return
        tool = Path(sys.executable).parent / "py-spy"
        if not tool.exists():
            raise BenchFailed("--profile needs py-spy beside this Python: pip install py-spy")
        self._profiles.mkdir(parents=True, exist_ok=True)
        target = self._profiles / f"{name}.txt"
        options = [
            "--format",
            "raw",
            "--rate",
            "200",
            "--nonblocking",
            "--output",
            str(target),
            "--pid",
            str(self.worker),
        ]
        spy = await asyncio.create_subprocess_exec(
            tool,
            *("record", *options),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        await asyncio.sleep(1.0)
        try:
            yield
        finally:
            spy.send_signal(signal.SIGINT)
            await spy.wait()

    # Input

    async def send(self, topic: str, value: bytes) -> None:
        """Hand a message over without waiting for its delivery."""
        self._sent += 1
        await self._producer.send(self.prefix + topic, value)

    async def deliver(self, topic: str, values: Iterable[bytes]) -> None:
        """Send messages and wait until Kafka has them all."""
        for value in values:
            await self.send(topic, value)
        await self._producer.flush()

    async def hand(self, topic: str, value: bytes, key: bytes | None = None) -> None:
        """Send a message to any topic of this stage, by its real name."""
        await self._producer.send(topic, value, key)

    async def flush(self) -> None:
        """Wait until Kafka has all."""
        await self._producer.flush()

    async def connect(self, *crews: Crew) -> None:
        """Connect every user of these crews to a Google account, and announce it."""
        lines = []
        for crew in crews:
            for user in crew.names():
                account = crew.account(user)
                line = {
                    "agency_id": crew.agency,
                    "user_id": user,
                    "google_account": account,
                    "refresh_token": await self.google.token(account),
                    "scopes": [SCOPE],
                }
                lines.append(orjson.dumps(line))
        file = self.home / "connections.jsonl"
        file.write_bytes(b"\n".join(lines))
        await command(["connections", "import", str(file)], self.env, self.home)

    async def until_in_sync(self, users: int, deadline: float = 300.0) -> None:
        """Wait until so many users are in sync."""
        await self.follower.until(lambda: self.follower.is_in_sync(users), f"{users} users in sync", deadline)

    async def until_results(self, count: int, deadline: float = 300.0) -> None:
        """Wait until so many results have come, counted from the beginning."""
        await self.follower.until(lambda: len(self.follower.results) >= count, f"{count} results", deadline)

    async def until_idle(self, deadline: float = 300.0) -> None:
        """Wait until the worker has read all that was sent, and everything that follows from it, for half a second."""
        end, calm = time.monotonic() + deadline, 0
        while calm < 5:
            if time.monotonic() > end:
                raise BenchFailed(f"the worker still had work after {deadline:.0f} s")
            await asyncio.sleep(0.1)
            read, busy = await self._work()
            calm = calm + 1 if read >= self._sent and not busy else 0

    async def left(self) -> float:
        """Return how much is left to do: records not read, users with work, calls that wait."""
        return (await self._work())[1]

    async def _work(self) -> tuple[float, float]:
        """Return how many of our messages the worker has read since it started, and how much is left to do."""
        async with self._http.get(f"http://127.0.0.1:{self._port}/metrics") as answer:
            lines = [line for line in (await answer.text()).splitlines() if line.startswith("shiftcal_")]
        numbers = [(name, float(value)) for name, _, value in (line.rpartition(" ") for line in lines)]
        ours = ('shiftcal_messages_total{topic="schedule', 'shiftcal_messages_total{topic="calendar')
        left = ("shiftcal_consumer_lag_records{", "shiftcal_lanes", "shiftcal_permits_waiting")
        read = sum(value for name, value in numbers if name.startswith(ours))
        return read, sum(value for name, value in numbers if name.startswith(left))

    async def _is_ready(self) -> bool:
        try:
            async with self._http.get(f"http://127.0.0.1:{self._port}/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def open_stage(bootstrap: str, profiles: Path | None = None) -> AsyncIterator[Stage]:
    """Set a stage up for this block."""
    with tempfile.TemporaryDirectory(prefix="shiftcal-bench-") as home:
        stage = Stage(bootstrap, Path(home), profiles)
        await stage.set_up()
        try:
            yield stage
        finally:
            await stage.tear_down()


def free_port() -> int:
    """Find a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
