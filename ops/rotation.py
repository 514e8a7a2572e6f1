"""`vault rotate`: everything sealed under the newest key.

In: settings. Out: what was sealed anew, and how much. Not here: how anything is sealed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ops import vaults
from ops.console import say
from ops.teach import add
from schemas.errors import OperatorError
from streams.serve import run
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from vault import Rotated

_NAMED = 5


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(
        help="The keys that tokens, sessions and schedules are encrypted with.", rich_markup_mode="rich"
    )
    group.callback()(_vault)
    add(group, "rotate", rotate)
    app.add_typer(group, name="vault")


def _vault() -> None:
    """Keep the group a group: typer makes a lone verb the command itself."""


def rotate() -> None:
    """Encrypt everything sealed anew with the newest key, the first of SHIFTCAL_VAULT_KEYS: tokens, sessions, schedules.

    In four steps no user notices: (1) put the new key at the END of the list, everywhere, and restart: all can read it;
    (2) move it to the FRONT, everywhere, and restart: all write with it; (3) run this; (4) take the old key out once it
    says that nothing is left. Keep the old key for as long as you keep backups of the database that were made before.

    Workers and portals may go on meanwhile. It works in batches; after a crash run it again, it goes on where it was.

    Example: [bold]SHIFTCAL_VAULT_KEYS="$NEW,$OLD" shiftcal vault rotate[/bold]

    Reads: SHIFTCAL_VAULT_KEYS, SHIFTCAL_DATABASE_URL. Writes: the database, sealed.
    """
    done = run(_rotate(load_settings()))
    say(f"encrypted {done.resealed} secrets anew; {done.current} are under the newest key")
    if done.unreadable:
        named = ", ".join(done.unreadable[:_NAMED])
        more = f" and {len(done.unreadable) - _NAMED} more" if len(done.unreadable) > _NAMED else ""
        raise OperatorError(
            f"SHIFTCAL_VAULT_KEYS: {len(done.unreadable)} tokens fit none of the keys ({named}{more}): add the key that"
            " they were stored with to the end of the list, or let these users connect again"
        )
    if not done.complete:
        raise OperatorError(
            "SHIFTCAL_VAULT_KEYS: another process still stores tokens with an older key: give all of them the newest key"
            " as the first, restart them, and rotate again"
        )


async def _rotate(settings: Settings) -> Rotated:
    async with vaults.opened(settings) as vault:
        return await vault.rotate()
