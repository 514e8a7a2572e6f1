"""Ending a connection: when the token goes, and when Google is told."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from tests.vault.facts import (
    AGENCY,
    EARLIER,
    LATER,
    NOON,
    TICK,
    Opener,
    consent,
    states,
    token_of,
    tokens_to_revoke,
)
from vault import Vault, VaultKeysInvalid


async def test_a_disconnect(vault: Vault) -> None:
    """The connection is over, and its token is handed out to be revoked."""
    await vault.store(consent("ann", "Ann@example.com"), NOON)
    token = await vault.release(AGENCY, "ann", LATER, "disconnect")
    assert token is not None
    assert (token.agency_id, token.user_id, token.google_account) == (AGENCY, "ann", "Ann@example.com")
    assert token.refresh_token.get_secret_value() == "token-of-ann"
    assert await vault.connection(AGENCY, "ann") is None
    (info,) = await vault.connections()
    assert (info.state, info.ended_reason, info.ended_at) == ("revoking", "disconnect", LATER)


async def test_a_disconnect_of_nobody(vault: Vault) -> None:
    """There is nothing to do."""
    assert await vault.release(AGENCY, "ann", NOON, "disconnect") is None
    assert await vault.connections() == []


async def test_a_disconnect_older_than_the_connect(vault: Vault) -> None:
    """It is old news and changes nothing."""
    await vault.store(consent("ann"), NOON)
    assert await vault.release(AGENCY, "ann", EARLIER, "disconnect") is None
    assert await token_of(vault, "ann") == "token-of-ann"


async def test_a_disconnect_in_the_instant_of_the_connect(vault: Vault) -> None:
    """On a tie the connect wins; a tick later it does not."""
    await vault.store(consent("ann"), NOON)
    assert await vault.release(AGENCY, "ann", NOON, "disconnect") is None
    assert await token_of(vault, "ann") == "token-of-ann"
    assert await vault.release(AGENCY, "ann", NOON + TICK, "disconnect") is not None


async def test_a_time_without_a_zone(vault: Vault) -> None:
    """It is refused."""
    with pytest.raises(ValueError, match="ended_at"):
        await vault.release(AGENCY, "ann", NOON.replace(tzinfo=None), "disconnect")


async def test_a_disconnect_delivered_again(vault: Vault) -> None:
    """Until Google has confirmed, the same token is handed out again."""
    await vault.store(consent("ann"), NOON)
    first = await vault.release(AGENCY, "ann", LATER, "disconnect")
    assert first is not None
    assert await vault.release(AGENCY, "ann", LATER, "disconnect") == first
    assert await states(vault) == {"ann": ("revoking", "disconnect")}


async def test_an_older_disconnect_after_the_newer_one(vault: Vault) -> None:
    """Newer than the connect, it gives the token too; the newer one's reason stays."""
    await vault.store(consent("ann"), EARLIER)
    await vault.release(AGENCY, "ann", LATER, "deactivated")
    assert await vault.release(AGENCY, "ann", NOON, "disconnect") is not None
    (info,) = await vault.connections()
    assert (info.ended_reason, info.ended_at) == ("deactivated", LATER)


async def test_a_newer_end_after_an_end(vault: Vault) -> None:
    """The newest word is kept: it decides which connects are old."""
    await vault.store(consent("ann"), EARLIER)
    await vault.release(AGENCY, "ann", NOON, "disconnect")
    await vault.release(AGENCY, "ann", LATER, "deactivated")
    (info,) = await vault.connections()
    assert (info.ended_reason, info.ended_at) == ("deactivated", LATER)
    assert not (await vault.store(consent("ann"), LATER - TICK)).applied


async def test_an_old_disconnect_after_a_reconnect(vault: Vault) -> None:
    """The disconnect that the reconnect answered neither erases nor revokes when it comes again."""
    await vault.store(consent("ann", token="first"), EARLIER)
    await vault.release(AGENCY, "ann", NOON, "disconnect")
    await vault.store(consent("ann", token="second"), LATER)
    assert await vault.release(AGENCY, "ann", NOON, "disconnect") is None
    assert await token_of(vault, "ann") == "second"
    assert await tokens_to_revoke(vault) == []


