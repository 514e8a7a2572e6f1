"""`resync` and `disconnect`: commands to the workers from the shell.

In: an agency and users. Out: messages on `sync-commands`, with the time of now. Not here: what they do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import orjson
import typer
from pydantic import TypeAdapter, ValidationError

from ops import vaults
from ops.console import say
from ops.teach import add
from schemas.base import Id
from schemas.errors import OperatorError
from streams.codec import key
from streams.kafka import Pipeline, sending
from streams.reach import names_of
from streams.serve import run
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

_ID: TypeAdapter[str] = TypeAdapter(Id)


class Named(str):
    """An id as it stands in messages."""

    __slots__ = ()


def named(text: str) -> Named:
    """Parse an id of the command line."""
    try:
        return Named(_ID.validate_python(text))
    except ValidationError:
        raise typer.BadParameter(
            "expected 1 to 200 characters, without slashes and control characters"
        ) from None


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    add(app, "resync", resync)
    add(app, "disconnect", disconnect)


def resync(
    agency: Annotated[
        Named, typer.Argument(parser=named, metavar="AGENCY", help="The agency's id.", show_default=False)
    ],
    users: Annotated[
        list[Named] | None,
        typer.Argument(
            parser=named,
            metavar="USER",
            help="Users' ids; none: all who are connected.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Have users' Google calendars looked at, and every difference repaired.

    Without users: everybody of the agency who is connected. Within SHIFTCAL_RESYNC_COOLDOWN_S of the one before, a
    user's resync is refused; sync-status says so.

    Examples: [bold]shiftcal resync metro-ems u-17 u-18[/bold], [bold]shiftcal resync metro-ems[/bold]

    Reads: SHIFTCAL_DATABASE_URL, where no user is named. Writes: a resync command per user to the topic sync-commands.
    """
    run(_resync(load_settings(), agency, list(users or ())))


def disconnect(
    agency: Annotated[
        Named, typer.Argument(parser=named, metavar="AGENCY", help="The agency's id.", show_default=False)
    ],
    user: Annotated[
        Named, typer.Argument(parser=named, metavar="USER", help="The user's id.", show_default=False)
    ],
    purge: Annotated[bool, typer.Option("--purge", help="Remove our events first, but for history.")] = False,
) -> None:
    """Stop syncing a user; the token is erased, and revoked at Google.

    The events stay, unless [bold]--purge[/bold] asks for their removal first.

    Example: [bold]shiftcal disconnect metro-ems u-17 --purge[/bold]

    Reads: nothing. Writes: a disconnect command to the topic sync-commands; a running worker does the rest.
    """
    command: dict[str, object] = {"command": "disconnect"} | ({"purge": True} if purge else {})
    run(send(load_settings(), [(agency, user)], command))
    say(
        f"asked for the disconnect of {agency}/{user}" + (", its events to be removed first" if purge else "")
    )


async def send(settings: Settings, users: Iterable[tuple[str, str]], command: dict[str, object]) -> int:
    """Send a command of now to each (agency, user); how many."""
    topic = names_of(settings).topic("sync-commands")
    async with sending(settings, [topic]) as sender:
        pipeline = Pipeline()
        for agency, user in users:
            await pipeline.take(await sender.send(topic, key(agency, user), message(agency, user, command)))
        await pipeline.flush()
        return pipeline.delivered


def message(agency: str, user: str, command: dict[str, object]) -> bytes:
    """One command of now."""
    envelope: dict[str, object] = {
        "event_id": str(uuid4()),
        "occurred_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "agency_id": agency,
        "user_id": user,
        "schema_version": 1,
    }
    return orjson.dumps(envelope | command)


async def _resync(settings: Settings, agency: str, users: list[Named]) -> None:
    chosen: list[str] = list(dict.fromkeys(users)) or await _connected(settings, agency)
    count = await send(settings, [(agency, user) for user in chosen], {"command": "resync"})
    say(f"asked for {count} {'resync' if count == 1 else 'resyncs'} in {agency}")


async def _connected(settings: Settings, agency: str) -> list[str]:
    async with vaults.opened(settings) as vault:
        users = [info.user_id for info in await vault.connections(agency) if info.state == "live"]
    if not users:
        raise OperatorError(
            f"nobody of agency {agency} is connected: check its id with `shiftcal connections list`"
        )
    return users
