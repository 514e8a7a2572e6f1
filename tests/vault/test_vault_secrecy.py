"""A token is seen by nobody who did not ask for it by name."""

from __future__ import annotations

import asyncio
import io
import logging
import string
import tempfile
import traceback
from pathlib import Path

from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.vault.facts import AGENCY, LATER, NOON
from vault import NewConnection, Vault, VaultError
from vault.keys import Keys

TOKENS = st.text(
    alphabet=string.ascii_letters + string.digits + "/-_'\"%{}ü\n", min_size=12, max_size=512
).map(
    # A run of zeros would be found in any log; this is found only where the token is.
    lambda text: f"1//0g-{text}"
)


async def _a_life(url: str, token: str, keys: tuple[str, str]) -> list[object]:
    """Everything that can happen to a token, also what goes wrong. Returns all that was seen."""
    new = NewConnection(AGENCY, "ann", "ann@example.com", SecretStr(token), ("s",))
    seen: list[object] = [new, Keys(keys)]
    vault = await Vault.open(url, keys[:1])
    stranger = await Vault.open(url, keys[1:])
    keyless = await Vault.open(url, [])
    seen += [vault, await vault.store(new, NOON), await vault.connection(AGENCY, "ann")]
    seen += [await vault.announcements(), await vault.connections()]
    for attempt in (
        stranger.connection(AGENCY, "ann"),
        stranger.rotate(),
        keyless.connection(AGENCY, "ann"),
        keyless.store(new, LATER),
        vault.store(new, NOON.replace(tzinfo=None)),
        vault.store(NewConnection(AGENCY, "ann", None, new.refresh_token, ()), LATER),  # type: ignore[arg-type]
        vault.store(NewConnection(AGENCY, None, "x@example.com", new.refresh_token, ()), LATER),  # type: ignore[arg-type]
    ):
        try:
            seen.append(await attempt)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not show the token
            seen += [error, _with_variables(error)]
    seen += [await vault.release(AGENCY, "ann", LATER, "disconnect"), await vault.to_revoke(9)]
    for one in (vault, stranger, keyless):
        await one.close()
    return seen


def _with_variables(error: Exception) -> str:
    """The traceback as a crash reporter would write it, from the vault's first frame on: ours holds the token."""
    assert error.__traceback__ is not None
    frames = traceback.TracebackException(
        type(error), error, error.__traceback__.tb_next, capture_locals=True
    )
    return "".join(frames.format())


@settings(max_examples=15, deadline=None)
@given(token=TOKENS)
def test_a_token_in_any_situation(token: str) -> None:
    """It is in no repr, no text, no log line at any level, no exception with all its frames' variables."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root, driver = logging.getLogger(), logging.getLogger("aiosqlite")
    levels = root.level, driver.level
    root.addHandler(handler)
    for logger in (root, driver):  # a worker keeps the driver to warnings, perhaps one of this very process
        logger.setLevel(logging.DEBUG)
    keys = (Fernet.generate_key().decode(), Fernet.generate_key().decode())
    try:
        with tempfile.TemporaryDirectory() as folder:
            seen = asyncio.run(_a_life(f"sqlite+aiosqlite:///{folder}/vault.db", token, keys))
            files = b"".join(file.read_bytes() for file in Path(folder).iterdir())
    finally:
        for logger, level in zip((root, driver), levels, strict=True):
            logger.setLevel(level)
        root.removeHandler(handler)
    shown = "\n".join([log.getvalue(), *map(str, seen), *map(repr, seen)])
    assert any(isinstance(thing, VaultError) for thing in seen)
    assert "executing" in log.getvalue()  # the driver's own debug lines were there to be searched
    for form in (token, repr(token)[1:-1]):
        assert form not in shown
    assert token.encode() not in files
