"""A worker that cannot start ends with status 1 and one line that tells an operator what to do."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.google import Google
from tests.e2e.messages import shift
from tests.e2e.world import Agency, Worker, World, free_port

#: What is wrong, and what the line has to name.
WRONG: Final[dict[str, tuple[str, ...]]] = {
    "no Kafka": ("SHIFTCAL_KAFKA_BOOTSTRAP",),
    "no topics": ("topics create",),
    "another number of partitions": ("partitions", "SHIFTCAL_PARTITIONS"),
    "no vault keys": ("SHIFTCAL_VAULT_KEYS",),
    "a key that is none": ("SHIFTCAL_VAULT_KEYS",),
    "a locked database": ("SHIFTCAL_DATABASE_URL", "holds it"),
    "no database server": ("SHIFTCAL_DATABASE_URL",),
    "no directory for the database": ("SHIFTCAL_DATABASE_URL",),
    "a taken port": ("SHIFTCAL_HTTP_PORT",),
    "no policy file": ("SHIFTCAL_POLICIES",),
    "an unknown policy": ("policies.toml", "on_unpublished"),
    "an unknown choice": ("policies.toml", "on_unpublish", "keep"),
    "a wrong number": ("SHIFTCAL_PARTITIONS",),
    "a wrong address": ("SHIFTCAL_KAFKA_BOOTSTRAP",),
    "a state directory in use": ("SHIFTCAL_STATE_DIR",),
}

SECRET: Final = "pa55word"


def _settings(home: Path, shared: World, stack: ExitStack) -> dict[str, dict[str, object]]:
    """What to change for each of them."""
    (home / "key.toml").mkdir()
    unknown, choice = home / "key.toml" / "policies.toml", home / "choice-policies.toml"
    unknown.write_text('[default]\non_unpublished = "keep"\n')
    choice.write_text('[agency."metro"]\non_unpublish = "hide"\n')
    locked = home / "locked.db"
    holder = stack.enter_context(closing(sqlite3.connect(locked, isolation_level=None)))
    holder.execute("CREATE TABLE held (by TEXT)")
    holder.execute("BEGIN EXCLUSIVE")
    taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return {
        "no Kafka": {"kafka_bootstrap": f"127.0.0.1:{free_port()}"},
        "no topics": {"topic_prefix": "nowhere-"},
        "another number of partitions": {"partitions": 6},
        "no vault keys": {"vault_keys": ""},
        "a key that is none": {"vault_keys": SECRET},
        "a locked database": {"database_url": f"sqlite+aiosqlite:///{locked}"},
        "no database server": {
            "database_url": f"postgresql+asyncpg://shiftcal:{SECRET}@127.0.0.1:{free_port()}/shiftcal"
        },
        "no directory for the database": {"database_url": f"sqlite+aiosqlite:///{home}/none/shiftcal.db"},
        "a taken port": {"http_port": taken.getsockname()[1]},
        "no policy file": {"policies": home / "none-policies.toml"},
        "an unknown policy": {"policies": unknown},
        "an unknown choice": {"policies": choice},
        "a wrong number": {"partitions": "many"},
        "a wrong address": {"kafka_bootstrap": "localhost"},
        "a state directory in use": {"state_dir": shared.home / "state-worker"},
    }


@pytest.fixture(scope="module")
def ended(shared: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[int, str]]]:
    """All of them, started beside each other: exit status and what the process said."""
    home = tmp_path_factory.mktemp("starts")
    with ExitStack() as stack:
        started: dict[str, Worker] = {}
        for number, (name, settings) in enumerate(_settings(home, shared, stack).items()):
            started[name] = shared.start(f"wrong-{number}", log_level="WARNING", **settings)
        found = {name: (worker.process.wait(90), worker.tail()) for name, worker in started.items()}
        yield found
    for worker in started.values():
        shared.workers.remove(worker)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_worker_that_cannot_start(wrong: str, ended: dict[str, tuple[int, str]]) -> None:
    """Status 1, one line, no traceback, no secret; the line names the setting or the file."""
    status, said = ended[wrong]
    assert status == 1, said
    assert "Traceback" not in said
    assert SECRET not in said
    [line] = said.splitlines()
    for word in WRONG[wrong]:
        assert word in line


def test_wrong_use(shared: World) -> None:
    """An unknown option is status 2, and one line."""
    done = shared.shiftcal("worker", "--faster")
    assert done.status == 2
    assert "--faster" in done.complaint


def test_a_history_without_its_beginning(new_world: Callable[..., World], google: Google) -> None:
    """Without state a worker makes no call and says so; it goes on only when it is told to."""
    world = new_world(google)
    world.must("topics", "create")
    agency = Agency(world, "truncated", "u1")
    [u1] = agency.users
    agency.schedule(shift("forgotten"))
    world.broker.forget_beginning(world.prefix + "schedule-changed")
    world.connect(u1)
    refused = world.start("one", log_level="WARNING")
    assert refused.process.wait(60) == 1, refused.tail()
    said = refused.tail()
    assert "Traceback" not in said
    assert "--accept-truncated-history" in said.splitlines()[-1]
    assert "schedule-changed" in said.splitlines()[-1]
    assert u1.google.journal() == [one for one in u1.google.journal() if one["account"] != u1.account]
    agency.publish()
    agency.schedule(shift("known"))
    accepted = world.start("one", "--accept-truncated-history").wait_ready()
    u1.shows("known")
    assert accepted.stop() == 0, accepted.tail()
    # The state is complete by now: no need to say it again.
    again = world.start("one").wait_ready()
    u1.keeps("known")
    assert again.stop() == 0, again.tail()
