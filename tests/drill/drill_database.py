"""Somebody holds the database of connections: workers that have to read a token wait, and nothing else says why."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.drill.conftest import NewDrill
from tests.drill.watch import Record
from tests.e2e.messages import shift
from tests.postgres import Postgres
from tests.postgres_local import programs

#: The rule asks for ten minutes without a change that arrived.
TEN_MINUTES = 600

#: As the runbook has it.
HOLDERS = """
SELECT pid, usename, application_name, state, xact_start FROM pg_stat_activity
WHERE datname = current_database() AND xact_start < now() - interval '1 minute' ORDER BY xact_start
"""


def psql(url: str, *options: str) -> list[str]:
    """The command line of PostgreSQL's own client."""
    beside = programs()
    found = shutil.which("psql") or (beside and shutil.which("psql", path=str(beside)))
    if not found:
        pytest.skip("an operator has psql (Debian: postgresql-client)")
    return [found, url.replace("+asyncpg", ""), "--no-psqlrc", "--tuples-only", "--no-align", *options]


@contextmanager
def forgotten(url: str) -> Iterator[subprocess.Popen[str]]:
    """Somebody at a prompt who has begun a transaction and gone home."""
    with subprocess.Popen(
        psql(url), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as prompt:
        assert prompt.stdin is not None
        assert prompt.stdout is not None
        prompt.stdin.write("BEGIN; LOCK TABLE connections; SELECT 'held';\n")
        prompt.stdin.flush()
        while "held" not in prompt.stdout.readline():
            pass
        try:
            yield prompt
        finally:
            prompt.kill()


def test_database_is_held(new_drill: NewDrill, postgres: Postgres, record_property: Record) -> None:
    """The log says that it is held; PostgreSQL says by whom; that one is ended, and all goes on without a restart."""
    with postgres.database() as url:
        drill = new_drill(database_url=url)
        drill.start().wait_ready()
        agency = drill.staffed(3)
        drill.stop()
        worker = drill.start().wait_ready()  # it has read nobody's token yet
        watch = drill.watch("ShiftcalNothingSynced", "PostgreSQL's table is held; its holder ended")
        with forgotten(url):
            watch.broken()
            for user in agency.users:
                agency.schedule(shift(f"{user.id}-new", 1, user.id))
            watch.turns_true(TEN_MINUTES + 60)
            assert "another process holds it" in worker.log.read_text()
            assert worker.get("/ready")[0] == 200
            watch.repaired()
            held = subprocess.run(psql(url, "--command", HOLDERS), capture_output=True, text=True, check=True)
            pid = held.stdout.split("|")[0].strip()
            end = f"SELECT pg_terminate_backend({int(pid)})"
            subprocess.run(psql(url, "--command", end), capture_output=True, check=True)
            watch.turns_false(record_property)
        drill.world.settle()
        assert all(len(user.titles()) == 2 for user in agency.users)
        assert worker.runs
        drill.stop()
