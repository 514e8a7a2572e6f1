"""Keys: none, wrong ones, old ones, and changing them."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.vault.facts import AGENCY, LATER, NOON, TICK, Opener, consent, states, token_of, tokens_to_revoke
from tests.vault.news import read, view
from vault import PortalSession, Rotated, TokenUnreadable, Vault, VaultKeysInvalid, VaultUnavailable, rotation
from vault.database import Database, Part
from vault.keys import Keys

ROOT = Path(rotation.__file__).parents[1]


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
    assert await (await opened(url, newest, key)).rotate() == Rotated(2, 2, ())
    rotated = await opened(url, newest)
    assert await token_of(rotated, "ann") == "token-of-ann"
    assert await tokens_to_revoke(rotated) == ["token-of-bob"]
    with pytest.raises(TokenUnreadable):
        await vault.connection(AGENCY, "ann")


async def test_rotating_with_a_token_that_no_key_fits(vault: Vault, url: str, opened: Opener) -> None:
    """It stays as it is and is named; the others are rotated."""
    await vault.store(consent("ann"), NOON)
    older = _new_key()
    await (await opened(url, older)).store(consent("bob"), NOON)
    assert await (await opened(url, _new_key(), older)).rotate() == Rotated(1, 1, ("metro-ems/ann",))
    assert await token_of(vault, "ann") == "token-of-ann"


async def test_rotating_again(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """What the newest key has sealed is not written again."""
    await vault.store(consent("ann"), NOON)
    assert await vault.rotate() == Rotated(0, 1, ())
    both = await opened(url, _new_key(), key)
    await both.rotate()
    assert await both.rotate() == Rotated(0, 1, ())


async def test_rotating_what_the_portal_seals(
    vault: Vault, url: str, key: str, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions and schedules are read with the newest key alone afterwards, whatever the size of a batch."""
    monkeypatch.setattr(rotation, "BATCH", 2)
    sessions = [
        PortalSession(f"cookie-{n}", AGENCY, f"u{n}", "", "user", "csrf", NOON, LATER) for n in range(5)
    ]
    for begun in sessions:
        await vault.sessions.begin(begun)
    await read(vault.projection, *(view(f"u{n}", n, b"shifts of %d" % n) for n in range(5)))
    newest = _new_key()
    both = await opened(url, newest, key)
    assert await both.rotate() == Rotated(10, 10, ())
    assert await both.rotate() == Rotated(0, 10, ())
    rotated = await opened(url, newest)
    for n, begun in enumerate(sessions):
        assert await rotated.sessions.get(f"cookie-{n}", NOON) == begun
        assert await rotated.projection.view(AGENCY, f"u{n}") == b"shifts of %d" % n
        assert await vault.projection.view(AGENCY, f"u{n}") is None


async def test_rotating_sessions_and_schedules_that_no_key_fits(
    vault: Vault, url: str, opened: Opener
) -> None:
    """Nobody is named for them: a session ends by itself, and a schedule comes again."""
    await vault.sessions.begin(PortalSession("cookie", AGENCY, "ann", "", "user", "csrf", NOON, LATER))
    await read(vault.projection, view("ann", 0, b"x"))
    assert await (await opened(url, _new_key())).rotate() == Rotated(0, 0, ())
    assert await vault.projection.view(AGENCY, "ann") == b"x"


