"""One deployment of the product: settings of its own, workers, the command, and what reaches Google.

In: a Kafka, a stand-in, a directory. Out: `World`, its workers, agencies and users. Asserts look at calendars first.
Not here: situations.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
from cryptography.fernet import Fernet

from schemas.facts import PreferencesSet
from schemas.preferences import Preferences
from streams.names import Names
from streams.preferences import choose
from streams.security import Broker as SecuredBroker
from streams.sender import Sender
from tests.e2e.google import ROOT, Google
from tests.e2e.kafka import Broker, Record
from tests.e2e.messages import LONG, Json, envelope, event_id
from tests.e2e.waiting import eventually
from vault import Vault

PARTITIONS = 4
SCOPE = "https://www.googleapis.com/auth/calendar.events"
INPUTS = (
    "schedule-changed",
    "calendar-published",
    "calendar-unpublished",
    "user-deactivated",
    "sync-commands",
)


class Done(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on standard error, and no traceback."""
        assert "Traceback" not in self.err, self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


class Worker:
    """`shiftcal worker` as a process."""

    def __init__(self, world: World, name: str, settings: dict[str, str], *options: str) -> None:
        self.log = world.home / f"{name}.log"
        self.url = f"http://127.0.0.1:{settings['SHIFTCAL_HTTP_PORT']}"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *world.start_ops, "worker", *options],
                env=settings,
                cwd=world.home,
                stdout=log,
                stderr=log,
            )

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self.process.poll() is None

    def get(self, path: str) -> tuple[int, str]:
        """Ask over HTTP; 0 where nobody listens."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:  # noqa: S310 - loopback
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait_ready(self, seconds: float = 90) -> Self:
        """Wait until `/ready` says so."""
        status = eventually(
            lambda: self.get("/ready")[0], lambda seen: seen == 200 or not self.runs, seconds=seconds
        )
        assert status == 200, f"the worker is not ready ({status}):\n{self.tail()}"
        return self

    def number(self, metric: str) -> float:
        """The sum of a metric over its labels."""
        lines = self.get("/metrics")[1].splitlines()
        return sum(
            float(line.rpartition(" ")[2]) for line in lines if line.split("{")[0].split(" ")[0] == metric
        )

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=25)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4_000:]


class World:
    """Topics, a database, keys, settings; and whoever works with them."""

    #: How Python starts the command as a worker.
    start_ops: tuple[str, ...] = ("-m", "ops")

    def __init__(self, bootstrap: str, prefix: str, google: Google, home: Path, **settings: object) -> None:
        self.google, self.home, self.prefix = google, home, prefix
        self.broker = Broker(bootstrap)
        self.workers: list[Worker] = []
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SHIFTCAL_")}
        self.settings = {
            **inherited,
            **google.settings,
            "PYTHONPATH": str(ROOT),
            "SHIFTCAL_KAFKA_BOOTSTRAP": bootstrap,
            "SHIFTCAL_TOPIC_PREFIX": prefix,
            "SHIFTCAL_PARTITIONS": str(PARTITIONS),
            "SHIFTCAL_SESSION_TIMEOUT_S": "6",
            "SHIFTCAL_STATE_DIR": str(home / "state"),
            "SHIFTCAL_DATABASE_URL": f"sqlite+aiosqlite:///{home}/shiftcal.db",
            "SHIFTCAL_VAULT_KEYS": Fernet.generate_key().decode(),
            "SHIFTCAL_GOOGLE_CLIENT_ID": "client",
            "SHIFTCAL_GOOGLE_CLIENT_SECRET": "secret",
            "SHIFTCAL_LOG_FORMAT": "console",
        }
        self.settings |= {f"SHIFTCAL_{name.upper()}": str(value) for name, value in settings.items()}

    def close(self) -> None:
        """End what still runs."""
        for worker in self.workers:
            if worker.runs:
                worker.kill()
        self.broker.close()

    # Processes

    def shiftcal(self, *arguments: str, **settings: object) -> Done:
        """Run a command to its end."""
        changed = {f"SHIFTCAL_{name.upper()}": str(value) for name, value in settings.items()}
        done = subprocess.run(
            [sys.executable, "-m", "ops", *arguments],
            env={**self.settings, **changed},
            cwd=self.home,
            capture_output=True,
            timeout=90,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def must(self, *arguments: str, **settings: object) -> Done:
        """Run a command that has to succeed."""
        done = self.shiftcal(*arguments, **settings)
        assert done.status == 0, done
        return done

    def start(self, name: str = "worker", *options: str, **settings: object) -> Worker:
        """A worker with a state directory of its own, not waited for."""
        changed = {"state_dir": self.home / f"state-{name}", "http_port": free_port()} | settings
        environment = self.settings | {
            f"SHIFTCAL_{key.upper()}": str(value) for key, value in changed.items()
        }
        worker = Worker(self, name, environment, *options)
        self.workers.append(worker)
        return worker

    def connect(self, *users: User) -> None:
        """`connections import`, with tokens that Google has just given."""
        path = self.home / "connections.jsonl"
        path.write_text("".join(json.dumps(user.connection()) + "\n" for user in users))
        self.must("connections", "import", str(path))

    async def choose(self, fact: PreferencesSet) -> None:
        """Tell what a user has chosen."""
        async with AsyncExitStack() as stack:
            database, key = (self.settings[f"SHIFTCAL_{name}"] for name in ("DATABASE_URL", "VAULT_KEYS"))
            vault = await Vault.open(database, [key])
            stack.push_async_callback(vault.close)
            sender = Sender(SecuredBroker(self.settings["SHIFTCAL_KAFKA_BOOTSTRAP"]))
            await sender.start()
            stack.push_async_callback(sender.stop)
            await choose(vault, sender, Names(self.prefix), fact)

    # Messages

    def send(self, topic: str, *values: Json | bytes | None, key: str | None = None) -> None:
        """Send to a topic, named without prefix."""
        raw = [json.dumps(value).encode() if isinstance(value, dict) else value for value in values]
        self.broker.send(self.prefix + topic, raw, None if key is None else key.encode())

    def records(self, topic: str) -> list[Record]:
        """Everything in a topic, named without prefix."""
        return self.broker.records(self.prefix + topic)

    def status(self, user: User) -> Json:
        """The user's newest status."""
        mine = [one for one in self.records("sync-status") if one.key == user.key]
        return dict(mine[-1].json) if mine else {}

    def results(self, user: User) -> list[Json]:
        """What is said to have reached Google."""
        return [one.json for one in self.records("sync-results") if one.key == user.key]

    def letters(self, agency_text: str) -> list[Record]:
        """Dead letters in whose value or error this text stands."""
        return [
            one
            for one in self.records("dead-letters")
            if agency_text.encode() in (one.value or b"") or agency_text in one.headers.get("error", "")
        ]

    # Quiet

    def settle(self, app_id: str = "shiftcal", seconds: float = 60) -> None:
        """Wait until every message was processed and no user has work under way."""
        group = self.prefix + app_id
        topics = [*(self.prefix + name for name in INPUTS), f"{group}-calendar-facts", f"{group}-user-facts"]
        deadline = time.monotonic() + seconds
        last = ""
        while time.monotonic() < deadline:
            alive = [worker for worker in self.workers if worker.runs]
            assert alive, f"no worker runs any more:\n{self.workers[-1].tail()}"
            lag, ends = self.broker.lag(group, topics)
            busy = sum(worker.number("shiftcal_lanes") for worker in alive)
            ready = all(worker.get("/ready")[0] == 200 for worker in alive)
            last = f"lag {lag}, users with work {busy}, ready {ready}"
            if lag == 0 and busy == 0 and ready and self.broker.lag(group, topics) == (0, ends):
                return
            time.sleep(0.05)
        pytest.fail(f"no quiet: {last}\n{self.workers[-1].tail()}")


