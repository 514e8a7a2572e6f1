"""Whoever is cancelled while the vault works leaves nothing behind that others would wait for."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.vault.facts import AGENCY, LATER, NOON, Opener, consent, token_of
from tests.vault.news import VIEWS, read, result, status, view
from vault import Vault


@pytest.mark.parametrize("turns", [0, 1, 2, 4, 8, 12, 16, 24, 32])
async def test_a_release_that_is_cancelled(
    vault: Vault, opened: Opener, url: str, key: str, turns: int
) -> None:
    """Happens whole or not at all, and another process can write at once."""
    await vault.store(consent("ann"), NOON)
    other = await opened(url, key, wait_s=0.5)
    task = asyncio.create_task(vault.release(AGENCY, "ann", LATER, "disconnect"))
    for _ in range(turns):
        await asyncio.sleep(0)
    await asyncio.sleep(turns / 10_000)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await other.store(consent("bob"), NOON)
    assert await token_of(other, "bob") == "token-of-bob"
    waiting = [token.user_id for token in await other.to_revoke(9)]
    assert waiting == ([] if await token_of(other, "ann") else ["ann"])


@pytest.mark.parametrize("turns", [0, 1, 2, 4, 8, 12, 16, 24, 32])
async def test_a_batch_that_is_cancelled(
    vault: Vault, opened: Opener, url: str, key: str, turns: int
) -> None:
    """It is applied whole or not at all, its position too, and another process can write at once."""
    other = await opened(url, key, wait_s=0.5)
    task = asyncio.create_task(
        read(vault.projection, status("ann", 0), view("ann", 0, b"x"), result("ann", 0))
    )
    for _ in range(turns):
        await asyncio.sleep(0)
    await asyncio.sleep(turns / 10_000)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await read(other.projection, status("bob", 0, partition=1))
    there = [
        await other.projection.status(AGENCY, "ann"),
        await other.projection.view(AGENCY, "ann"),
        await other.projection.last_result(AGENCY, "ann"),
        *(await other.projection.positions([VIEWS])).values(),
    ]
    assert all(there) if there[0] else there == [None] * 3
