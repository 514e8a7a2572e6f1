"""A PostgreSQL that crashes: workers and portals wait for it, and go on by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.postgres import Postgres
from tests.postgres_local import LocalPostgres, programs
from tests.vault.facts import AGENCY, LATER, NOON, Opener, consent, states, token_of
from tests.vault.news import read, status, view
from vault import VaultUnavailable


@pytest.fixture
def server() -> Iterator[LocalPostgres]:
    """A server for this test alone."""
    if programs() is None:
        pytest.skip("a server of the test's own needs PostgreSQL's programs")
    local = LocalPostgres()
    yield local
    local.close()


async def test_a_server_that_crashes(server: LocalPostgres, key: str, opened: Opener) -> None:
    """While it is away there is one error of one line; what was committed is there afterwards, on the same open vault."""
    with Postgres(server).database() as url:
        vault = await opened(url, key, wait_s=2)
        await vault.store(consent("ann"), NOON)
        await read(vault.projection, status("ann", 0), view("ann", 0, b"x"))
        await asyncio.to_thread(server.stop)
        for attempt in (
            vault.connection(AGENCY, "ann"),
            vault.store(consent("bob"), NOON),
            read(vault.projection, status("ann", 1, "paused")),
            vault.notices.due(NOON, 9),
            vault.sessions.get("cookie", NOON),
            vault.forget(AGENCY, "nobody"),
        ):
            with pytest.raises(VaultUnavailable, match=r"^SHIFTCAL_DATABASE_URL: [^\n]*$") as caught:
                await attempt
            assert "127.0.0.1" in str(caught.value)
        await asyncio.to_thread(server.start)
        assert await token_of(vault, "ann") == "token-of-ann"
        await vault.release(AGENCY, "ann", LATER, "disconnect")
        await read(vault.projection, status("ann", 1, "paused"))
        assert await states(vault) == {"ann": ("revoking", "disconnect")}
        assert await vault.projection.view(AGENCY, "ann") == b"x"
        await vault.close()