async def test_google_has_confirmed(vault: Vault) -> None:
    """The token is erased for good; the fact that there was a connection stays."""
    await vault.store(consent("ann"), NOON)
    token = await vault.release(AGENCY, "ann", LATER, "disconnect")
    assert token is not None
    await vault.revoked(token.token_id)
    assert await tokens_to_revoke(vault) == []
    assert await vault.release(AGENCY, "ann", LATER, "disconnect") is None
    assert await states(vault) == {"ann": ("ended", "disconnect")}


async def test_a_confirmation_that_comes_twice(vault: Vault) -> None:
    """It does not hit the token of a later connection."""
    await vault.store(consent("ann"), EARLIER)
    token = await vault.release(AGENCY, "ann", NOON, "disconnect")
    assert token is not None
    await vault.revoked(token.token_id)
    await vault.store(consent("ann"), LATER)
    await vault.release(AGENCY, "ann", LATER + TICK, "disconnect")
    await vault.revoked(token.token_id)
    assert await tokens_to_revoke(vault) == ["token-of-ann"]


@pytest.mark.parametrize(("agency", "user"), [(AGENCY, "bob"), ("other", "bob"), ("other", "ann")])
async def test_another_live_connection_with_the_account(vault: Vault, agency: str, user: str) -> None:
    """Whatever its agency, it keeps its grant: the token is only erased."""
    await vault.store(consent("ann", "Team@example.com", calendar="a@group"), NOON)
    await vault.store(consent(user, "team@example.com", calendar="b@group", agency=agency), NOON)
    assert await vault.release(AGENCY, "ann", LATER, "disconnect") is None
    assert (await vault.connections(AGENCY))[0].state == "ended"
    assert await tokens_to_revoke(vault) == []


async def test_the_last_connection_with_the_account(vault: Vault) -> None:
    """An ended one does not count: now Google is told."""
    await vault.store(consent("ann", "team@example.com", calendar="a@group"), NOON)
    await vault.store(consent("bob", "team@example.com", calendar="b@group"), NOON)
    await vault.release(AGENCY, "ann", LATER, "disconnect")
    assert await vault.release(AGENCY, "bob", LATER, "disconnect") is not None


