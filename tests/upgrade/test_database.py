"""One database, two builds: the next release brings it up to date while this one works with it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from tests.upgrade.next_release import STEP
from vault import NewConnection, Vault, VaultUnavailable, inspect, migrate

AT = datetime(2026, 11, 1, tzinfo=UTC)


def connection(user: str) -> NewConnection:
    return NewConnection("metro", user, f"{user}@example.com", SecretStr("token"), ("scope",))


def migrated_by(release: Path, url: str) -> None:
    """As its worker does when it starts."""
    program = (
        "import asyncio, sys\n"
        "from vault import Vault\n"
        "async def main():\n"
        "    await (await Vault.open(sys.argv[1], [])).close()\n"
        "asyncio.run(main())\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, url],
        cwd=release,
        env={"PYTHONPATH": str(release)},
        check=True,
        timeout=60,
    )


async def test_a_step_of_the_next_release(empty: str, newer: Path) -> None:
    """Who is at work does not notice; who starts later finds tables of a newer step, which say that they fit."""
    key = Fernet.generate_key().decode()
    running = await Vault.open(empty, [key])
    try:
        await running.store(connection("u1"), AT)
        migrated_by(newer, empty)
        assert (await inspect(empty, [key])).step == STEP
        await running.store(connection("u2"), AT)
        assert {one.user_id for one in await running.connections()} == {"u1", "u2"}
        found = await running.connection("metro", "u1")
        assert found is not None
        assert found.refresh_token.get_secret_value() == "token"
        await running.release("metro", "u1", datetime(2026, 11, 2, tzinfo=UTC), "left")
    finally:
        await running.close()
    late = await Vault.open(empty, [key])
    try:
        assert await late.connection("metro", "u1") is None
        assert await late.connection("metro", "u2") is not None
    finally:
        await late.close()
    migrated_by(newer, empty)


async def test_a_step_that_does_not_fit(empty: str, newer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release of before the step that it names is shut out, with a line that says what to do."""
    migrated_by(newer, empty)
    monkeypatch.setattr(migrate, "NEWEST", "0002")
    with pytest.raises(
        VaultUnavailable, match=f"is at step {STEP}, which this release does not know: start the newer"
    ):
        await Vault.open(empty, [])
