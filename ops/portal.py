"""`portal`, and `portal link`: the pages for people, and a way in for trying.

In: settings. Out: a running process, or a signed link. Not here: pages.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote

import typer

from ops.commands import Named, named
from ops.console import say
from ops.teach import add, taught
from schemas.errors import OperatorError
from streams.policies import load_policies
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(
        help="Run the pages for users and operators.", rich_markup_mode="rich", invoke_without_command=True
    )
    group.callback(help=taught(portal))(portal)
    add(group, "link", link)
    app.add_typer(group, name="portal")


def portal(context: typer.Context) -> None:
    """Run the pages where users connect their Google calendars, and operators see how all stands.

    Stops cleanly on SIGTERM and Ctrl-C. Several may run beside each other on one database. Nobody comes in without a link
    that the host application signed; [bold]shiftcal portal link[/bold] makes one for trying.

    Example: [bold]SHIFTCAL_PORTAL_PUBLIC_URL=https://calendar.example.com shiftcal portal[/bold]

    Reads: the topics sync-status and sync-results, the users' changelog, SHIFTCAL_POLICIES, the database. Writes: the
    database, the topic sync-commands.
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    policies = load_policies(settings.policies)
    from portal.serve import run  # noqa: PLC0415  as in `ops.vaults`

    run(settings, policies)


def link(
    agency: Annotated[
        Named, typer.Argument(parser=named, metavar="AGENCY", help="The agency's id.", show_default=False)
    ],
    user: Annotated[
        Named, typer.Argument(parser=named, metavar="USER", help="The user's id.", show_default=False)
    ],
    name: Annotated[
        str | None,
        typer.Option(
            "--name", help="The name that the page greets; none: the user's id.", show_default=False
        ),
    ] = None,
    agency_name: Annotated[
        str | None,
        typer.Option(
            "--agency-name", help="The agency's name on the page; none: its id.", show_default=False
        ),
    ] = None,
    role: Annotated[
        Literal["user", "operator"], typer.Option("--role", help="Whose pages the link opens.")
    ] = "user",
    minutes: Annotated[
        int, typer.Option("--minutes", min=1, max=15, help="Minutes until the link expires.")
    ] = 5,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            help="PEM file of the Ed25519 private key, where SHIFTCAL_PORTAL_HOST_KEY is the public one.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print a link into the portal, as the host application would make it. It works once.

    Example: [bold]shiftcal portal link metro-ems u-17 --name "Ann Lee"[/bold]

    Reads: SHIFTCAL_PORTAL_HOST_KEY, and the address of the portal from SHIFTCAL_PORTAL_PUBLIC_URL, or from
    SHIFTCAL_PORTAL_HOST and SHIFTCAL_PORTAL_PORT. Writes: nothing. Whoever has the link comes in as that user.
    """
    from portal.links import sign  # noqa: PLC0415  as in `ops.vaults`

    settings = load_settings()
    claims = {"agency": str(agency), "user": str(user), "name": name or str(user), "role": role}
    if agency_name:
        claims["agency_name"] = agency_name
    token = sign(claims, _signing(settings, key), datetime.now(UTC), timedelta(minutes=minutes))
    say(f"{_address(settings)}/enter?link={quote(token)}")


def _signing(settings: Settings, file: Path | None) -> bytes | Ed25519PrivateKey:
    from portal.links import key_of, signing_key  # noqa: PLC0415  as in `ops.vaults`

    verifying = key_of(settings)
    if isinstance(verifying.key, bytes):
        if file is not None:
            raise OperatorError(
                "--key is for an Ed25519 key pair: SHIFTCAL_PORTAL_HOST_KEY is a shared secret"
            )
        return verifying.key
    if file is None:
        raise OperatorError(
            "SHIFTCAL_PORTAL_HOST_KEY is a public key: give the private one that belongs to it with --key FILE"
        )
    try:
        private, public = signing_key(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{file}: cannot be read: {error}") from None
    if public.key != verifying.key:
        raise OperatorError(f"{file}: this private key does not belong to SHIFTCAL_PORTAL_HOST_KEY")
    return private


def _address(settings: Settings) -> str:
    if settings.portal_public_url is not None:
        return settings.portal_public_url
    if settings.portal_port == 0:
        raise OperatorError(
            "SHIFTCAL_PORTAL_PORT is 0, so nobody knows the portal's address: set it, or SHIFTCAL_PORTAL_PUBLIC_URL"
        )
    host = settings.portal_host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.portal_port}"
