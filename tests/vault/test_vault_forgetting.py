"""A person who is to be forgotten: nothing of them stays in the database, and nobody else loses anything."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

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
from tests.vault.news import STATUS, lost, read, repair, result, status, view
from vault import AuditEntry, Erased, News, PortalSession, StillConnected, Vault
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


async def portal_of(vault: Vault, user: str, agency: str = AGENCY) -> None:
    """A user in everything that the portal keeps; what an operator did to them, and what they did as an operator."""
    offset = 1 + max((await vault.projection.positions([STATUS])).values(), default=0)
    cookie = f"cookie-{agency}-{user}"
    await vault.sessions.begin(PortalSession(cookie, agency, user, user, "operator", "csrf", NOON, LATER))
    news: list[News[Any]] = [lost(user, offset), view(user, offset, b"x"), repair(user, offset)]
    await read(vault.projection, *(replace(one, agency_id=agency) for one in news), first=0)
    await vault.notices.raise_(agency, user, "invalid_grant", NOON)
    await vault.preferences.put(agency, user, {"color": 5}, NOON)
    await vault.audit.write(AuditEntry(f"{agency}/olga", "release", agency, user, "all held", NOON, user))
    await vault.audit.write(AuditEntry(f"{agency}/{user}", "redrive", agency, "letters", "3 letters", NOON))


async def test_somebody_who_used_the_portal(vault: Vault) -> None:
    """Session, status, schedule, last change, notice and preferences go; the log goes on without the name."""
    await portal_of(vault, "ann")
    erased = await vault.forget(AGENCY, "ann")
    assert erased == Erased(0, 0, 0, portal=7)
    assert await vault.sessions.get("cookie-metro-ems-ann", NOON) is None
    assert await vault.projection.status(AGENCY, "ann") is None
    assert await vault.projection.view(AGENCY, "ann") is None
    assert await vault.projection.last_result(AGENCY, "ann") is None
    assert await vault.projection.repairs(AGENCY, "ann", "e-1") == {}
    assert await vault.notices.due(LATER, 9) == []
    assert await vault.preferences.get(AGENCY, "ann") is None
    assert await vault.audit.newest(9) == [
        AuditEntry("(forgotten)", "redrive", AGENCY, "letters", "3 letters", NOON),
        AuditEntry("metro-ems/olga", "release", AGENCY, "(forgotten)", "(forgotten)", NOON),
    ]
    assert await vault.forget(AGENCY, "ann") == Erased(0, 0, 0)


async def test_others_who_used_the_portal(vault: Vault) -> None:
    """Namesakes and ids that begin alike keep everything."""
    for user, agency in (("ann", AGENCY), ("ann", "other"), ("ann2", AGENCY)):
        await portal_of(vault, user, agency)
    await vault.forget(AGENCY, "ann")
    for user, agency in (("ann", "other"), ("ann2", AGENCY)):
        assert await vault.sessions.get(f"cookie-{agency}-{user}", NOON)
        assert await vault.projection.status(agency, user)
        assert await vault.projection.view(agency, user) == b"x"
        assert await vault.projection.last_result(agency, user)
        assert await vault.preferences.get(agency, user) == {"color": 5}
    assert len(await vault.notices.due(LATER, 9)) == 2
    entries = await vault.audit.newest(9)
    assert [one.actor for one in entries if one.action == "redrive"] == [
        "metro-ems/ann2",
        "other/ann",
        "(forgotten)",
    ]


async def test_somebody_who_is_connected_and_used_the_portal(vault: Vault) -> None:
    """Refused, forgetting leaves all of that as it is."""
    await portal_of(vault, "ann")
    await vault.store(consent("ann"), NOON)
    with pytest.raises(StillConnected):
        await vault.forget(AGENCY, "ann")
    assert await vault.projection.view(AGENCY, "ann") == b"x"
    assert await vault.preferences.get(AGENCY, "ann") == {"color": 5}


async def test_a_portal_that_reads_on_after_that(vault: Vault) -> None:
    """What it reads of before the end is taken away by what comes behind it; a last result goes when the vault is tidied."""
    await portal_of(vault, "ann")
    await vault.forget(AGENCY, "ann")
    await read(vault.projection, status("ann", 2), view("ann", 2, b"late"), result("ann", 2))
    await read(vault.projection, status("ann", 3, None), view("ann", 3, None))
    assert await vault.projection.status(AGENCY, "ann") is None
    assert await vault.projection.view(AGENCY, "ann") is None
    await vault.tidy(NOON + timedelta(days=2))
    assert await vault.projection.last_result(AGENCY, "ann") is None


async def test_forgetting_while_others_write(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """It takes its turn among portals and workers, and nobody waits for each other for ever."""
    other = await opened(url, key)
    for number in range(8):
        await portal_of(vault, f"u{number}")
    offset = 100

    async def reads() -> None:
        for n in range(20):
            await read(other.projection, status("bob", offset + n), result("bob", offset + n), first=0)

    async def works() -> None:
        for n in range(20):
            await other.store(consent("cid"), NOON + n * TICK)
            await other.notices.raise_(AGENCY, "bob", "invalid_grant", NOON)

    await asyncio.gather(reads(), works(), *(vault.forget(AGENCY, f"u{number}") for number in range(8)))
    assert [one.status.user_id for one in await vault.projection.search()] == ["bob"]


async def test_what_is_left_in_the_files(tmp_path: Path, key: str, opened: Opener) -> None:
    """Neither the database nor its write-ahead log holds a byte of the person, while others keep them open."""
    vault = await opened(f"sqlite+aiosqlite:///{tmp_path}/v.db", key)
    await vault.store(consent("forgotten-one", "gone.for.good@example.com"), NOON)
    await vault.store(consent("ann"), NOON)
    await portal_of(vault, "forgotten-one")
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
        "repairs",
        "audit",
        "notices",
        "preferences",
    }