class Agency:
    """One agency, and what its upstream services say; one calendar, `ops`, unless another is named."""

    def __init__(self, world: World, name: str, *users: str) -> None:
        self.world, self.id = world, name
        self.users = [User(self, user) for user in users]

    def user(self, user_id: str, account: str | None = None) -> User:
        """Anybody of this agency."""
        return User(self, user_id, account)

    def schedule(self, *changes: Json, calendar: str = "ops", **fields: Any) -> None:
        """One `schedule-changed`."""
        message = envelope(self.id, calendar_id=calendar, changes=list(changes), **fields)
        self.world.send("schedule-changed", message)

    def publish(
        self, version: int = 1, through: object = LONG, since: object = None, calendar: str = "ops"
    ) -> None:
        """One `calendar-published`; until far ahead unless said otherwise."""
        message = envelope(
            self.id,
            calendar_id=calendar,
            version=version,
            published_through=str(through),
            published_from=None if since is None else str(since),
        )
        self.world.send("calendar-published", message)

    def unpublish(
        self,
        version: int,
        through: object = None,
        since: object = None,
        *,
        back: bool = False,
        calendar: str = "ops",
    ) -> None:
        """One `calendar-unpublished`; rolled `back` to a day, or un-published."""
        message = envelope(
            self.id,
            calendar_id=calendar,
            version=version,
            reason="rolled_back" if back else "unpublished",
            published_through=None if through is None else str(through),
            published_from=None if since is None else str(since),
        )
        self.world.send("calendar-unpublished", message)


