"""What a release wrote, kept in `fixtures/N.zip` (N: the version of its rows and messages), and brought back to life.

In: such a file. Out: the bytes of every kind with what they mean, and `Deployment`: topics, commits, connections and calendars
as a running deployment left them. How the file is made stands in `record`.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from tests.e2e.google import Google
from tests.e2e.messages import Json
from tests.e2e.waiting import eventually
from tests.e2e.world import SCOPE
from vault import NewConnection, Vault

FIXTURES: Final = Path(__file__).with_name("fixtures")
#: Offsets of the fact that a rebuild is done are kept by the topics' real names: so the names are kept.
PREFIX: Final = "stored-"
#: The etag that the stand-in would give before its first change.
NO_CHANGES: Final = 3_000_000_000_000_000


class Example(NamedTuple):
    """One row or message as it was written, and all its fields as they were meant."""

    name: str
    data: bytes
    meant: Json

    @property
    def family(self) -> str:
        """How it is read."""
        return self.name.split("/")[0]

    @property
    def kind(self) -> str:
        """The name of its shape."""
        return self.name.split("/")[1]


class Written(NamedTuple):
    """A record of a topic; it must come back to the same offset."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class Deployment(NamedTuple):
    """All that a deployment leaves behind, but for its keys and tokens."""

    records: list[Written]
    commits: dict[str, int]
    connections: list[Json]
    calendars: dict[str, list[Json]]


class Store:
    """One file."""

    def __init__(self, version: int) -> None:
        self.path = FIXTURES / f"{version}.zip"

    def examples(self) -> list[Example]:
        """Every kind."""
        with ZipFile(self.path) as stored:
            names = sorted(
                one[:-5] for one in stored.namelist() if one.startswith("shapes/") and one[-5:] == ".json"
            )
            return [
                Example(
                    name.removeprefix("shapes/"),
                    stored.read(f"{name}.bin"),
                    json.loads(stored.read(f"{name}.json")),
                )
                for name in names
            ]

    def deployment(self) -> Deployment:
        """What was left behind."""
        with ZipFile(self.path) as stored:
            found = json.loads(stored.read("deployment.json"))
        records = [
            Written(one["topic"], one["partition"], one["offset"], _raw(one["key"]), _raw(one["value"]))
            for one in found["records"]
        ]
        return Deployment(records, found["commits"], found["connections"], found["calendars"])

    def write(self, examples: list[Example], deployment: Deployment) -> None:
        """Make the file."""
        FIXTURES.mkdir(exist_ok=True)
        with ZipFile(self.path, "w", ZIP_DEFLATED, compresslevel=9) as stored:
            for one in examples:
                stored.writestr(f"shapes/{one.name}.bin", one.data)
                stored.writestr(f"shapes/{one.name}.json", json.dumps(one.meant, ensure_ascii=False))
            records = [
                one._asdict() | {"key": _text(one.key), "value": _text(one.value)}
                for one in deployment.records
            ]
            stored.writestr("deployment.json", json.dumps(deployment._asdict() | {"records": records}))


def bring_back(deployment: Deployment, bootstrap: str, group: str) -> None:
    """Fill the topics, which exist and are empty, and have the group be as far as it was."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "log_level": 0})
    for one in deployment.records:
        producer.produce(one.topic, one.value, one.key, partition=one.partition, on_delivery=_to(one.offset))
    assert producer.flush(30) == 0
    options = {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0}
    committer = Consumer(options)
    try:
        places = [(name.rpartition("/"), offset) for name, offset in deployment.commits.items()]
        offsets = [TopicPartition(topic, int(number), offset) for (topic, _, number), offset in places]
        eventually(lambda: _committed(committer, offsets), bool, seconds=30)
    finally:
        committer.close()


def _committed(committer: Consumer, offsets: list[TopicPartition]) -> bool:
    """Whether it was taken: a young broker makes the topic of offsets when it is first asked, and refuses meanwhile."""
    try:
        committer.commit(offsets=offsets, asynchronous=False)
    except KafkaException:
        return False
    return True


def _to(offset: int) -> Callable[[object, Message], None]:
    def delivered(error: object, message: Message) -> None:
        assert error is None, error
        assert message.offset() == offset, "the topic was not empty"

    return delivered


def drop_topics(bootstrap: str) -> None:
    """Leave nothing of it on a Kafka that others use as well; and wait, should another run have left it."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    if ours := [name for name in admin.list_topics(timeout=10).topics if name.startswith(PREFIX)]:
        for future in admin.delete_topics(ours).values():
            future.result(20)
        eventually(
            lambda: set(ours) & set(admin.list_topics(timeout=10).topics), lambda found: not found, seconds=20
        )


def bring_back_calendars(deployment: Deployment, google: Google) -> None:
    """Put the events back with the etags that they had: the stand-in counts, so others are made in between."""
    google.account("filler@example.com")
    events = [
        (str(one["etag"]), account, one) for account, found in deployment.calendars.items() for one in found
    ]
    for account in deployment.calendars:
        google.account(account)
    last = NO_CHANGES
    for etag, account, event in sorted(events, key=lambda one: (len(one[0]), one[0])):
        body = {name: value for name, value in event.items() if name not in {"etag", "iCalUID"}}
        while last < int(etag.strip('"')) - 1:
            last = _next_etag(google)
        assert google.add(account, body)["etag"] == etag, "the stand-in counts in another way than it did"
        last += 1


def _next_etag(google: Google) -> int:
    made = google.add("filler@example.com", {"start": {"date": "2035-01-01"}, "end": {"date": "2035-01-02"}})
    return int(str(made["etag"]).strip('"'))


async def bring_back_connections(deployment: Deployment, google: Google, url: str, key: str) -> None:
    """Connect who was connected, with another token; it was all announced then."""
    vault = await Vault.open(url, [key])
    try:
        for one in deployment.connections:
            token = SecretStr(google.account(one["account"]))
            who = NewConnection(one["agency_id"], one["user_id"], one["account"], token, (SCOPE,))
            await vault.store(who, datetime.fromisoformat(one["connected_at"]))
        await vault.announced([one.id for one in await vault.announcements()])
    finally:
        await vault.close()


def _raw(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()
