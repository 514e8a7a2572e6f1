"""Writes down what this build writes, for the next release to read: `python -m tests.upgrade.record N`.

In: N, the version of rows and messages that this build writes. Out: `fixtures/N.zip`. Run it once with the build that is to be
released, and check the file in; a file that is there is never written again, since nobody has that build any more.

The deployment is a real one, on a real Kafka, with this build's worker. One thing is put right afterwards, by this build's own
codec: the next look at Google, due once a day, is put off to 2035. Otherwise what a worker does with the file would change
with its age.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import TypeAdapter

from schemas.rows import UserRow
from streams import codec
from streams.names import Names
from tests.e2e.google import Google
from tests.e2e.messages import Json
from tests.e2e.world import Agency, World
from tests.kafka import start_kafka
from tests.upgrade.scene import AGENCY, USERS, play
from tests.upgrade.shapes import MOMENT, examples, families
from tests.upgrade.stored import PREFIX, Deployment, Example, Store, Written


def shapes() -> list[Example]:
    """Every kind of row and message, as this build writes it."""
    found = []
    for family, kinds in families().items():
        write = codec.encode_row if family == "row" else codec.encode
        for kind in kinds:
            for number, one in enumerate(examples(kind)):
                name = f"{family}/{kind.__name__}/{number:02}"
                found.append(Example(name, write(one), one.model_dump(mode="json")))
    return found


def deployment(bootstrap: str, home: Path) -> Deployment:
    """A deployment that was stopped in peace."""
    with Google() as google:
        world = World(bootstrap, PREFIX, google, home)
        try:
            world.must("topics", "create")
            worker = world.start().wait_ready()
            play(world)
            assert worker.stop() == 0, worker.tail()
            return _left_by(world)
        finally:
            world.close()


def _left_by(world: World) -> Deployment:
    names = Names(PREFIX)
    topics = (*names.inputs, *names.internal, *names.changelogs, names.rebuild, names.results, names.status)
    records = [_written(one) for topic in topics for one in world.broker.records(topic)]
    users = Agency(world, AGENCY, *USERS).users
    connected = {str(one.key) for one in world.broker.records(f"{PREFIX}sync-commands")}
    return Deployment(
        records=[_put_off(one) if one.topic == names.changelog("users") else one for one in records],
        commits=world.broker.commits(names.app_id, (*names.inputs, *names.internal)),
        connections=[_connection(user) for user in users if user.key in connected],
        calendars={
            user.account: world.google.events(user.calendar) for user in users if user.key in connected
        },
    )


def _connection(user: Any) -> Json:
    return {
        "agency_id": user.agency.id,
        "user_id": user.id,
        "account": user.account,
        "connected_at": user.connected_at().isoformat(),
    }


def _written(record: Any) -> Written:
    key = None if record.key is None else record.key.encode()
    return Written(record.topic, record.partition, record.offset, key, record.value)


def _put_off(record: Written) -> Written:
    row = codec.decode(UserRow, record.value or b"")
    if row.connection.verified_at is None:
        return record
    connection = row.connection.model_copy(update={"verified_at": MOMENT})
    return record._replace(value=codec.encode_row(row.model_copy(update={"connection": connection})))


def main() -> None:
    """Write the file."""
    version = TypeAdapter(int).validate_python(sys.argv[1])
    store = Store(version)
    if store.path.exists():
        sys.exit(f"{store.path} is there: it is what an earlier build wrote, and stays as it is")
    kafka = start_kafka()
    try:
        with TemporaryDirectory() as home:
            store.write(shapes(), deployment(kafka.bootstrap, Path(home)))
    finally:
        kafka.close()
    print(f"{store.path}: {store.path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