class User:
    """A user, his Google calendar, and what reached it."""

    def __init__(self, agency: Agency, user_id: str, account: str | None = None) -> None:
        self.agency, self.id = agency, user_id
        self.account = account or f"{user_id}.{agency.id}@example.com"
        self.key = f"{agency.id}/{user_id}"
        self.world, self.google = agency.world, agency.world.google
        self.calendar = self.account

    def command(self, command: str, at: datetime | None = None, **fields: Any) -> None:
        """One of `sync-commands`."""
        message = envelope(self.agency.id, at=at, user_id=self.id, command=command, **fields)
        self.world.send("sync-commands", message, key=self.key)

    def chooses(self, at: datetime | None = None, **preferences: Any) -> None:
        """How events look, as the page where the user says so tells it."""
        fact = PreferencesSet(
            agency_id=self.agency.id,
            user_id=self.id,
            preferences=Preferences(**preferences),
            occurred_at=at or datetime.now(UTC),
        )
        asyncio.run(self.world.choose(fact))

    def deactivate(self, at: datetime | None = None) -> None:
        """One `user-deactivated`."""
        self.world.send("user-deactivated", envelope(self.agency.id, at=at, user_id=self.id))

    def connection(self) -> Json:
        """A line of `connections import`, with a token that Google has just given."""
        line = {
            "agency_id": self.agency.id,
            "user_id": self.id,
            "google_account": self.account,
            "refresh_token": self.google.account(self.account),
            "scopes": [SCOPE],
        }
        return line if self.calendar == self.account else line | {"google_calendar_id": self.calendar}

    def connected_at(self) -> datetime:
        """When the newest connect was announced."""
        told = [one.json for one in self.world.records("sync-commands") if one.key == self.key]
        return max(datetime.fromisoformat(one["occurred_at"]) for one in told if one["command"] == "connect")

    # What stands there

    def titles(self) -> list[str]:
        """Of every event that is not cancelled, the user's own ones too."""
        return sorted(str(one.get("summary", "")) for one in self.google.events(self.calendar))

    def shows(self, *titles: str) -> None:
        """Wait until exactly these events stand there."""
        wanted = sorted(titles)
        seen = eventually(self.titles, lambda found: found == wanted)
        assert seen == wanted, f"{self.key}\n{self.world.workers[-1].tail()}"

    def keeps(self, *titles: str) -> None:
        """Wait until everything is done, and see that exactly these events stand there."""
        self.world.settle()
        assert self.titles() == sorted(titles), f"{self.key}\n{self.world.workers[-1].tail()}"

    def id_of(self, shift_id: str, n: int | None = None, calendar: str = "ops") -> str:
        """The id of a shift's event."""
        return event_id(self.agency.id, calendar, shift_id, n)

    def event(self, shift_id: str, n: int | None = None, calendar: str = "ops") -> Json | None:
        """The shift's event, cancelled or not."""
        return self.google.event(self.calendar, self.id_of(shift_id, n, calendar))

    def stands(self, shift_id: str, calendar: str = "ops") -> Json:
        """The shift's event, which must be there."""
        event = self.event(shift_id, calendar=calendar)
        assert event is not None
        assert event["status"] == "confirmed"
        return event

    def calls(self, since: int = 0) -> list[str]:
        """Calls to Google about this account's events, as far as everything is done."""
        self.world.settle()
        mine = [one for one in self.google.journal(since) if one["account"] == self.account]
        methods = [str(one["method"]) for one in mine]
        return [method.removeprefix("events.") for method in methods if method.startswith("events.")]

    def is_told(self, state: str, code: str | None = None) -> Json:
        """Wait until the newest status is of this state, and has this error if any."""

        def fits(status: Json) -> bool:
            error = status.get("last_error") or {}
            return status.get("state") == state and error.get("code") == code

        seen = eventually(lambda: self.world.status(self), fits)
        assert fits(seen), f"{self.key}: {seen}\n{self.world.workers[-1].tail()}"
        return seen

    @contextmanager
    def slow(self, milliseconds: int) -> Iterator[None]:
        """Google takes its time with this account, so that calls are under way while others wait."""
        fault = self.google.fault("latency", method="events.*", account=self.account, latency_ms=milliseconds)
        try:
            yield
        finally:
            self.google.mend(fault)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def toml(value: object) -> str:
    """A value as TOML spells it: as JSON, but for tables."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


def policies(path: Path, agencies: Iterable[tuple[str, Json]]) -> Path:
    """A file of policies."""
    tables = []
    for agency, choices in agencies:
        lines = "".join(f"{name} = {toml(value)}\n" for name, value in choices.items())
        tables.append(f'[agency."{agency}"]\n{lines}')
    path.write_text("\n".join(tables))
    return path
