"""The tests' own PostgreSQL leaves nothing behind, or every machine that ran them fills up."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.postgres import Postgres, statement
from tests.postgres_local import programs

ROOT = Path(__file__).parent.parent


def test_a_database_of_a_test(postgres: Postgres) -> None:
    """It is there as long as it is needed, with whoever is connected, and no longer."""
    with postgres.database() as url:
        statement(url, "CREATE TABLE things (name text)")
    with pytest.raises(Exception, match="does not exist"):
        statement(url, "SELECT 1")


def test_a_run_that_is_killed() -> None:
    """Its server ends, and its data goes."""
    if programs() is None:
        pytest.skip("a server of the test's own needs PostgreSQL's programs")
    code = (
        "import sys; from tests.postgres_local import LocalPostgres\n"
        "server = LocalPostgres()\n"
        "print(server._process.pid, server._home, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        pid, home = run.stdout.readline().split()
        assert Path("/proc", pid).exists()
        assert Path(home, "data", "PG_VERSION").exists()
        run.kill()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (Path("/proc", pid).exists() or Path(home).exists()):
        time.sleep(0.1)
    assert not Path("/proc", pid).exists()
    assert not Path(home).exists()
