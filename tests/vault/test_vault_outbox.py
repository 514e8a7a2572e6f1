"""The outbox: in order, until crossed out, never crossed out for another."""

from __future__ import annotations

from datetime import timedelta

from tests.vault.facts import AGENCY, LATER, NOON, consent
from vault import Vault


async def _keys(vault: Vault, limit: int = 100) -> list[str]:
    return [waiting.key for waiting in await vault.announcements(limit)]


async def test_nothing_to_announce(vault: Vault) -> None:
    """Crossing out nothing, or what is gone, is fine."""
    assert await vault.announcements() == []
    await vault.announced([])
    await vault.announced([7])


async def test_more_than_asked_for(vault: Vault) -> None:
    """The oldest come first, no more than the limit."""
    for number, user in enumerate(["cid", "ann", "bob"]):
        await vault.store(consent(user), NOON - timedelta(hours=number))
    assert await _keys(vault, 2) == [f"{AGENCY}/cid", f"{AGENCY}/ann"]


async def test_some_were_delivered(vault: Vault) -> None:
    """Those are gone, the others still wait."""
    for user in ["ann", "bob", "cid"]:
        await vault.store(consent(user), NOON)
    first, second, _ = await vault.announcements()
    await vault.announced([first.id, second.id])
    assert await _keys(vault) == [f"{AGENCY}/cid"]


async def test_two_senders_at_once(vault: Vault) -> None:
    """The slower one's confirmation never crosses out a command that came after it had looked."""
    await vault.store(consent("ann"), NOON)
    seen = [waiting.id for waiting in await vault.announcements()]
    await vault.announced(seen)
    await vault.store(consent("bob"), LATER)
    await vault.announced(seen)
    assert await _keys(vault) == [f"{AGENCY}/bob"]
