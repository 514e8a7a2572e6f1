"""Words for the vault's tests: people, times and short questions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from vault import NewConnection, State, Vault

AGENCY = "metro-ems"
NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
EARLIER = NOON - timedelta(minutes=1)
TICK = timedelta(microseconds=1)

Opener: TypeAlias = Callable[..., Awaitable[Vault]]


def consent(
    user: str,
    account: str = "",
    *,
    agency: str = AGENCY,
    calendar: str = "primary",
    token: str = "",
) -> NewConnection:
    """A user's consent; account and token are named after the user unless given."""
    return NewConnection(
        agency_id=agency,
        user_id=user,
        google_account=account or f"{user}@example.com",
        refresh_token=SecretStr(token or f"token-of-{user}"),
        scopes=("calendar.events", "openid"),
        google_calendar_id=calendar,
    )


async def token_of(vault: Vault, user: str, agency: str = AGENCY) -> str | None:
    """The text of the user's live token."""
    found = await vault.connection(agency, user)
    return None if found is None else found.refresh_token.get_secret_value()


async def states(vault: Vault) -> dict[str, tuple[State, str | None]]:
    """State and reason of every user."""
    return {info.user_id: (info.state, info.ended_reason) for info in await vault.connections()}


async def commands(vault: Vault) -> list[tuple[str, object, object]]:
    """Key, command and time of what waits in the outbox."""
    return [(a.key, a.value["command"], a.value["occurred_at"]) for a in await vault.announcements()]


async def tokens_to_revoke(vault: Vault) -> list[str]:
    """The text of the tokens that Google has still to be told of."""
    return [waiting.refresh_token.get_secret_value() for waiting in await vault.to_revoke(100)]


async def run_sql(url: str, *statements: str) -> None:
    """Do something to the database behind the vault's back."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement))
    finally:
        await engine.dispose()
