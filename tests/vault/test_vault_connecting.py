"""Storing a connection: whose word counts, and who loses a calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.exc import DBAPIError

from tests.vault.facts import (
    AGENCY,
    EARLIER,
    LATER,
    NOON,
    TICK,
    commands,
    consent,
    run_sql,
    states,
    token_of,
    tokens_to_revoke,
)
from vault import Connection, Stored, Vault, VaultError


async def test_a_stored_connection(vault: Vault) -> None:
    """It comes back as it was given, with its token."""
    new = consent("ann", "Ann@Example.com", calendar="team@group.calendar.google.com")
    await vault.store(new, NOON)
    assert await vault.connection(AGENCY, "ann") == Connection(
        agency_id=AGENCY,
        user_id="ann",
        google_account="Ann@Example.com",
        google_calendar_id="team@group.calendar.google.com",
        scopes=("calendar.events", "openid"),
        connected_at=NOON,
        refresh_token=new.refresh_token,
    )


async def test_nobody_of_that_name(vault: Vault) -> None:
    """A user of another agency is somebody else."""
    await vault.store(consent("ann"), NOON)
    assert await vault.connection("other", "ann") is None


async def test_no_scopes(vault: Vault) -> None:
    """None come back either."""
    new = consent("ann")
    await vault.store(type(new)(AGENCY, "ann", "ann@example.com", new.refresh_token, ()), NOON)
    assert (await vault.connections())[0].scopes == ()


async def test_a_time_in_another_zone(vault: Vault) -> None:
    """It is kept as the instant it is, and comes back as UTC."""
    at = NOON.astimezone(timezone(timedelta(hours=-5)))
    await vault.store(consent("ann"), at)
    found = await vault.connection(AGENCY, "ann")
    assert found is not None
    assert (found.connected_at, found.connected_at.tzinfo) == (NOON, UTC)
    assert await commands(vault) == [(f"{AGENCY}/ann", "connect", "2026-11-23T12:00:00.123456Z")]


async def test_a_time_without_a_zone(vault: Vault) -> None:
    """It is refused: nobody knows which instant is meant."""
    with pytest.raises(ValueError, match="time zone"):
        await vault.store(consent("ann"), datetime(2026, 11, 23))  # noqa: DTZ001 - the point
    assert await vault.connections() == []


async def test_a_connect_is_announced(vault: Vault) -> None:
    """The outbox holds a whole command, with the event id of the caller."""
    await vault.store(consent("ann"), NOON, event_id="e-1")
    (waiting,) = await vault.announcements()
    assert waiting.key == f"{AGENCY}/ann"
    assert waiting.value == {
        "event_id": "e-1",
        "occurred_at": "2026-11-23T12:00:00.123456Z",
        "agency_id": AGENCY,
        "user_id": "ann",
        "schema_version": 1,
        "command": "connect",
    }


async def test_connects_without_an_event_id(vault: Vault) -> None:
    """Each gets one of its own."""
    await vault.store(consent("ann"), NOON)
    await vault.store(consent("ann"), LATER)
    first, second = [waiting.value["event_id"] for waiting in await vault.announcements()]
    assert first
    assert second
    assert first != second


async def test_an_announcement_that_cannot_be_written(vault: Vault, url: str) -> None:
    """The connection is not stored either: they cannot part."""
    await run_sql(url, "DROP TABLE outbox")
    with pytest.raises((VaultError, DBAPIError)):
        await vault.store(consent("ann"), NOON)
    assert await vault.connections() == []


async def test_a_newer_connect(vault: Vault) -> None:
    """It replaces the older one."""
    await vault.store(consent("ann", token="old"), NOON)
    assert await vault.store(consent("ann", token="new"), LATER) == Stored()
    assert await token_of(vault, "ann") == "new"


async def test_an_older_connect(vault: Vault) -> None:
    """It changes nothing and announces nothing."""
    await vault.store(consent("ann", token="new"), NOON)
    assert await vault.store(consent("ann", token="old"), EARLIER) == Stored(applied=False)
    assert await token_of(vault, "ann") == "new"
    assert len(await vault.announcements()) == 1


async def test_a_connect_of_the_same_instant(vault: Vault) -> None:
    """It is the same one tried again, and stands."""
    await vault.store(consent("ann", token="first"), NOON)
    await vault.store(consent("ann", token="second"), NOON)
    assert await token_of(vault, "ann") == "second"


async def test_a_connect_older_than_the_disconnect(vault: Vault) -> None:
    """The newest word is the disconnect: the user stays disconnected."""
    await vault.store(consent("ann"), EARLIER)
    await vault.release(AGENCY, "ann", LATER, "disconnect")
    assert await vault.store(consent("ann"), NOON) == Stored(applied=False)
    assert (await states(vault))["ann"] == ("revoking", "disconnect")


async def test_a_connect_in_the_instant_of_the_disconnect(vault: Vault) -> None:
    """On a tie the connect wins."""
    await vault.store(consent("ann"), EARLIER)
    await vault.release(AGENCY, "ann", NOON, "disconnect")
    await vault.store(consent("ann"), NOON)
    assert await states(vault) == {"ann": ("live", None)}


async def test_a_second_user_of_one_calendar(vault: Vault) -> None:
    """The calendar moves: the first is ended, and told so before the second is announced."""
    await vault.store(consent("ann", "Team@Example.com"), NOON)
    await vault.announced([waiting.id for waiting in await vault.announcements()])
    assert await vault.store(consent("bob", "team@example.com"), LATER) == Stored(displaced=("ann",))
    assert await states(vault) == {"ann": ("ended", "calendar_moved"), "bob": ("live", None)}
    moved, connect = await vault.announcements()
    assert (moved.key, moved.value["command"], moved.value["reason"]) == (
        f"{AGENCY}/ann",
        "disconnect",
        "calendar_moved",
    )
    assert moved.value["occurred_at"] == connect.value["occurred_at"] == "2026-11-23T12:01:00.123456Z"
    assert (connect.key, connect.value["command"]) == (f"{AGENCY}/bob", "connect")
    assert moved.value["event_id"] != connect.value["event_id"]


@pytest.mark.parametrize("named", ["team@example.com", "Team@Example.com"])
async def test_one_calendar_under_two_names(vault: Vault, named: str) -> None:
    """`primary` of an account is the calendar with the account's address."""
    await vault.store(consent("ann", "Team@example.com"), NOON)
    assert (await vault.store(consent("bob", calendar=named), LATER)).displaced == ("ann",)


