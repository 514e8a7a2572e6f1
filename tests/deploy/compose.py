"""`make compose-test`: docker-compose.host.yml for real. Everything comes up, a worker is killed, and all is taken down again.

In: a Docker engine on this machine, ports 28080 to 28432 of 127.0.0.1. Out: a table of times, and 0 where everything was as it should be.
Not here: bridges, published ports, Prometheus and Grafana, which only docker-compose.yml has.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

import aiohttp
import orjson
from aiohttp import CookieJar

from sandbox.data import AGENCY, Message, Upstream
from sandbox.expected import differences, expected, ours
from sandbox.google import RemoteStandIn
from sandbox.month import PEOPLE, TIME_ZONE
from streams.codec import key
from streams.security import Broker
from streams.sender import Sender
from tests.deploy.compose_files import environment, services
from tests.deploy.engine import Engine, EngineFailed

FILE: Final = "docker-compose.host.yml"
WORKERS: Final = ("worker-1", "worker-2")
EDITS: Final = 10
LATE_S: Final = 120.0
QUIET_S: Final = 2.0
"""A call too many comes late, and must be seen."""


class Wrong(Exception):
    """Something was not as it should be."""


class Run:
    """What is running, and what was sent to it."""

    def __init__(self, engine: Engine, http: aiohttp.ClientSession) -> None:
        self.engine = engine
        self.http = http
        parts = services(FILE)
        settings = {name: environment(parts[name]) for name in (*WORKERS, "portal", "standin")}
        self.workers = {name: _url(settings[name]["SHIFTCAL_HTTP_PORT"]) for name in WORKERS}
        self.portal = settings["portal"]["SHIFTCAL_PORTAL_PUBLIC_URL"]
        self.google = RemoteStandIn(_url(settings["standin"]["STANDIN_PORT"]))
        self.sender = Sender(Broker(settings["worker-1"]["SHIFTCAL_KAFKA_BOOTSTRAP"]))
        self.edits = 0

    def knows_the_month(self) -> None:
        """Go on from what the demo has sent: the same month, with versions that are later than its own."""
        self.upstream = Upstream(datetime.now(ZoneInfo(TIME_ZONE)).date(), version=int(time.time()) + 1)
        self.sent: list[Message] = [*self.upstream.rosters(), *self.upstream.publish()]

    async def edit(self, count: int = 1) -> float:
        """Change so many shifts; the wall clock just before."""
        messages = [message for _ in range(count) for message in self.upstream.edit()]
        begun = time.time()
        for topic, value in messages:
            await self.sender.deliver(topic, key(AGENCY, value["calendar_id"]), orjson.dumps(value))
        self.sent += messages
        self.edits += count
        return begun

    async def in_step(self) -> float:
        """Wait until the stand-in's calendars show everything that was sent; the wall clock of the last write."""
        accounts = {person.user_id: person.account for person in PEOPLE}
        wanted = expected(self.sent, accounts)

        async def shown() -> bool:
            actual = {account: ours(await self.google.events(account)) for account in accounts.values()}
            return not list(differences(wanted, actual))

        await until("all calendars are in step", shown)
        return max(float(call["at"]) for call in await self.google.calls())

    async def answers(self, url: str) -> bool:
        """Whether this address says 200."""
        try:
            async with self.http.get(url) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def inserted(self, worker: str) -> float:
        """How many events a worker has inserted, by its own count."""
        async with self.http.get(f"{self.workers[worker]}/metrics") as answer:
            found = re.search(
                r'^shiftcal_changes_total\{action="inserted"\} (\S+)', await answer.text(), re.MULTILINE
            )
        return float(found[1]) if found else 0.0


async def comes_up(run: Run) -> None:
    """From nothing to the demo's agency in step."""
    begun = time.monotonic()
    await asyncio.to_thread(run.engine.compose, "up", "--detach")
    status = await asyncio.to_thread(run.engine.exit_status, "demo")
    if status:
        raise Wrong(f"the demo ended with {status}")
    tell("up, month published, in step", time.monotonic() - begun)
    run.knows_the_month()
    await run.sender.start()
    await run.in_step()


async def is_ready(run: Run) -> None:
    """Workers say so, and the portal lets somebody in."""
    for url in run.workers.values():
        await until(f"{url}/ready", partial(run.answers, f"{url}/ready"))
    await until("the portal answers", lambda: run.answers(f"{run.portal}/live-check"))
    person = PEOPLE[0]
    link = ["portal", "link", AGENCY, person.user_id, "--name", person.name]
    told = await asyncio.to_thread(run.engine.compose, "exec", "-T", "portal", "shiftcal", *link)
    async with run.http.get(told.strip()) as answer:
        page = await answer.text()
        if answer.status != 200 or person.account not in page:
            raise Wrong(f"the portal's page of {person.user_id} is not there: status {answer.status}")


