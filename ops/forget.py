"""`forget`: nothing is kept of a person who left, as far as a program can do that.

In: an agency and a user. Out: a revoked grant, an emptied database, a fact for the workers, and a list of what remains.
Not here: what the workers do with the fact; what upstream services keep.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gcal.client import GoogleCalendar, GoogleSettings
from ops import remains, vaults
from ops.commands import Named, named
from ops.console import say
from ops.teach import add
from schemas.errors import GoogleError, OperatorError
from schemas.facts import Forgotten
from streams import codec
from streams.kafka import sending
from streams.reach import names_of
from streams.serve import run
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.names import Names
    from streams.sender import Sender
    from vault import Erased, Left, Vault


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "forget", forget)


def forget(
    agency: Annotated[
        Named, typer.Argument(parser=named, metavar="AGENCY", help="The agency's id.", show_default=False)
    ],
    user: Annotated[
        Named, typer.Argument(parser=named, metavar="USER", help="The user's id.", show_default=False)
    ],
    unrevoked: Annotated[
        bool,
        typer.Option(
            "--unrevoked",
            help="Go on where Google cannot be told: the user can still take the grant back in the Google account.",
        ),
    ] = False,
) -> None:
    """Remove what is kept of a person who left: the connection, the tokens, the row of the sync, the status.

    The person must not be connected any more. A token that Google has still to be told of is revoked first, unless
    another connection uses the account. Then the database forgets the person, a null goes to sync-status, and the
    workers drop the person's row. The events in the Google calendar stay: disconnect with --purge before, if they should
    go. What cannot be removed by a program is listed at the end, with how long it is kept. Running it again is harmless.

    While upstream still assigns shifts to the person, the next message about them begins a new row; let it take them
    away first.

    Example: [bold]shiftcal forget metro-ems u-17[/bold]

    Reads: SHIFTCAL_DATABASE_URL, SHIFTCAL_VAULT_KEYS, SHIFTCAL_GOOGLE_REVOKE_URL. Writes: the database, a fact for the
    workers to the internal topic of users, a null to sync-status.
    """
    run(_forget(load_settings(), (agency, user), unrevoked=unrevoked))


async def _forget(settings: Settings, person: tuple[str, str], *, unrevoked: bool) -> None:
    names, who = names_of(settings), "/".join(person)
    topics = [names.user_facts, names.status, names.topic("sync-commands")]
    async with vaults.opened(settings) as vault, sending(settings, topics) as sender:
        left = await vault.left_of(*person)
        await _announced(vault, sender, names, left)
        revoked = await _revoked(settings, vault, left, unrevoked=unrevoked)
        erased = await vault.forget(*person)
        # After the database: who is stopped in between finds nothing there the next time, and sends this all the same.
        at = max(datetime.now(UTC), left.newest or datetime.now(UTC))
        fact = Forgotten(agency_id=person[0], user_id=person[1], at=at)
        await sender.deliver(names.user_facts, codec.key(*person), codec.encode(fact))
        await sender.deliver(names.status, codec.key(*person), None)
    say(_told(who, erased, revoked))
    for line in await remains.lines(settings, names):
        say(line)


async def _announced(vault: Vault, sender: Sender, names: Names, left: Left) -> None:
    """Refuse while the workers have not heard of the end: it would begin a new row after the old one is dropped."""
    if not left.announcements:
        return
    from streams.outbox import send_announcements  # noqa: PLC0415  as in `ops.vaults`

    await send_announcements(vault, sender, names)
    raise OperatorError(
        "the end of this connection was announced just now: try again once a worker has read it, in a few seconds"
    )


async def _revoked(settings: Settings, vault: Vault, left: Left, *, unrevoked: bool) -> int:
    """Tell Google; how many tokens it has confirmed."""
    if left.unreadable and not unrevoked:
        raise OperatorError(
            f"SHIFTCAL_VAULT_KEYS: {left.unreadable} of this person's tokens fit none of the keys, so Google cannot be told:"
            " add the key to the end of the list, or forget the person with --unrevoked"
        )
    done = 0
    google = GoogleSettings(
        settings.google_client_id or "",
        settings.google_client_secret,
        revoke_url=settings.google_revoke_url,
        timeout_s=settings.google_timeout_s,
    )
    async with GoogleCalendar(google) as port:
        for token in left.tokens:
            if not await vault.waits_for_revocation(token.token_id):
                continue
            try:
                await port.revoke(token.refresh_token)
            except GoogleError as error:
                if not unrevoked:
                    raise OperatorError(
                        f"Google did not confirm that it has forgotten the grant, so nothing was removed ({error.code}):"
                        " try again later, or forget the person with --unrevoked"
                    ) from error
                continue
            await vault.revoked(token.token_id)
            done += 1
    return done


def _told(who: str, erased: Erased, revoked: int) -> str:
    unrevoked = erased.revocations
    return (
        f"forgot {who}: {erased.connections} connection{'' if erased.connections == 1 else 's'} removed,"
        f" {revoked} grant{'' if revoked == 1 else 's'} revoked at Google"
        + (f", {unrevoked} removed without being revoked" if unrevoked else "")
        + "; the workers drop the person's row when they read the fact that was sent"
    )
