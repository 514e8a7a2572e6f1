"""`connections import` and `connections list`.

In: a file of connections. Out: connections in the vault, a `connect` command for each, and a list without secrets.
Not here: how tokens are kept.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gcal.port import SCOPE_EVENTS, may_write
from ops import vaults
from ops.commands import Named, named
from ops.console import complain, progress, say, say_json, say_table
from ops.lines import opened
from ops.teach import add
from schemas.errors import OperatorError
from streams.kafka import sending
from streams.reach import names_of
from streams.serve import run
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from vault import ConnectionInfo, NewConnection, Vault

_HEADS = (
    "agency",
    "user",
    "google account",
    "google calendar",
    "state",
    "connected at",
    "ended at",
    "reason",
)
_BATCH = 100


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(help="Who is connected to which Google calendar.", rich_markup_mode="rich")
    add(group, "import", import_)
    add(group, "list", list_)
    app.add_typer(group, name="connections")


def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A JSONL file; - for standard input.", show_default=False)
    ],
) -> None:
    """Take over connections that were made elsewhere, and announce each of them.

    Every line is {"agency_id", "user_id", "google_account", "refresh_token", "scopes"}, with "google_calendar_id" where
    it is not the primary one. "scopes" is a list, or a text with spaces. All lines are checked first: with one bad
    line, nothing is imported. To import a file again is harmless. Whoever gave no scope that lets us write events is
    told to connect again.

    Example: [bold]shiftcal connections import grants.jsonl[/bold]

    Reads: FILE, SHIFTCAL_DATABASE_URL, SHIFTCAL_VAULT_KEYS. Writes: the database, tokens encrypted; a connect command
    per connection to the topic sync-commands. Tokens are never printed.
    """
    from ops import imports  # noqa: PLC0415  as in `ops.vaults`

    with opened(file) as lines:
        found, bad = imports.connections(lines)
    if bad:
        for line in bad:
            complain(line)
        say(f"nothing was imported: {len(bad)} of {len(bad) + len(found)} lines are bad")
        raise typer.Exit(1)
    run(_import(load_settings(), found))


def list_(
    agency: Annotated[
        Named | None,
        typer.Argument(parser=named, metavar="AGENCY", help="Of this agency alone.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document for a script.")] = False,
) -> None:
    """List who is or was connected; tokens are not shown.

    States: live; revoking (ended, and Google has still to be told to forget the grant); ended.

    Example: [bold]shiftcal connections list metro-ems --json[/bold]

    Reads: SHIFTCAL_DATABASE_URL; needs no keys and no Kafka. Writes: nothing.
    """
    found = run(_list(load_settings(), agency))
    if as_json:
        say_json([asdict(each) for each in found])
    elif found:
        say_table(_HEADS, [_row(each) for each in found])
    else:
        say("nobody is connected")


async def _import(settings: Settings, found: list[NewConnection]) -> None:
    from streams.outbox import send_announcements  # noqa: PLC0415  as in `ops.vaults`

    names = names_of(settings)
    async with vaults.opened(settings) as vault, sending(settings, [names.topic("sync-commands")]) as sender:
        late: list[str] = []
        with progress("importing", len(found)) as tell:
            for number, new in enumerate(found, start=1):
                late += await _store(vault, new)
                if number % _BATCH == 0:
                    await send_announcements(vault, sender, names)
                    tell(number)
        await send_announcements(vault, sender, names)
    say(f"imported {len(found) - len(late)} connections")
    if late:
        raise OperatorError(
            f"{len(late)} of {len(found)} connections were left alone, because something newer than now is known of the"
            f" user or of the calendar ({', '.join(late[:5])}): check the clocks, and import again"
        )


async def _store(vault: Vault, new: NewConnection) -> list[str]:
    """Store one connection; its user, where something newer is known."""
    stored = await vault.store(new, datetime.now(UTC))
    if not may_write(new.scopes):
        say(
            f"{new.agency_id}/{new.user_id} gave no permission to write events: nothing is synced until the user connects"
            f" again and gives it ({SCOPE_EVENTS})"
        )
    for user in stored.displaced:
        say(
            f"{new.agency_id}/{user} lost the calendar to {new.agency_id}/{new.user_id}: it belongs to one user"
        )
    return [] if stored.applied else [f"{new.agency_id}/{new.user_id}"]


async def _list(settings: Settings, agency: str | None) -> list[ConnectionInfo]:
    async with vaults.opened(settings) as vault:
        return await vault.connections(agency)


def _row(info: ConnectionInfo) -> tuple[str, ...]:
    return (
        info.agency_id,
        info.user_id,
        info.google_account,
        info.google_calendar_id,
        info.state,
        f"{info.connected_at:%Y-%m-%d %H:%M:%S}Z",
        f"{info.ended_at:%Y-%m-%d %H:%M:%S}Z" if info.ended_at else "",
        info.ended_reason or "",
    )