async def test_two_primaries(vault: Vault) -> None:
    """`primary` of two accounts are two calendars."""
    await vault.store(consent("ann"), NOON)
    assert await vault.store(consent("bob"), LATER) == Stored()
    assert await states(vault) == {"ann": ("live", None), "bob": ("live", None)}


async def test_two_calendars_of_one_account(vault: Vault) -> None:
    """Both users stay: only a calendar belongs to one of them, not an account."""
    await vault.store(consent("ann", "team@example.com"), NOON)
    assert await vault.store(consent("bob", "team@example.com", calendar="b@group"), LATER) == Stored()
    assert await states(vault) == {"ann": ("live", None), "bob": ("live", None)}


async def test_one_calendar_in_two_agencies(vault: Vault) -> None:
    """Both stay: agencies know nothing of each other."""
    await vault.store(consent("ann", "team@example.com"), NOON)
    assert await vault.store(consent("bob", "team@example.com", agency="other"), LATER) == Stored()
    assert await states(vault) == {"ann": ("live", None), "bob": ("live", None)}


async def test_a_holder_who_is_gone(vault: Vault) -> None:
    """An ended connection holds no calendar: nobody is displaced."""
    await vault.store(consent("ann", "team@example.com"), EARLIER)
    await vault.release(AGENCY, "ann", NOON, "disconnect")
    assert await vault.store(consent("bob", "team@example.com"), LATER) == Stored()
    assert (await states(vault))["ann"] == ("ended", "disconnect")


