"""`release`: an operator lets removals go on that are held.

In: an agency and a calendar or a user. Out: a fact on an internal topic, to the agent that owns the calendar or the user.
Not here: what is held, and why.
"""

from __future__ import annotations

from typing import Annotated

import typer

from ops.commands import Named, named
from ops.console import say
from ops.teach import add
from streams.releasing import release_calendar, release_user
from streams.serve import run
from streams.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "release", release)


def release(
    agency: Annotated[
        Named, typer.Argument(parser=named, metavar="AGENCY", help="The agency's id.", show_default=False)
    ],
    calendar: Annotated[
        Named | None,
        typer.Option(
            parser=named,
            metavar="CALENDAR",
            help="Release everybody from its un-publish.",
            show_default=False,
        ),
    ] = None,
    user: Annotated[
        Named | None,
        typer.Option(
            parser=named, metavar="USER", help="Release whatever of this user is held.", show_default=False
        ),
    ] = None,
) -> None:
    """Let removals go on that are held, of a calendar or of a user.

    Held is an un-publish or a roll-back beyond the limits of the policy hold_removals_over, and a user whose calendar has
    events of ours though no shift of theirs was ever received; sync-status says so. Only what is held now is released: a
    later un-publish is held anew. Publishing the calendar again releases nothing and removes nothing.

    Examples: [bold]shiftcal release metro-ems --calendar ops-2026-12[/bold],
    [bold]shiftcal release metro-ems --user u-17[/bold]

    Reads: nothing. Writes: a fact to the topic SHIFTCAL_APP_ID-calendar-facts or SHIFTCAL_APP_ID-user-facts; a running
    worker does the rest.
    """
    if (calendar is None) == (user is None):
        raise typer.BadParameter("expected either --calendar or --user")
    settings = load_settings()
    if calendar is not None:
        run(release_calendar(settings, agency, calendar))
        say(f"asked for the release of everybody from the un-publish of {agency}/{calendar}")
    elif user is not None:
        run(release_user(settings, agency, user))
        say(f"asked for the release of what is held of {agency}/{user}")
