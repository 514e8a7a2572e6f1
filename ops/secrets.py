"""`secrets create`: what a first start has to know and nobody should have to make up, as files.

In: a directory, and what stands beside us. Out: files of the names that SHIFTCAL_SECRETS_DIR reads. Not here: what they are for.
Kept is what is there: a vault key that is made anew makes every token unreadable. What only follows from other values, such as the
database's address, is written again each time.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from ops.console import say
from ops.teach import add
from schemas.errors import OperatorError
from streams.settings import PREFIX

DATABASE: Final = "shiftcal"
"""The database, and the user that owns it."""
_OURS: Final = 0o600
_SHARED: Final = 0o444
"""For another container, whose user is another one; nobody else has its directory."""
_CLIENT: Final = ("google_client_id", "google_client_secret")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(help="Secrets of a deployment, as files.", rich_markup_mode="rich")
    group.callback()(_secrets)
    add(group, "create", create)
    app.add_typer(group, name="secrets")


def _secrets() -> None:
    """Keep the group a group: typer makes a lone verb the command itself."""


def create(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIRECTORY", help="Where SHIFTCAL_SECRETS_DIR points.", show_default=False),
    ],
    postgres: Annotated[
        str | None,
        typer.Option("--postgres", metavar="HOST:PORT", help="Where PostgreSQL is.", show_default=False),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option("--password-file", help="File for PostgreSQL's password.", show_default=False),
    ] = None,
    standin: Annotated[
        str | None,
        typer.Option(
            "--standin", metavar="URL", help="Where the stand-in for Google is.", show_default=False
        ),
    ] = None,
    standin_page: Annotated[
        str | None,
        typer.Option(
            "--standin-page", metavar="URL", help="The same as browsers see it.", show_default=False
        ),
    ] = None,
) -> None:
    """Make the secrets that a first start needs, each in a file of its own; what is there already is kept.

    A vault key and a key for the portal's links; with [bold]--postgres[/bold] a password for PostgreSQL and the
    database's address. With [bold]--standin[/bold] calls go to a stand-in for Google, unless SHIFTCAL_GOOGLE_CLIENT_ID and
    SHIFTCAL_GOOGLE_CLIENT_SECRET are set: then to Google, and both are kept there, too.

    Example: [bold]shiftcal secrets create /etc/shiftcal/secrets[/bold]

    Reads: SHIFTCAL_GOOGLE_CLIENT_ID, SHIFTCAL_GOOGLE_CLIENT_SECRET. Writes: DIRECTORY, the password's file. Secrets are
    never printed.
    """
    from cryptography.fernet import Fernet  # noqa: PLC0415  as in `ops.vaults`

    if (postgres is None) != (password_file is None):
        raise typer.BadParameter("--postgres and --password-file belong together")
    if not directory.is_dir():
        raise OperatorError(f"{directory}: no directory is there: make it first, readable for nobody else")
    box = Box(directory)
    box.keep("vault_keys", Fernet.generate_key().decode())
    box.keep("portal_host_key", secrets.token_urlsafe(32))
    if postgres is not None and password_file is not None:
        password = _kept(password_file, secrets.token_urlsafe(32), _SHARED)
        box.write("database_url", f"postgresql+asyncpg://{DATABASE}:{password}@{postgres}/{DATABASE}")
    if standin is not None:
        _google(box, standin.rstrip("/"), (standin_page or standin).rstrip("/"))
    say(f"secrets are in {directory}: {', '.join(box.names())}")


class Box:
    """A directory of secrets, by the setting's name."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, setting: str, value: str) -> None:
        """Write a value, unless there is one."""
        _kept(self._path(setting), value, _OURS)

    def write(self, setting: str, value: str) -> None:
        """Write a value, whatever there was."""
        _write(self._path(setting), value, _OURS)

    def drop(self, setting: str) -> None:
        """Take a value away."""
        self._path(setting).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """What is there."""
        return sorted(path.name for path in self._directory.glob(f"{PREFIX.lower()}*"))

    def _path(self, setting: str) -> Path:
        return self._directory / f"{PREFIX.lower()}{setting}"


def _google(box: Box, api: str, page: str) -> None:
    from sandbox.google.consent_page import AUTH_PATH  # noqa: PLC0415  as in `ops.vaults`
    from sandbox.google.oauth import REVOKE_PATH, TOKEN_PATH  # noqa: PLC0415

    client = {name: os.environ.get(f"{PREFIX}{name.upper()}", "") for name in _CLIENT}
    ours = all(client.values())
    if any(client.values()) and not ours:
        raise OperatorError(
            f"{PREFIX}GOOGLE_CLIENT_ID and {PREFIX}GOOGLE_CLIENT_SECRET: set both for Google, or none for the stand-in"
        )
    addresses = {
        "google_api_url": api,
        "google_auth_url": page + AUTH_PATH,
        "google_token_url": api + TOKEN_PATH,
        "google_revoke_url": api + REVOKE_PATH,
    }
    for name in _CLIENT:
        box.write(name, client[name] or "stand-in")
    for name, address in addresses.items():
        if ours:
            box.drop(name)
        else:
            box.write(name, address)
    say("calls go to Google" if ours else f"calls go to the stand-in at {api}")


def _kept(path: Path, value: str, mode: int) -> str:
    """What the file holds; this value from now on, where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        _write(path, value, mode)
        return value


def _write(path: Path, value: str, mode: int) -> None:
    """Whole or not at all: a process that is killed half way leaves no half of a key."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(value)
        os.fchmod(handle, mode)
        os.fsync(handle)
    Path(name).replace(path)