async def test_a_crash_before_google_was_told(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """The next start finds the token."""
    await vault.store(consent("ann"), NOON)
    await vault.release(AGENCY, "ann", LATER, "disconnect")
    await vault.close()
    assert await tokens_to_revoke(await opened(url, key)) == ["token-of-ann"]


async def test_connected_again_before_google_was_told(vault: Vault) -> None:
    """Whoever connects with that account keeps the grant: there is nothing left to revoke."""
    await vault.store(consent("ann", "Team@example.com"), EARLIER)
    await vault.release(AGENCY, "ann", NOON, "disconnect")
    await vault.store(consent("bob", "team@example.com", agency="other"), LATER)
    assert await tokens_to_revoke(vault) == []
    assert await vault.release(AGENCY, "ann", NOON, "disconnect") is None
    assert (await states(vault))["ann"] == ("ended", "disconnect")


async def test_disconnected_from_two_accounts(vault: Vault) -> None:
    """The newest connection's token is handed out; the older one's is found by who looks for what is left."""
    await vault.store(consent("ann", "old@example.com", token="old"), EARLIER)
    await vault.store(consent("ann", "new@example.com", token="new"), NOON)
    token = await vault.release(AGENCY, "ann", LATER, "disconnect")
    assert token is not None
    assert token.refresh_token.get_secret_value() == "new"
    assert await tokens_to_revoke(vault) == ["old", "new"]
    await vault.revoked(token.token_id)
    assert await vault.release(AGENCY, "ann", LATER, "disconnect") is None


async def test_connected_again_with_another_account(vault: Vault) -> None:
    """The old account's grant has still to be revoked; the user is live."""
    await vault.store(consent("ann", "old@example.com", token="old"), EARLIER)
    await vault.release(AGENCY, "ann", NOON, "disconnect")
    await vault.store(consent("ann", "new@example.com", token="new"), LATER)
    assert await tokens_to_revoke(vault) == ["old"]
    assert await states(vault) == {"ann": ("live", None)}


async def test_more_to_revoke_than_asked_for(vault: Vault) -> None:
    """The oldest come first, no more than the limit."""
    for number, user in enumerate(["cid", "ann", "bob"]):
        await vault.store(consent(user), NOON)
        await vault.release(AGENCY, user, LATER + timedelta(seconds=number), "disconnect")
    assert [token.user_id for token in await vault.to_revoke(2)] == ["cid", "ann"]


async def test_a_disconnect_whose_token_no_key_fits(
    vault: Vault, url: str, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    """The user is disconnected all the same; the token waits for its key and holds up nobody else's."""
    await vault.store(consent("ann"), NOON)
    rekeyed = await opened(url, Fernet.generate_key().decode())
    with caplog.at_level(logging.WARNING, "vault"):
        assert await rekeyed.release(AGENCY, "ann", LATER, "disconnect") is None
    assert await states(rekeyed) == {"ann": ("revoking", "disconnect")}
    assert "SHIFTCAL_VAULT_KEYS" in caplog.text
    await rekeyed.store(consent("bob"), NOON)
    await rekeyed.release(AGENCY, "bob", LATER + TICK, "disconnect")
    assert [token.user_id for token in await rekeyed.to_revoke(1)] == ["bob"]
    assert await tokens_to_revoke(vault) == ["token-of-ann"]


async def test_a_disconnect_without_keys(vault: Vault, url: str, opened: Opener) -> None:
    """Nothing happens but the error: with keys it can be done properly."""
    await vault.store(consent("ann"), NOON)
    keyless = await opened(url)
    with pytest.raises(VaultKeysInvalid):
        await keyless.release(AGENCY, "ann", LATER, "disconnect")
    assert await states(vault) == {"ann": ("live", None)}
    assert await keyless.release(AGENCY, "nobody", LATER, "disconnect") is None


async def test_the_info_of_one_user(vault: Vault) -> None:
    """It is what the list says of that user; nobody's where there never was a connection."""
    await vault.store(consent("ann"), NOON)
    await vault.store(consent("bob"), NOON)
    await vault.release(AGENCY, "bob", LATER, "disconnect")
    listed = await vault.connections(AGENCY)
    assert [await vault.connection_info(AGENCY, user) for user in ("ann", "bob")] == listed
    assert [info.state for info in listed] == ["live", "revoking"]
    assert await vault.connection_info("other", "ann") is None


async def test_an_account_in_use(vault: Vault) -> None:
    """It is as long as anybody's connection to it is live, however its address is written."""
    assert not await vault.uses_account("team@example.com")
    await vault.store(consent("ann", "Team@Example.com"), NOON)
    await vault.store(consent("bob", "team@example.com", agency="other"), NOON)
    assert await vault.uses_account(" TEAM@example.com")
    await vault.release(AGENCY, "ann", LATER, "disconnect")
    assert await vault.uses_account("team@example.com")
    await vault.release("other", "bob", LATER, "disconnect")
    assert not await vault.uses_account("team@example.com")


async def test_infos_of_one_agency(vault: Vault) -> None:
    """The others' users stay out; everybody comes in order."""
    await vault.store(consent("bob"), NOON)
    await vault.store(consent("ann"), NOON)
    await vault.store(consent("cid", agency="other"), NOON)
    assert [info.user_id for info in await vault.connections(AGENCY)] == ["ann", "bob"]
    assert [info.user_id for info in await vault.connections()] == ["ann", "bob", "cid"]
