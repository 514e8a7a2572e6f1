"""A person who is to be forgotten: nothing of them stays in the database, and nobody else loses anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.vault.facts import (
    AGENCY,
    LATER,
    NOON,
    TICK,
    Opener,
    commands,
    consent,
    states,
    token_of,
    tokens_to_revoke,
)
from vault import Erased, StillConnected, Vault
from vault.models import Base


async def test_somebody_who_left(vault: Vault) -> None:
    """The connection, the token that waits and the unsent command go; a second time there is nothing."""
    await vault.store(consent("ann"), NOON)
    await vault.release(AGENCY, "ann", LATER, "deactivated")
    left = await vault.left_of(AGENCY, "ann")
    assert ([one.user_id for one in left.tokens], left.unreadable, left.announcements) == (["ann"], 0, 1)
    assert await vault.forget(AGENCY, "ann") == Erased(1, 1, 1)
    assert await states(vault) == {}
    assert await tokens_to_revoke(vault) == []
    assert await commands(vault) == []
    assert await vault.forget(AGENCY, "ann") == Erased(0, 0, 0)


async def test_somebody_who_is_connected(vault: Vault) -> None:
    """It is refused with what to do first, and nothing happens."""
    await vault.store(consent("ann"), NOON)
    for attempt in (vault.left_of, vault.forget):
        with pytest.raises(StillConnected, match=r"^metro-ems/ann is still connected: .*shiftcal disconnect"):
            await attempt(AGENCY, "ann")
    assert await token_of(vault, "ann") == "token-of-ann"


async def test_others(vault: Vault) -> None:
    """Namesakes of another agency, ids that begin alike and users of the same account stay as they are."""
    await vault.store(consent("ann", "team@example.com", calendar="a@group"), NOON)
    await vault.store(consent("ann", agency="other"), NOON)
    await vault.store(consent("ann2"), NOON)
    await vault.store(consent("bob", "team@example.com", calendar="b@group"), NOON)
    await vault.release(AGENCY, "ann", LATER, "disconnect")
    assert await vault.forget(AGENCY, "ann") == Erased(1, 0, 1)
    assert sorted([(one.agency_id, one.user_id, one.state) for one in await vault.connections()]) == [
        (AGENCY, "ann2", "live"),
        (AGENCY, "bob", "live"),
        ("other", "ann", "live"),
    ]
    assert await token_of(vault, "bob") == "token-of-bob"
    assert {key for key, _, _ in await commands(vault)} == {"other/ann", f"{AGENCY}/ann2", f"{AGENCY}/bob"}


async def test_a_token_that_no_key_fits(vault: Vault, url: str, opened: Opener) -> None:
    """It is counted, so that whoever forgets knows that Google was not told."""
    await vault.store(consent("ann"), NOON)
    await vault.release(AGENCY, "ann", LATER, "disconnect")
    other = await opened(url, Fernet.generate_key().decode())
    left = await other.left_of(AGENCY, "ann")
    assert (left.tokens, left.unreadable) == ((), 1)


async def test_somebody_who_comes_back(vault: Vault) -> None:
    """A connect after that is like a first one."""
    await vault.store(consent("ann"), NOON)
    await vault.release(AGENCY, "ann", LATER, "disconnect")
    await vault.forget(AGENCY, "ann")
    assert (await vault.store(consent("ann", token="new"), LATER + TICK)).applied
    assert await token_of(vault, "ann") == "new"


async def test_an_end_that_comes_after_that(vault: Vault) -> None:
    """Delivered again it finds nobody, and leaves nothing."""
    await vault.store(consent("ann"), NOON)
    await vault.release(AGENCY, "ann", LATER, "disconnect")
    await vault.forget(AGENCY, "ann")
    assert await vault.release(AGENCY, "ann", LATER, "disconnect") is None
    assert await states(vault) == {}


async def test_what_is_left_in_the_files(tmp_path: Path, key: str, opened: Opener) -> None:
    """Neither the database nor its write-ahead log holds a byte of the person, while others keep them open."""
    vault = await opened(f"sqlite+aiosqlite:///{tmp_path}/v.db", key)
    await vault.store(consent("forgotten-one", "gone.for.good@example.com"), NOON)
    await vault.store(consent("ann"), NOON)
    assert b"gone.for.good" in _files(tmp_path)
    await vault.release(AGENCY, "forgotten-one", LATER, "disconnect")
    await vault.forget(AGENCY, "forgotten-one")
    assert b"gone.for.good" not in _files(tmp_path)
    assert b"forgotten-one" not in _files(tmp_path)
    assert b"ann@example.com" in _files(tmp_path)


def _files(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


def test_every_table_that_could_name_a_person() -> None:
    """A table that is added later, with a user in it, has to be forgotten too: this test names those that are known."""
    assert {
        name for name, table in Base.metadata.tables.items() if {"user_id", "key"} & set(table.columns.keys())
    } == {
        "connections",
        "revocations",
        "outbox",
        "portal_sessions",
        "projected_statuses",
        "projected_views",
        "projected_results",
        "audit",
        "notices",
        "preferences",
    }
