"""`explain`: why a shift is on a user's calendar, or is not.

In: an agency, a user, a shift. Out: sentences, each with the message behind it. Not here: what follows from what
(`planning.explain`), and where it is read (`streams.evidence`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from ops.commands import Named, named
from ops.console import complain, say, say_json
from ops.teach import add
from planning.explain import explain as explained
from streams import evidence
from streams.lookup import looking
from streams.policies import load_policies
from streams.reach import names_of
from streams.serve import run
from streams.settings import load_settings

if TYPE_CHECKING:
    from datetime import date

    from schemas.explanations import Explanation, Message
    from schemas.facts import Wish
    from streams.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "explain", explain)


def explain(
    agency: Annotated[
        Named, typer.Argument(parser=named, metavar="AGENCY", help="The agency's id.", show_default=False)
    ],
    user: Annotated[
        Named, typer.Argument(parser=named, metavar="USER", help="The user's id.", show_default=False)
    ],
    shift: Annotated[
        Named, typer.Argument(parser=named, metavar="SHIFT", help="The shift's id.", show_default=False)
    ],
    calendar: Annotated[
        Named | None,
        typer.Option(
            parser=named,
            metavar="CALENDAR",
            help="The shift of this calendar; none: whichever knows it.",
            show_default=False,
        ),
    ] = None,
    search: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="How long to look for the messages behind the reasons."),
    ] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document for a script.")] = False,
) -> None:
    """Say why a shift is on a user's calendar, or is not, with the message behind each reason.

    The answer is what the workers know: it follows from the changelogs of their tables, whether or not a worker runs.
    Messages that no worker has read yet, and dead letters that name the shift, are told as well. The shift's title and
    times are shown, to whoever may ask about this user.

    Examples: [bold]shiftcal explain metro-ems u-17 48213[/bold],
    [bold]shiftcal explain metro-ems u-17 48213 --calendar ops-2026-12 --json[/bold]

    Reads: the changelogs of the tables, the input and internal topics, sync-results, dead-letters, SHIFTCAL_POLICIES.
    Writes: nothing.
    """
    settings = load_settings()
    asked = evidence.Question(agency, user, shift, calendar)
    found, cut = run(_explained(settings, asked, search))
    if as_json:
        say_json({"complete": not cut, "answers": [one.model_dump(mode="json") for one in found]})
    else:
        say("\n\n".join("\n".join(_lines(one)) for one in found))
    if cut:
        complain(f"not every message was found within {search:g} s: --search SECONDS looks for longer")


async def _explained(
    settings: Settings, asked: evidence.Question, seconds: float
) -> tuple[list[Explanation], bool]:
    names, policies = names_of(settings), load_policies(settings.policies)
    async with looking(settings, evidence.topics(names)) as lookup:
        gathered = await evidence.gather(lookup, names, asked, seconds)
    policy, now = policies.of(asked.agency_id), datetime.now(UTC)
    return [explained(known, policy, now) for known in gathered.evidence], gathered.cut


def _lines(found: Explanation) -> list[str]:
    lines = [found.sentence]
    if found.wish is not None:
        lines.append(f"  {found.wish.title}: {_when(found.wish)}")
    for reason in found.reasons:
        lines.append(f"- {reason.sentence}")
        if reason.message is not None:
            lines.append(f"    {place(reason.message)}")
    return lines


def place(message: Message) -> str:
    """Spell where a message stands."""
    parts = [f"{message.topic}, partition {message.partition}, offset {message.offset}"]
    if message.version is not None:
        parts.append(f"version {message.version}")
    if message.occurred_at is not None:
        parts.append(f"occurred at {message.occurred_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    return ", ".join(parts)


def _when(wish: Wish) -> str:
    zone = f" {wish.time_zone}" if wish.time_zone else ""
    return f"{_local(wish.start, wish.time_zone)} to {_local(wish.end, wish.time_zone)}{zone}"


def _local(moment: date, zone: str | None) -> str:
    if isinstance(moment, datetime):
        return f"{moment.astimezone(ZoneInfo(zone or 'UTC')):%Y-%m-%d %H:%M}"
    return moment.isoformat()