async def test_two_users_of_one_calendar_in_one_instant(vault: Vault) -> None:
    """The first one's disconnect is a tick later than its connect, or it would lose against it."""
    await vault.store(consent("ann", "team@example.com"), NOON)
    await vault.store(consent("bob", "team@example.com"), NOON)
    assert await states(vault) == {"ann": ("ended", "calendar_moved"), "bob": ("live", None)}
    assert await commands(vault) == [
        (f"{AGENCY}/ann", "connect", "2026-11-23T12:00:00.123456Z"),
        (f"{AGENCY}/ann", "disconnect", "2026-11-23T12:00:00.123457Z"),
        (f"{AGENCY}/bob", "connect", "2026-11-23T12:00:00.123456Z"),
    ]
    assert await vault.release(AGENCY, "ann", NOON + TICK, "calendar_moved") is None


async def test_a_holder_who_came_later(vault: Vault) -> None:
    """The older connect does not take the calendar from the newer one."""
    await vault.store(consent("ann", "team@example.com"), LATER)
    assert await vault.store(consent("bob", "team@example.com"), NOON) == Stored(applied=False)
    assert await states(vault) == {"ann": ("live", None)}
    assert len(await vault.announcements()) == 1


async def test_taking_the_calendar_back(vault: Vault) -> None:
    """A displaced user may connect again, and displaces in turn."""
    await vault.store(consent("ann", "team@example.com"), EARLIER)
    await vault.store(consent("bob", "team@example.com"), NOON)
    assert (await vault.store(consent("ann", "team@example.com"), LATER)).displaced == ("bob",)
    assert await states(vault) == {"ann": ("live", None), "bob": ("ended", "calendar_moved")}
    assert (await vault.connections())[0].ended_at is None


async def test_displaced_by_somebody_with_another_account(vault: Vault) -> None:
    """The lost connection's token is of no use to anybody: it waits to be revoked."""
    await vault.store(consent("ann", calendar="team@group"), NOON)
    await vault.store(consent("bob", calendar="team@group"), LATER)
    assert await states(vault) == {"ann": ("revoking", "calendar_moved"), "bob": ("live", None)}
    assert await tokens_to_revoke(vault) == ["token-of-ann"]


async def test_displaced_by_somebody_with_the_same_account(vault: Vault) -> None:
    """Revoking would take the new connection's grant along: the token is only erased."""
    await vault.store(consent("ann", "team@example.com"), NOON)
    await vault.store(consent("bob", "team@example.com"), LATER)
    assert await tokens_to_revoke(vault) == []


async def test_a_connect_with_another_account(vault: Vault) -> None:
    """The grant of the account left behind waits to be revoked."""
    await vault.store(consent("ann", "old@example.com", token="old"), NOON)
    await vault.store(consent("ann", "new@example.com", token="new"), LATER)
    assert await token_of(vault, "ann") == "new"
    assert await states(vault) == {"ann": ("live", None)}
    assert await tokens_to_revoke(vault) == ["old"]


async def test_a_connect_with_the_same_account(vault: Vault) -> None:
    """Nothing waits to be revoked: it would be the grant just given."""
    await vault.store(consent("ann", "ann@example.com", token="old"), NOON)
    await vault.store(consent("ann", "Ann@example.com", token="new"), LATER)
    assert await tokens_to_revoke(vault) == []


async def test_leaving_an_account_that_others_use(vault: Vault) -> None:
    """Their grant stays."""
    await vault.store(consent("bob", "team@example.com", agency="other"), EARLIER)
    await vault.store(consent("ann", "team@example.com"), NOON)
    await vault.store(consent("ann", "new@example.com"), LATER)
    assert await tokens_to_revoke(vault) == []
