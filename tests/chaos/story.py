"""One story from beginning to end: told, disturbed, quietened, judged.

In: a Kafka of our own, a seed. Out: a `Verdict` with complaints and figures. Not here: what is told (`history`), and what
must be true (`judge`).
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from uuid import uuid4

import pytest
from confluent_kafka import KafkaError, Producer
from confluent_kafka import Message as Delivered
from pydantic import SecretStr

from streams.names import Names
from streams.security import Broker
from streams.topics import create
from tests.chaos import weather
from tests.chaos.crew import Crew
from tests.chaos.history import Consent, Edit, History, Message, command, tell
from tests.chaos.judge import Case, complaints
from tests.chaos.nursery import Nursery, NurseryWorld
from tests.chaos.people import People
from tests.chaos.trouble import Trouble
from tests.e2e.google import Google
from tests.e2e.messages import Json
from tests.e2e.world import PARTITIONS, SCOPE, policies
from tests.kafka import Kafka
from tests.planning.oracle import Said
from vault import NewConnection, Vault, VaultUnavailable

SESSION_S = 4.0


@dataclass
class Verdict:
    """How a story ended."""

    seed: int
    complaints: list[str] = field(default_factory=list)
    figures: dict[str, float | int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The seed and its figures in one line."""
        told = " ".join(f"{name} {value:g}" for name, value in self.figures.items())
        return f"seed {self.seed}: {'ok' if not self.complaints else 'WRONG'}, {told}"


class Story:
    """Everybody who takes part."""

    def __init__(self, kafka: Kafka, nursery: Nursery, history: History, google: Google, home: Path) -> None:
        self.history, self.google = history, google
        rules = policies(home / "policies.toml", [one for one in history.rules.items() if one[1]])
        settings = {"policies": rules} if rules.read_text() else {}
        self.world = NurseryWorld(
            kafka.bootstrap,
            f"c{uuid4().hex[:8]}-",
            google,
            home,
            **settings,
            session_timeout_s=SESSION_S,
            google_timeout_s=2,
        )
        self.world.nursery = nursery
        self.crew = Crew(self.world)
        self.people = People(google)
        self.loop = asyncio.Runner()
        self.producer = Producer({"bootstrap.servers": kafka.bootstrap, "linger.ms": 0, "log_level": 0})
        self.undelivered: list[KafkaError] = []
        self.dice = random.Random(f"trouble {history.seed}")
        self.trouble = Trouble(self.crew, kafka, google, self.dice, SESSION_S)

    def tell(self, seconds: float) -> None:
        """Tell the story, at an even pace, with trouble in between."""
        steps = self.history.steps
        began = time.monotonic()
        for number, step in enumerate(steps):
            self._step(step)
            self.producer.poll(0)
            while True:
                self.crew.tick()
                self.trouble.tick(number / len(steps))
                if time.monotonic() - began >= seconds * number / len(steps):
                    break
                time.sleep(0.01)
        assert self.producer.flush(60) == 0
        assert not self.undelivered, self.undelivered

    def quieten(self) -> None:
        """Faults off, everybody at work again; where people edited events everybody asks for a last look."""
        weather.clear(self.google)
        self.crew.calm()
        self.world.settle(seconds=120)
        if not self.history.edited:
            return
        for person in self.history.people:
            value = command(person, "resync", self.history.last)
            self._step(
                Message("sync-commands", person.key.encode(), _json(value), Said("sync-commands", value))
            )
        assert self.producer.flush(60) == 0
        self.world.settle(seconds=120)

    def _step(self, step: Message | Consent | Edit) -> None:
        match step:
            case Message(topic=topic, key=key, value=value):
                self.producer.produce(self.world.prefix + topic, value, key, on_delivery=self._delivered)
            case Consent():
                self._consent(step)
            case Edit():
                self.people.act(step)

    def _consent(self, step: Consent) -> None:
        """A worker frozen in a transaction holds the database's file until it is woken, which nobody but we will do.

        The consent is given anew each time, as by a person whose page says that it did not work: what is revoked at Google
        while a consent waits to be stored takes that one along, and nobody could hold it back.
        """
        person, deadline = step.person, time.monotonic() + 30
        while True:
            token = SecretStr(self.google.account(person.account))
            new = NewConnection(person.agency, person.user, person.account, token, (SCOPE,))
            try:
                assert self.loop.run(self.vault.store(new, step.at)).applied
            except VaultUnavailable:
                assert time.monotonic() < deadline, "the database stays locked"
                self.crew.tick()
            else:
                return

    def _delivered(self, error: KafkaError | None, _: Delivered) -> None:
        if error is not None:
            self.undelivered.append(error)

    def __enter__(self) -> Self:
        settings = self.world.settings
        specs = Names(self.world.prefix).specs(PARTITIONS)
        self.loop.run(create(Broker(self.world.broker.bootstrap), specs, 1))
        url, key = settings["SHIFTCAL_DATABASE_URL"], settings["SHIFTCAL_VAULT_KEYS"]
        self.vault = self.loop.run(Vault.open(url, [key], wait_s=0.1))
        for account in {person.account for person in self.history.people}:
            self.google.account(account)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.run(self.vault.close())
        self.loop.close()
        self.world.close()


