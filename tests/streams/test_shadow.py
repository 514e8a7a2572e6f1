"""A shadow's way to a calendar, which it never goes: who is connected is asked of the database, and the live group goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from schemas.errors import GrantLost
from schemas.rows import Connection, UserRow
from streams.desk import NoToken
from streams.names import INPUTS, Names, ShadowNames
from streams.reach import shadow_names_of
from streams.settings import Settings
from streams.shadow import ShadowDesk, ShadowTokens
from vault import NewConnection, Reading, Vault

NOON = datetime.now(UTC).replace(microsecond=0)
SCOPE = "https://www.googleapis.com/auth/calendar.events"
LATER = timedelta(minutes=5)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def vault(stack: AsyncExitStack, tmp_path: Path) -> Vault:
    """The live group's database."""
    opened = await Vault.open(f"sqlite+aiosqlite:///{tmp_path}/vault.db", [Fernet.generate_key().decode()])
    stack.push_async_callback(opened.close)
    return opened


@pytest.fixture
async def desk(stack: AsyncExitStack, vault: Vault, tmp_path: Path) -> ShadowDesk:
    """A shadow's desk, as far as sessions need it."""
    reading = await Reading.open(f"sqlite+aiosqlite:///{tmp_path}/vault.db")
    stack.push_async_callback(reading.close)
    names = ("rows", "policies", "port", "quota", "sender", "names", "metrics", "pulse", "fail")
    nobody = cast("Any", dict.fromkeys(names))
    return ShadowDesk(vault=ShadowTokens(reading), **nobody)


async def connect(vault: Vault, at: datetime = NOON, scope: str = SCOPE, calendar: str = "primary") -> None:
    new = NewConnection(
        agency_id="metro",
        user_id="ann",
        google_account="Ann@Example.com",
        refresh_token=SecretStr("token"),
        scopes=(scope,),
        google_calendar_id=calendar,
    )
    await vault.store(new, at)


def row(state: Any = "connected", at: datetime = NOON, **fields: Any) -> UserRow:
    connection = Connection(state=state, occurred_at=at, connected_at=NOON, released=False, **fields)
    return UserRow(agency_id="metro", user_id="ann", connection=connection)


async def test_somebody_who_is_connected(desk: ShadowDesk, vault: Vault) -> None:
    """The calendar is that which a live worker would write; there is no token."""
    await connect(vault)
    session = await desk.session(row())
    assert (session.target, session.grant.refresh_token.get_secret_value()) == ("ann@example.com", "")
    await connect(vault, NOON + LATER, calendar="team@group")
    assert (await desk.session(row())).target == "team@group"


async def test_the_live_group_is_ahead(desk: ShadowDesk, vault: Vault) -> None:
    """It has erased the token for an ending that the shadow has not read yet: until then, the user is connected."""
    await connect(vault)
    await vault.release("metro", "ann", NOON + LATER, "disconnected")
    assert (await desk.session(row())).target == "ann@example.com"


async def test_an_ending_that_removes_events(desk: ShadowDesk, vault: Vault) -> None:
    """It is carried out where the events stand, whether or not the live group has erased the token by then."""
    await connect(vault)
    ended = row("disconnected", NOON + LATER, purge=True, target="ann@example.com")
    assert (await desk.session(ended)).target == "ann@example.com"
    await vault.release("metro", "ann", NOON + LATER, "disconnected")
    assert (await desk.session(ended)).target == "ann@example.com"


async def test_a_connect_without_a_token(desk: ShadowDesk, vault: Vault) -> None:
    """A live worker would find none either: of nobody, and of somebody whose connection ended before it."""
    with pytest.raises(NoToken):
        await desk.session(row())
    await connect(vault, NOON - 2 * LATER)
    await vault.release("metro", "ann", NOON - LATER, "disconnected")
    with pytest.raises(NoToken):
        await desk.session(row())


async def test_a_consent_that_does_not_reach(desk: ShadowDesk, vault: Vault) -> None:
    """Nothing may be written under it, as with a live worker."""
    await connect(vault, scope="https://www.googleapis.com/auth/calendar.readonly")
    with pytest.raises(GrantLost):
        await desk.session(row())


async def test_tokens(desk: ShadowDesk, vault: Vault) -> None:
    """None is read, none is erased, and none is there to be revoked."""
    await connect(vault)
    assert await desk.vault.release("metro", "ann", NOON + LATER, "disconnected") is None
    assert await vault.connection("metro", "ann") is not None
    with pytest.raises(TypeError, match="reads no token"):
        await desk.vault.connection("metro", "ann")
    with pytest.raises(TypeError, match="revokes no token"):
        await desk.vault.revoked("1")


def test_names() -> None:
    """Nothing that a shadow writes has a name of the live group's; the inputs are the same."""
    settings = Settings(topic_prefix="p.", app_id="sync", _env_file=None)
    live, shadow = Names("p.", "sync"), shadow_names_of(settings)
    assert shadow == ShadowNames("p.", "sync-shadow", "sync")
    assert shadow.of_live == live
    written = {spec.name for spec in shadow.specs(4)} - set(shadow.inputs)
    assert all(name.startswith("p.sync-shadow-") for name in written)
    assert {spec.name for spec in live.specs(4)} & {spec.name for spec in shadow.specs(4)} == set(live.inputs)
    assert len(written) == len(live.specs(4)) - len(INPUTS)
    named = settings.model_copy(update={"shadow_app_id": "next"})
    assert shadow_names_of(named).results == "p.next-calls"
