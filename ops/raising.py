"""`topics raise-format`: the last step of an upgrade that brings a new format of rows and messages.

In: settings. Out: the group's format, raised once all its workers know the new one. Not here: what a format is.
"""

from __future__ import annotations

from typing import Annotated

import typer

from ops.console import say
from schemas import formats
from schemas.errors import OperatorError
from streams import agreement, owners
from streams.cluster import Cluster
from streams.kafka import reaching
from streams.reach import broker_of, names_of
from streams.sender import Sender
from streams.serve import run
from streams.settings import Settings, load_settings


def raise_format(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only say where the group is.")] = False,
) -> None:
    """Let workers write rows and messages in the newest format that this release knows.

    Run it once all workers, portals and commands are of this release: those of the release before cannot read what is
    written from then on, and stop. It is refused while a worker runs that does not know the format. Workers begin at their next
    start or rebalance. There is no way back but a new SHIFTCAL_APP_ID.

    Example: [bold]shiftcal topics raise-format --check[/bold]

    Reads: SHIFTCAL_APP_ID-rebuild, where workers say what they are. Writes: a record to SHIFTCAL_APP_ID-rebuild.
    """
    settings = load_settings()
    agreed = run(_look(settings))
    if agreed.number == formats.NEWEST:
        say(f"rows and messages are written in format {agreed.number}, the newest that this release knows")
        return
    say(f"rows and messages are written in format {agreed.number}, and this release knows {formats.NEWEST}")
    if check:
        return
    if not yes:
        typer.confirm(
            f"raise them to format {formats.NEWEST}? No release before this one can read it", abort=True
        )
    run(_raise(settings))
    say(f"raised to format {formats.NEWEST}: workers write it from their next start or rebalance on")


async def _look(settings: Settings) -> agreement.Agreed:
    with reaching(settings):
        async with Cluster(broker_of(settings)) as cluster:
            return agreement.heed(await agreement.read(cluster, names_of(settings)))


async def _raise(settings: Settings) -> None:
    names = names_of(settings)
    with reaching(settings):
        async with Cluster(broker_of(settings)) as cluster:
            old = owners.behind(await agreement.read(cluster, names), formats.NEWEST)
        if old:
            raise OperatorError(
                f"{len(old)} workers of group {names.app_id} do not know format {formats.NEWEST} (release"
                f" {', '.join(sorted(set(old)))}): replace them by this release first"
            )
        sender = Sender(broker_of(settings))
        await sender.start()
        try:
            await agreement.announce(sender, names)
        finally:
            await sender.stop()