def run(
    kafka: Kafka, nursery: Nursery, seed: int, home: Path, *, messages: int = 500, seconds: float = 14
) -> Verdict:
    """Tell the story of a seed on this Kafka, and judge how it ended."""
    history, verdict, began = tell(seed, messages), Verdict(seed), time.monotonic()
    share = started = 0.0
    with ExitStack() as stack:
        google = stack.enter_context(Google())
        story = stack.enter_context(Story(kafka, nursery, history, google, home))
        try:
            for _ in range(story.dice.choice((2, 2, 3))):
                story.crew.join()
            # Now and then trouble meets the very first start, while the state is still to be built.
            if story.dice.random() < 0.85:
                story.crew.calm()
            share = weather.worsen(google, story.dice)
            started = time.monotonic() - began
            story.tell(seconds)
            quiet = time.monotonic()
            story.quieten()
            verdict.complaints = complaints(Case(history, story.world, story.people))
        except (AssertionError, pytest.fail.Exception) as error:
            verdict.complaints.append(f"it never came to rest: {error}")
            quiet = time.monotonic()
        verdict.complaints += [f"a bug ended a worker: {bug}" for bug in story.crew.bugs]
        verdict.log = [*story.trouble.log, *story.crew.crashes, *story.people.done]
        verdict.figures = _figures(story, share) | {
            "start_s": round(started, 1),
            "quiet_s": round(time.monotonic() - quiet, 1),
            "seconds": round(time.monotonic() - began, 1),
        }
    return verdict


def _figures(story: Story, share: float) -> dict[str, float | int]:
    journal = story.google.journal()
    calls = [one for one in journal if str(one["method"]).startswith("events.")]
    counts = story.crew.counts
    return {
        "messages": sum(isinstance(one, Message) for one in story.history.steps),
        "calls": len(calls),
        "struck": sum(one["fault"] is not None for one in calls),
        "share": round(share, 2),
        "repeats": _repeats(calls),
        **{name: counts[name] for name in ("kills", "stops", "freezes", "starts", "crashes")},
        "broker": sum(story.trouble.broker.values()),
        "edits": len(story.people.done),
    }


def _repeats(calls: list[Json]) -> int:
    """Writes that found their work done: made again after a crash, or since the answer was lost."""
    seen = Counter((one["method"], one["status"]) for one in calls)
    done = [("events.insert", 409), ("events.patch", 412), ("events.delete", 404), ("events.delete", 410)]
    return sum(seen[one] for one in done)


def _json(value: Json) -> bytes:
    return json.dumps(value).encode()
