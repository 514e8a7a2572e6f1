"""Whoever is cancelled while the vault works leaves nothing behind that others would wait for."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.vault.facts import AGENCY, LATER, NOON, Opener, consent, token_of
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
