"""What was left to be revoked: it goes to Google until Google confirms, and no grant that is in use goes along."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from gcal.client import GoogleCalendar
from sandbox.google import StandIn
from schemas.errors import GoogleUnavailable
from streams import revocations
from streams.revocations import LeftOvers
from tests.gcal.world import client_of
from vault import NewConnection, Vault

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    async with StandIn() as running:
        yield running


@pytest.fixture
async def client(standin: StandIn) -> AsyncIterator[GoogleCalendar]:
    async with client_of(standin) as client:
        yield client


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Vault]:
    vault = await Vault.open(f"sqlite+aiosqlite:///{tmp_path}/v.db", [Fernet.generate_key().decode()])
    yield vault
    await vault.close()


async def _connect(vault: Vault, standin: StandIn, user: str, account: str = "", *, hours: int = 0) -> None:
    account = account or f"{user}@example.com"
    token = SecretStr(standin.connect(account).refresh_token)
    new = NewConnection("metro", user, account, token, ("s",), f"{user}@group.calendar.google.com")
    await vault.store(new, NOON + timedelta(hours=hours))


async def _end(vault: Vault, user: str, *, minutes: int = 1) -> None:
    await vault.release("metro", user, NOON + timedelta(minutes=minutes), "deactivated")


def _lives(standin: StandIn, user: str) -> bool:
    return any(grant.account == f"{user}@example.com" for grant in standin.grants.refresh_tokens.values())


async def test_what_a_crash_left(vault: Vault, standin: StandIn, client: GoogleCalendar) -> None:
    """Google forgets the grant, and so do we."""
    await _connect(vault, standin, "ann")
    await _end(vault, "ann")
    assert _lives(standin, "ann")
    assert await LeftOvers(vault, client).revoke() == 1
    assert not _lives(standin, "ann")
    assert await vault.to_revoke(9) == []


async def test_a_token_that_google_forgot_itself(
    vault: Vault, standin: StandIn, client: GoogleCalendar
) -> None:
    """That is as good as revoked."""
    await _connect(vault, standin, "ann")
    await _end(vault, "ann")
    standin.grants.invalidate("ann@example.com")
    await LeftOvers(vault, client).revoke()
    assert await vault.to_revoke(9) == []


@pytest.mark.parametrize("kind", ["status", "html", "drop", "empty"])
async def test_google_is_away(vault: Vault, standin: StandIn, client: GoogleCalendar, kind: str) -> None:
    """A round ends after a few failures, nothing is forgotten, and the next one goes on."""
    users = [f"user-{n}" for n in range(5)]
    for user in users:
        await _connect(vault, standin, user)
        await _end(vault, user)
    fault = standin.faults.add(kind, method="oauth.revoke")  # type: ignore[arg-type]
    left = LeftOvers(vault, client)
    if kind != "empty":  # 200 without a body is a confirmation
        with pytest.raises(GoogleUnavailable):
            await left.revoke()
        assert fault.hits == revocations.FAILURES
        assert len(await vault.to_revoke(9)) == 5
    standin.faults.clear()
    await left.revoke()
    assert await vault.to_revoke(9) == []


async def test_one_token_that_google_never_takes(
    vault: Vault, standin: StandIn, client: GoogleCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown again and again, and holds up nobody else's, however few go a round."""
    monkeypatch.setattr(revocations, "MOST", 1)
    for minutes, user in enumerate(["odd", "ann", "bob"], start=1):
        await _connect(vault, standin, user)
        await _end(vault, user, minutes=minutes)
    standin.faults.add("status", method="oauth.revoke", account="odd@example.com", status=400, reason="odd")
    left = LeftOvers(vault, client)
    for _ in range(4):
        try:
            await left.revoke()
        except GoogleUnavailable:
            continue
    assert not _lives(standin, "ann")
    assert not _lives(standin, "bob")
    assert [one.user_id for one in await vault.to_revoke(9)] == ["odd"]


class _Slow:
    """A client that something happens before: the list of what waits is old by then."""

    def __init__(self, client: GoogleCalendar, vault: Vault, standin: StandIn) -> None:
        self._client, self._vault, self._standin = client, vault, standin
        self.shown: list[str] = []

    async def revoke(self, refresh_token: SecretStr) -> None:
        if not self.shown:
            await _connect(self._vault, self._standin, "ann", hours=1)
        self.shown.append(refresh_token.get_secret_value())
        await self._client.revoke(refresh_token)


async def test_connected_again_while_others_are_revoked(
    vault: Vault, standin: StandIn, client: GoogleCalendar
) -> None:
    """The new grant lives: the old token is not shown to Google any more."""
    for minutes, user in enumerate(["bob", "ann"], start=1):
        await _connect(vault, standin, user)
        await _end(vault, user, minutes=minutes)
    slow = _Slow(client, vault, standin)
    assert await LeftOvers(vault, slow).revoke() == 1  # type: ignore[arg-type]
    assert len(slow.shown) == 1
    assert _lives(standin, "ann")
    assert await vault.to_revoke(9) == []


async def test_an_account_that_somebody_else_uses(
    vault: Vault, standin: StandIn, client: GoogleCalendar
) -> None:
    """Its grant lives on until the last of them has left."""
    await _connect(vault, standin, "ann", "team@example.com")
    await _connect(vault, standin, "bob", "team@example.com")
    await _end(vault, "ann")
    assert await LeftOvers(vault, client).revoke() == 0
    assert _lives(standin, "team")
    await _end(vault, "bob")
    assert await LeftOvers(vault, client).revoke() == 1
    assert not _lives(standin, "team")
