"""Keys: none, wrong ones, old ones, and changing them."""

from __future__ import annotations

import logging

import pytest
from cryptography.fernet import Fernet

from tests.vault.facts import AGENCY, LATER, NOON, Opener, consent, states, token_of, tokens_to_revoke
from vault import TokenUnreadable, Vault, VaultKeysInvalid


def _new_key() -> str:
    return Fernet.generate_key().decode()


@pytest.mark.parametrize("none", [(), ("",), (" ", "")])
async def test_no_keys(url: str, opened: Opener, none: tuple[str, ...]) -> None:
    """Nothing is stored, and the error says what to set."""
    vault = await opened(url, *none)
    with pytest.raises(VaultKeysInvalid, match=r"^SHIFTCAL_VAULT_KEYS is empty.*generate_key[^\n]*$"):
        await vault.store(consent("ann"), NOON)
    with pytest.raises(VaultKeysInvalid, match="SHIFTCAL_VAULT_KEYS"):
        await vault.rotate()
    assert await vault.connections() == []


async def test_looking_without_keys(vault: Vault, url: str, opened: Opener) -> None:
    """Who is connected can be seen; the tokens cannot be read."""
    await vault.store(consent("ann"), NOON)
    keyless = await opened(url)
    assert await states(keyless) == {"ann": ("live", None)}
    assert await keyless.connection(AGENCY, "nobody") is None
    with pytest.raises(VaultKeysInvalid, match="SHIFTCAL_VAULT_KEYS"):
        await keyless.connection(AGENCY, "ann")


@pytest.mark.parametrize("wrong", ["not-a-key", "ü" * 44, "A" * 43, "A" * 45])
async def test_a_wrong_key(url: str, key: str, opened: Opener, wrong: str) -> None:
    """The error says which one it is, on one line, and does not show it."""
    with pytest.raises(VaultKeysInvalid, match=r"^SHIFTCAL_VAULT_KEYS: key 2 of 2 [^\n]*$") as caught:
        await opened(url, key, wrong)
    assert wrong not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_blanks_around_a_key(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """They are not part of it."""
    await vault.store(consent("ann"), NOON)
    assert await token_of(await opened(url, f" {key}\n"), "ann") == "token-of-ann"


async def test_a_token_with_half_a_character(vault: Vault) -> None:
    """It is kept like any other: an error about its text would show its text."""
    await vault.store(consent("ann", token="half \ud800"), NOON)
    assert await token_of(vault, "ann") == "half \ud800"


async def test_an_older_key_in_second_place(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """What it sealed can still be read; what is new is sealed with the first."""
    newest = _new_key()
    await vault.store(consent("ann"), NOON)
    both = await opened(url, newest, key)
    await both.store(consent("bob"), NOON)
    assert await token_of(both, "ann") == "token-of-ann"
    assert await token_of(await opened(url, newest), "bob") == "token-of-bob"


async def test_a_token_that_no_key_fits(vault: Vault, url: str, opened: Opener) -> None:
    """The error says whose it is and what to do."""
    await vault.store(consent("ann"), NOON)
    other = await opened(url, _new_key())
    with pytest.raises(
        TokenUnreadable, match=r"^[^\n]*metro-ems/ann[^\n]*SHIFTCAL_VAULT_KEYS[^\n]*$"
    ) as caught:
        await other.connection(AGENCY, "ann")
    assert (caught.value.agency_id, caught.value.user_id) == (AGENCY, "ann")


async def test_rotating(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """Afterwards the newest key reads everything, also what waits to be revoked, and the old one nothing."""
    await vault.store(consent("ann"), NOON)
    await vault.store(consent("bob"), NOON)
    await vault.release(AGENCY, "bob", LATER, "disconnect")
    newest = _new_key()
    assert await (await opened(url, newest, key)).rotate() == 2
    rotated = await opened(url, newest)
    assert await token_of(rotated, "ann") == "token-of-ann"
    assert await tokens_to_revoke(rotated) == ["token-of-bob"]
    with pytest.raises(TokenUnreadable):
        await vault.connection(AGENCY, "ann")


async def test_rotating_with_a_token_that_no_key_fits(
    vault: Vault, url: str, key: str, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    """It stays as it is and is named; the others are rotated."""
    await vault.store(consent("ann"), NOON)
    other = await opened(url, _new_key())
    await other.store(consent("bob"), NOON)
    with caplog.at_level(logging.WARNING, "vault"):
        assert await other.rotate() == 1
    assert "metro-ems/ann" in caplog.text
    assert await token_of(vault, "ann") == "token-of-ann"
