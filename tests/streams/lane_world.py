"""Lanes with everything around them but Kafka: rows in a dict, a log instead of topics, Google in memory.

Comes in: what users, agencies and machines do. Goes out: what stands in the calendars, which calls it took, and what was
told. The vault is a real one, and folds are those of `planning`.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

from cryptography.fernet import Fernet
from pydantic import SecretStr

from gcal.memory import MemoryGoogle
from gcal.memory_port import MemoryCalendars
from gcal.port import Grant, Page
from planning import users
from planning.identity import event_id
from schemas.answers import Answer
from schemas.cause import Cause
from schemas.errors import ShiftcalError
from schemas.facts import (
    Connected,
    Contribution,
    Deactivated,
    Disconnected,
    ResyncAsked,
    Standing,
    UserFact,
    Wish,
)
from schemas.mutations import Call
from schemas.outputs import SyncResult, SyncStatus
from schemas.policy import Policies, Policy
from schemas.rows import UserRow
from streams import codec
from streams.clock import Pulse
from streams.desk import Desk
from streams.lanes import Lanes
from streams.metrics import Metrics
from streams.names import Names
from streams.quota import Quota
from streams.tables import NotOpen
from vault import NewConnection, Vault

AGENCY, CALENDAR, PARTITIONS = "metro", "dec", 2


class Delivered(NamedTuple):
    offset: int


class Rows:
    """As `streams.repository.Repository`, for partitions that are open."""

    def __init__(self) -> None:
        self.open = set(range(PARTITIONS))
        self._rows: dict[int, dict[bytes, UserRow]] = defaultdict(dict)

    def get(self, partition: int, key: bytes) -> UserRow | None:
        if partition not in self.open:
            raise NotOpen(partition)
        return self._rows[partition].get(key)

    def put(self, partition: int, key: bytes, row: UserRow) -> None:
        self._rows[partition][key] = row

    def slice(self, partition: int, after: bytes | None, limit: int) -> list[tuple[bytes, UserRow]]:
        if partition not in self.open:
            raise NotOpen(partition)
        behind = [item for item in sorted(self._rows[partition].items()) if after is None or item[0] > after]
        return behind[: min(limit, 2)]


class Log:
    """`user-facts`: what was delivered, by partition. `taking` is clear while the broker takes nothing."""

    def __init__(self) -> None:
        self.facts: dict[int, list[tuple[bytes, UserFact]]] = defaultdict(list)
        self.taking = asyncio.Event()
        self.taking.set()
        self.arrived = asyncio.Event()
        self.error: Exception | None = None
        self.answer_after = 0.0

    async def deliver(self, _topic: str, key: bytes, value: bytes, _headers: object = None) -> Delivered:
        await self.taking.wait()
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        offset = self.append(key, cast("UserFact", codec.user_record(value)))
        await asyncio.sleep(self.answer_after)
        return Delivered(offset)

    async def send(self, _topic: str, key: bytes, value: bytes) -> asyncio.Future[Delivered]:
        delivered: asyncio.Future[Delivered] = asyncio.get_running_loop().create_future()
        delivered.set_result(Delivered(self.append(key, cast("UserFact", codec.user_record(value)))))
        return delivered

    def append(self, key: bytes, fact: UserFact) -> int:
        facts = self.facts[partition_of(key)]
        facts.append((key, fact))
        self.arrived.set()
        return len(facts) - 1


class Google:
    """The twin, watched: calls take `latency`, wait while the door is shut, and fail per user where they should."""

    def __init__(self) -> None:
        self.memory = MemoryCalendars(MemoryGoogle(page_size=2))
        self.latency = 0.0
        self.door = asyncio.Event()
        self.door.set()
        self.troubles: dict[str, ShiftcalError | Exception] = {}
        self.calls: list[tuple[str, str]] = []
        self.revoked: list[str] = []
        self.forgotten: list[str] = []
        self.under_way: Counter[tuple[str, str]] = Counter()
        self.overlaps: list[str] = []
        self.stuck: set[str] = set()
        self.listed_from: datetime | None = None

    async def call(self, grant: Grant, google_calendar: str, call: Call) -> Answer:
        self.calls.append((grant.user_id, call.call))
        what = (grant.user_id, call.event_id)
        self.under_way[what] += 1
        if self.under_way[what] > 1:
            self.overlaps.append(call.event_id)
        try:
            await self._wait(grant)
            if call.event_id in self.stuck:
                await asyncio.Event().wait()
            return await self.memory.call(grant, google_calendar, call)
        finally:
            self.under_way[what] -= 1

    async def list_page(
        self,
        grant: Grant,
        google_calendar: str,
        agency_id: str,
        ended_after: datetime,
        page_token: str | None,
    ) -> Page:
        self.calls.append((grant.user_id, "list"))
        self.listed_from = ended_after
        await self._wait(grant)
        return await self.memory.list_page(grant, google_calendar, agency_id, ended_after, page_token)

    async def revoke(self, refresh_token: SecretStr) -> None:
        if (trouble := self.troubles.get("revoke")) is not None:
            raise trouble
        self.revoked.append(refresh_token.get_secret_value())
        await self.memory.revoke(refresh_token)

    def forget(self, agency_id: str, user_id: str) -> None:
        self.forgotten.append(f"{agency_id}/{user_id}")

    async def close(self) -> None:
        """Close nothing."""

    async def _wait(self, grant: Grant) -> None:
        await asyncio.sleep(self.latency)
        await self.door.wait()
        if (trouble := self.troubles.get(grant.user_id)) is not None:
            raise trouble

    def writes(self, user: str | None = None) -> list[str]:
        return [kind for who, kind in self.calls if kind not in {"list", "get"} and user in {None, who}]


class World:
    """One worker, and its users."""

    def __init__(self, vault: Vault, policy: Policy | None = None, **quota: int) -> None:
        self.vault = vault
        self.rows, self.log, self.google = Rows(), Log(), Google()
        self.failed: list[BaseException] = []
        self.now = 1_000.0
        self.pulse = Pulse(10.0, 2.0, lambda: self.now)
        limits = {"project": 100_000, "account": 100_000, "at_once": 64} | quota
        self.quota = Quota(**limits, clock=asyncio.get_running_loop().time)
        self.policies = Policies(default=policy or Policy())
        self.desk = Desk(
            rows=cast("Any", self.rows),
            policies=self.policies,
            port=self.google,
            vault=vault,
            quota=self.quota,
            sender=cast("Any", self.log),
            names=Names(),
            metrics=Metrics(),
            pulse=self.pulse,
            fail=self.failed.append,
        )
        self.lanes = Lanes(self.desk)
        self.results: list[SyncResult] = []
        self.statuses: dict[str, SyncStatus] = {}
        self.folds_wait = 0.0
        self.folding = asyncio.Event()
        self.folding.set()
        self.folded = [0] * PARTITIONS
        self.begin = datetime.now(UTC)
        self._revision = 0
        self._wishes: dict[str, dict[str, Wish]] = defaultdict(dict)
        self._seconds = 0

    # What happens to users

    async def connect(self, user: str, account: str | None = None, **more: Any) -> None:
        """Consent, and its announcement."""
        at = self.tick()
        await self.store(user, at, account, **more)
        self.tell(Connected(agency_id=AGENCY, user_id=user, cause=self.cause(at)))

    async def store(self, user: str, at: datetime, account: str | None = None, **more: Any) -> None:
        """Consent, not announced yet."""
        token = self.google.memory.connect(account or user)
        await self.vault.store(NewConnection(AGENCY, user, account or user, token, ("scope",), **more), at)

    def disconnect(self, user: str, *, purge: bool = False) -> None:
        cause = self.cause(self.tick())
        self.tell(Disconnected(agency_id=AGENCY, user_id=user, purge=purge, cause=cause))

    def deactivate(self, user: str) -> None:
        self.tell(Deactivated(agency_id=AGENCY, user_id=user, cause=self.cause(self.tick())))

    def resync(self, user: str) -> None:
        cause = self.cause(self.tick(61))
        self.tell(ResyncAsked(agency_id=AGENCY, user_id=user, cause=cause))

    def shift(self, user: str, shift: str, title: str | None, hours: float = 24.0) -> None:
        """Create, edit or (no title) delete a published shift, so many hours from now."""
        self.shifts(user, {shift: (title, hours)})

    def shifts(
        self, user: str, changes: dict[str, tuple[str | None, float]], standing: Standing = "published"
    ) -> None:
        wishes = self._wishes[user]
        for shift, (title, hours) in changes.items():
            version = self.next_revision()
            if title is None:
                wishes.pop(shift, None)
            else:
                wishes[shift] = wish(title, version, self.begin + timedelta(hours=hours))
        self._contribute(user, standing)

    def _contribute(self, user: str, standing: Standing) -> None:
        self.tell(
            Contribution(
                agency_id=AGENCY,
                user_id=user,
                calendar_id=CALENDAR,
                revision=self.next_revision(),
                standing=standing,
                wishes=dict(self._wishes[user]),
                cause=self.cause(self.begin),
            )
        )

    def tell(self, fact: UserFact) -> None:
        self.log.append(key_of(fact.user_id), fact)

    def tick(self, seconds: int = 1) -> datetime:
        self._seconds += seconds
        return self.begin - timedelta(days=1) + timedelta(seconds=self._seconds)

    def next_revision(self) -> int:
        self._revision += 1
        return self._revision

    def cause(self, at: datetime) -> Cause:
        return Cause(
            topic="t", partition=0, offset=self._revision, event_id="e", occurred_at=at, at=self.begin
        )

    # The users agent

    async def fold_all(self, partition: int) -> None:
        facts = self.log.facts[partition]
        while True:
            while self.folded[partition] < len(facts):
                await asyncio.sleep(self.folds_wait)
                await self.folding.wait()
                self._fold(partition, *facts[self.folded[partition]])
            await self.log.arrived.wait()
            await asyncio.sleep(0)
            self.log.arrived.clear()

    def _fold(self, partition: int, key: bytes, fact: UserFact) -> None:
        before = self.rows._rows[partition].get(key)
        folded = users.fold(before, fact, users.Terms(self.policies.of(AGENCY), datetime.now(UTC)))
        self.rows.put(partition, key, folded.row)
        self.results += folded.results
        if folded.status is not None:
            self.statuses[fact.user_id] = folded.status
        self.folded[partition] += 1
        self.lanes.folded(partition, key, self.folded[partition] - 1)

    # What a test looks at

    def calendar(self, account: str) -> dict[str, str]:
        """Return the titles of our events by shift."""
        return {
            event["extendedProperties"]["private"]["bgsId"].removeprefix("BGS_"): event["summary"]
            for event in self.google.memory.google.standing(account).values()
            if "extendedProperties" in event
        }

    def row(self, user: str) -> UserRow:
        row = self.rows._rows[partition_of(key_of(user))].get(key_of(user))
        assert row is not None
        return row

    def state(self, user: str) -> str:
        """Return the newest status that was told, with its error."""
        status = self.statuses[user]
        return status.state if status.last_error is None else f"{status.state}: {status.last_error.code}"

    def actions(self) -> list[tuple[str, str]]:
        return [(result.shift_id, result.action) for result in self.results]

    @property
    def is_still(self) -> bool:
        """Say whether everything is folded, all rows were walked over, and no lane runs."""
        walked = self.lanes._waking is not None and self.lanes._waking.done()
        return walked and not len(self.lanes) and self.is_folded()

    def is_folded(self) -> bool:
        """Say whether the rows hold everything that was told."""
        return self.folded == [len(self.log.facts[partition]) for partition in range(PARTITIONS)]

    async def settled(self) -> None:
        """Wait until nothing moves any more."""
        await self.until(lambda: self.is_still)
        assert self.failed == []
        assert self.desk.reports == 0

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - what is waited for may be anything
                await asyncio.sleep(0.001)

    async def steps(self, count: int) -> None:
        """Let the loop turn so many times."""
        for _ in range(count):
            await asyncio.sleep(0)

    async def quietly(self, seconds: float = 0.05) -> None:
        """Let time pass in which nothing is expected."""
        await asyncio.sleep(seconds)


def wish(title: str, version: int, start: datetime) -> Wish:
    end = start + timedelta(hours=8)
    return Wish(version=version, kind="shift", title=title, start=start, end=end, time_zone="UTC")


def key_of(user: str) -> bytes:
    return f"{AGENCY}/{user}".encode()


def partition_of(key: bytes) -> int:
    return zlib.crc32(key) % PARTITIONS


def id_of(shift: str) -> str:
    return event_id(AGENCY, CALENDAR, shift)


@asynccontextmanager
async def world_of(tmp_path: Path, policy: Policy | None = None, **quota: int) -> AsyncIterator[World]:
    """A running worker; at the end it is drained, and must leave nothing behind and nothing written twice at once."""
    key = Fernet.generate_key().decode()
    before = asyncio.all_tasks()
    vault = await Vault.open(f"sqlite+aiosqlite:///{tmp_path}/vault.db", [key])
    world = World(vault, policy, **quota)
    agents = [asyncio.create_task(world.fold_all(partition)) for partition in range(PARTITIONS)]
    world.lanes.open(frozenset(range(PARTITIONS)))
    try:
        yield world
        for agent in agents:
            agent.cancel()
        await asyncio.gather(*agents, return_exceptions=True)
        async with asyncio.timeout(10):
            await world.lanes.drain()
        assert world.google.overlaps == []
        assert world.desk.reports == 0
        assert asyncio.all_tasks() - before - {asyncio.current_task()} == set()
    finally:
        for agent in agents:
            agent.cancel()
        await vault.close()