async def edits_arrive(run: Run) -> None:
    """One after the other, with both workers."""
    times = [await _one_edit(run) for _ in range(EDITS)]
    tell(f"an edit, median of {EDITS}", median(times))
    tell(f"an edit, slowest of {EDITS}", max(times))


async def _one_edit(run: Run) -> float:
    begun = await run.edit()
    return await run.in_step() - begun


async def worker_is_killed(run: Run) -> None:
    """The one with most people: edits reach Google through the other one; back again, it repeats nothing."""
    counts = {name: await run.inserted(name) for name in WORKERS}
    victim = max(counts, key=lambda name: counts[name])
    await asyncio.to_thread(run.engine.docker, "kill", victim, "--signal=KILL")
    begun = await run.edit(EDITS)
    tell(f"{EDITS} edits after {victim} was killed", await run.in_step() - begun)
    back = time.monotonic()
    await asyncio.to_thread(run.engine.docker, "start", victim)
    await until(f"{victim} is ready", lambda: run.answers(f"{run.workers[victim]}/ready"))
    tell(f"{victim} ready again", time.monotonic() - back)
    begun = await run.edit(EDITS)
    tell(f"{EDITS} edits with both again", await run.in_step() - begun)


async def calls_are_few(run: Run) -> None:
    """One insert for each event, one patch for each edit, nothing else written and nothing twice."""
    await asyncio.sleep(QUIET_S)
    stats = await run.google.ask("GET", "stats")
    events = sum([len(ours(await run.google.events(person.account))) for person in PEOPLE])
    written = {name: count for name, count in stats["committed"].items() if name.startswith("events.")}
    wanted = {"events.insert": events, "events.patch": run.edits}
    if written != wanted or stats["duplicate_inserts"] or stats["violations"]:
        raise Wrong(f"writes {written} instead of {wanted}; duplicates: {len(stats['duplicate_inserts'])}")
    print(f"{'calls':<42} {written['events.insert']} inserts, {written['events.patch']} patches, none twice")


async def stops(run: Run) -> None:
    """SIGTERM reaches every worker, and each ends by itself, with 0."""
    begun = time.monotonic()
    await asyncio.to_thread(run.engine.compose, "stop", *WORKERS)
    tell("both workers stopped", time.monotonic() - begun)
    ended = {name: await asyncio.to_thread(run.engine.exit_status, name) for name in WORKERS}
    if any(ended.values()):
        raise Wrong(f"workers ended with {ended}")


async def play(engine: Engine) -> None:
    """Everything, in order."""
    # An address of numbers has no cookies unless one asks for it.
    async with aiohttp.ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        run = Run(engine, http)
        async with run.google:
            try:
                for step in (comes_up, is_ready, edits_arrive, worker_is_killed, calls_are_few, stops):
                    await step(run)
            finally:
                await run.sender.stop()


async def until(what: str, holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + LATE_S
    while not await holds():
        if time.monotonic() > deadline:
            raise Wrong(f"not after {LATE_S:.0f} s: {what}")
        await asyncio.sleep(0.05)


def tell(what: str, seconds: float) -> None:
    """A line of the table."""
    print(f"{what:<42} {seconds:8.2f} s", flush=True)


def _url(port: str) -> str:
    return f"http://127.0.0.1:{port}"


def main() -> int:
    """Build, play, and take everything down, whatever happened."""
    try:
        engine = Engine(FILE)
    except EngineFailed as failed:
        print(f"compose-test: {failed}", file=sys.stderr)
        return 1
    try:
        engine.compose("down", "--volumes")  # what an earlier run may have left
        begun = time.monotonic()
        engine.compose("build", "setup")
        tell("image built", time.monotonic() - begun)
        asyncio.run(play(engine))
    except (Wrong, EngineFailed) as wrong:
        print(f"compose-test: {wrong}", file=sys.stderr)
        print(engine.compose("logs", "--no-color", "--tail=20"), file=sys.stderr)
        return 1
    finally:
        begun = time.monotonic()
        engine.compose("down", "--volumes")
        tell("taken down", time.monotonic() - begun)
    return 0


if __name__ == "__main__":
    sys.exit(main())
