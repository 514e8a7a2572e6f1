"""The portal's sessions and links: who is in, for how long, and what a stolen table is worth."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.vault.facts import AGENCY, LATER, NOON, TICK, Opener
from vault import PortalSession, Vault, VaultKeysInvalid

HOUR = timedelta(hours=1)


def session(session_id: str = "cookie-1", user: str = "ann", **fields: object) -> PortalSession:
    """Somebody who came in at noon, for an hour."""
    usual = PortalSession(session_id, AGENCY, user, "Ann Lee", "user", "csrf-1", NOON, NOON + HOUR)
    return replace(usual, **fields)  # type: ignore[arg-type] # fields of the session, whatever a test says


async def test_a_session(vault: Vault) -> None:
    """It comes back as it was begun."""
    begun = session(role="operator", name="Zoë \ud800", pending={"state": "s", "verifier": "v"})
    await vault.sessions.begin(begun)
    assert await vault.sessions.get("cookie-1", LATER) == begun


async def test_somebody_without_a_session(vault: Vault) -> None:
    """A cookie that nobody was given is nobody's, whatever stands in it."""
    await vault.sessions.begin(session())
    for cookie in ("", "cookie-2", "cookie-1 ", "\ud800", "x" * 10_000, "\0"):
        assert await vault.sessions.get(cookie, NOON) is None


async def test_a_session_that_has_expired(vault: Vault) -> None:
    """To the instant it is none any more."""
    await vault.sessions.begin(session())
    assert await vault.sessions.get("cookie-1", NOON + HOUR - TICK)
    assert await vault.sessions.get("cookie-1", NOON + HOUR) is None


async def test_a_session_that_was_ended(vault: Vault) -> None:
    """It is gone, others stay, and ending it again is fine."""
    await vault.sessions.begin(session())
    await vault.sessions.begin(session("cookie-2"))
    await vault.sessions.end("cookie-1")
    await vault.sessions.end("cookie-1")
    assert await vault.sessions.get("cookie-1", NOON) is None
    assert await vault.sessions.get("cookie-2", NOON)


async def test_an_id_that_is_used_already(vault: Vault) -> None:
    """The first session stays what it was: nobody is slipped into somebody else's."""
    await vault.sessions.begin(session())
    with pytest.raises(IntegrityError):
        await vault.sessions.begin(session(user="mallory"))
    found = await vault.sessions.get("cookie-1", NOON)
    assert found is not None
    assert found.user_id == "ann"


async def test_a_visit_to_google(vault: Vault) -> None:
    """What it has to come back to is kept, taken once, and nothing else of the session changes."""
    await vault.sessions.begin(session())
    await vault.sessions.keep("cookie-1", {"state": "s-1", "verifier": "v-1"})
    assert await vault.sessions.get("cookie-1", NOON) == session(pending={"state": "s-1", "verifier": "v-1"})
    assert await vault.sessions.take("cookie-1", "state") == "s-1"
    assert await vault.sessions.take("cookie-1", "state") is None
    assert await vault.sessions.get("cookie-1", NOON) == session(pending={"verifier": "v-1"})
    await vault.sessions.keep("cookie-1", {})
    assert await vault.sessions.get("cookie-1", NOON) == session()


async def test_a_visit_of_a_session_that_has_ended(vault: Vault) -> None:
    """Nothing is kept and nothing taken."""
    await vault.sessions.keep("cookie-1", {"state": "s"})
    assert await vault.sessions.take("cookie-1", "state") is None
    assert await vault.sessions.get("cookie-1", NOON) is None


async def test_an_answer_of_google_that_comes_twice_at_once(
    vault: Vault, url: str, key: str, opened: Opener
) -> None:
    """Through two portals as well, one of them gets what it needs."""
    other = await opened(url, key)
    await vault.sessions.begin(session(pending={"state": "s", "verifier": "v"}))
    taken = await asyncio.gather(
        *(one.sessions.take("cookie-1", "state") for _ in range(5) for one in (vault, other))
    )
    assert sorted(taken, key=str) == [None] * 9 + ["s"]


async def test_a_link(vault: Vault) -> None:
    """It lets somebody in once."""
    assert await vault.sessions.use_link("jti-1", NOON + HOUR, NOON)
    assert not await vault.sessions.use_link("jti-1", NOON + HOUR, LATER)
    assert not await vault.sessions.use_link("jti-1", NOON + 2 * HOUR, LATER)
    assert await vault.sessions.use_link("jti-2", NOON + HOUR, NOON)


async def test_a_link_that_is_used_twice_at_once(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """Through two portals as well, one of them lets somebody in."""
    other = await opened(url, key)
    used = await asyncio.gather(
        *(one.sessions.use_link("jti", NOON + HOUR, NOON) for _ in range(5) for one in (vault, other))
    )
    assert sorted(used) == [False] * 9 + [True]


async def test_tidying(vault: Vault) -> None:
    """What has expired goes; a link is remembered for longer than any clock is wrong, and never forgotten and valid."""
    await vault.sessions.begin(session())
    await vault.sessions.begin(session("cookie-2", expires_at=NOON + 2 * HOUR))
    await vault.sessions.use_link("jti", NOON + HOUR, NOON)
    await vault.tidy(NOON + HOUR)
    assert await vault.sessions.get("cookie-1", NOON) is None
    assert await vault.sessions.get("cookie-2", NOON)
    assert not await vault.sessions.use_link("jti", NOON + HOUR, NOON + HOUR)
    day_later = NOON + HOUR + timedelta(days=1)
    await vault.tidy(day_later)
    assert not await vault.sessions.use_link("jti", NOON + HOUR, day_later)


async def test_without_keys(url: str, opened: Opener) -> None:
    """Nobody gets in: what a session holds is never stored open."""
    keyless = await opened(url)
    with pytest.raises(VaultKeysInvalid, match="SHIFTCAL_VAULT_KEYS"):
        await keyless.sessions.begin(session())


async def test_a_session_of_a_key_that_is_gone(vault: Vault, url: str, opened: Opener) -> None:
    """Its user enters anew; nothing else is wrong."""
    await vault.sessions.begin(session(pending={"state": "s"}))
    other = await opened(url, Fernet.generate_key().decode())
    assert await other.sessions.get("cookie-1", NOON) is None
    await other.sessions.keep("cookie-1", {"state": "t"})
    assert await other.sessions.take("cookie-1", "state") is None
    assert await vault.sessions.get("cookie-1", NOON) == session(pending={"state": "s"})


async def test_a_stolen_table(vault: Vault) -> None:
    """It holds neither a cookie nor a link nor a name nor a secret of a visit."""
    secrets = ("cookie-text", "jti-text", "Ann Lee", "csrf-text", "verifier-text")
    begun = session("cookie-text", csrf="csrf-text", pending={"verifier": "verifier-text"})
    await vault.sessions.begin(begun)
    await vault.sessions.use_link("jti-text", NOON + HOUR, NOON)
    async with vault._database.reading() as database:
        rows = [
            *(await database.execute(text("SELECT * FROM portal_sessions"))).all(),
            *(await database.execute(text("SELECT * FROM portal_links"))).all(),
        ]
    assert len(rows) == 2
    shown = repr(
        [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in rows]
    )
    assert AGENCY in shown
    for secret in secrets:
        assert secret not in shown


def test_a_session_that_is_logged() -> None:
    """Its repr gives nobody a way in."""
    shown = repr(session("cookie-text", csrf="csrf-text", pending={"verifier": "verifier-text"}))
    for secret in ("cookie-text", "csrf-text", "verifier-text"):
        assert secret not in shown