async def test_rotating_beside_a_portal(
    vault: Vault, url: str, key: str, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never puts an older schedule back over one that was read meanwhile."""
    monkeypatch.setattr(rotation, "BATCH", 5)
    await read(vault.projection, *(view(f"u{n}", n, b"0") for n in range(20)))
    newest = _new_key()
    portal = await opened(url, key, newest)

    async def reads() -> None:
        for again in range(1, 6):
            await read(portal.projection, *(view(f"u{n}", 20 * again + n, b"%d" % again) for n in range(20)))

    await asyncio.gather(reads(), (await opened(url, newest, key)).rotate())
    assert [await portal.projection.view(AGENCY, f"u{n}") for n in range(20)] == [b"5"] * 20


@pytest.mark.parametrize("part", list(Part))
async def test_rotating_while_somebody_writes(
    vault: Vault, url: str, key: str, opened: Opener, part: Part
) -> None:
    """It waits for each of those who write what it is about to seal anew, and seals nothing of theirs meanwhile."""
    both = await opened(url, _new_key(), key, wait_s=0.3)
    async with vault._database.writing(part):
        with pytest.raises(VaultUnavailable):
            await both.rotate()


@pytest.mark.parametrize("batch", [1, 2, 3, 7])
async def test_rotating_in_batches(
    vault: Vault, url: str, key: str, opened: Opener, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever their size, each token is met, with ids that sort in odd ways too."""
    monkeypatch.setattr(rotation, "BATCH", batch)
    users = ["a", "B", "ä", "z", "10", "9", "\U0001f691"]
    for user in users:
        await vault.store(consent(user, f"{ord(user[0])}@example.com"), NOON)
        await vault.store(consent(user, f"{ord(user[0])}@other.example.com", agency="b"), NOON)
    for user in users[:3]:
        await vault.release(AGENCY, user, LATER, "disconnect")
    newest = _new_key()
    assert await (await opened(url, newest, key)).rotate() == Rotated(14, 14, ())
    rotated = await opened(url, newest)
    assert len([await token_of(rotated, user, "b") for user in users]) == 7
    assert len(await tokens_to_revoke(rotated)) == 3


async def test_rotating_beside_a_worker(
    vault: Vault, url: str, key: str, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads, ends and stores meanwhile, with the new key in second place still; nothing is lost or left behind."""
    monkeypatch.setattr(rotation, "BATCH", 3)
    users = [f"u{n:02}" for n in range(30)]
    for user in users:
        await vault.store(consent(user), NOON)
    newest = _new_key()
    worker = await opened(url, key, newest)
    rotating = asyncio.create_task((await opened(url, newest, key)).rotate())
    for number, user in enumerate(users):
        assert await token_of(worker, user) == f"token-of-{user}"
        if number % 3 == 0:
            await worker.release(AGENCY, user, LATER, "disconnect")
        if number % 5 == 0:
            await worker.store(consent(user, token=f"again-{user}"), LATER + TICK)
    await rotating
    assert (await (await opened(url, newest, key)).rotate()).complete
    rotated = await opened(url, newest)
    live = {user: await token_of(rotated, user) for user in users}
    assert live["u05"] == "again-u05"
    assert live["u01"] == "token-of-u01"
    assert live["u03"] is None
    assert "token-of-u03" in await tokens_to_revoke(rotated)


async def test_rotating_while_somebody_stores_with_the_old_key_for_ever(
    vault: Vault, url: str, key: str, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes to an end, and says that it is not complete."""
    await vault.store(consent("ann"), NOON)
    real = rotation.one_pass
    at = NOON

    async def meanwhile(database: Database, keys: Keys) -> rotation.Pass:
        nonlocal at
        at += TICK
        await vault.store(consent("ann"), at)
        return await real(database, keys)

    monkeypatch.setattr(rotation, "one_pass", meanwhile)
    assert not (await (await opened(url, _new_key(), key)).rotate()).complete


async def test_a_crash_in_the_middle_of_rotating(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """Every token can be read, and the next run does the rest."""
    for number in range(40):
        await vault.store(consent(f"u{number:02}"), NOON)
    newest = _new_key()
    code = (
        "import asyncio, os, signal, sys; from vault import Vault, rotation\n"
        "rotation.BATCH, real, seen = 4, rotation._reseal, []\n"
        "def reseal(row, *more):\n"
        "    seen.append(row)\n"
        "    if len(seen) == 15: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(row, *more)\n"
        "rotation._reseal = reseal\n"
        "async def main(url, *keys):\n"
        "    await (await Vault.open(url, keys)).rotate()\n"
        "asyncio.run(main(*sys.argv[1:]))\n"
    )
    running = await asyncio.create_subprocess_exec(sys.executable, "-c", code, url, newest, key, cwd=ROOT)
    assert await running.wait() == -signal.SIGKILL
    both = await opened(url, newest, key)
    for number in range(40):
        assert await token_of(both, f"u{number:02}") == f"token-of-u{number:02}"
    assert await both.rotate() == Rotated(28, 40, ())
