"""`policies check` and `policies preview`: what a file of policies says, before a worker reads it.

In: a TOML file, and shifts made up or out of a file of messages. Out: what is wrong with it, or the events that Google
would get. Not here: what a policy means; rendering is the worker's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ops import preview as text
from ops.commands import Named, named
from ops.console import complain, say
from ops.judge import NO_CLOCK, judge
from ops.lines import opened
from ops.teach import add
from schemas.errors import OperatorError
from schemas.facts import ShiftsChanged
from schemas.messages import Shift, Upsert
from streams.policies import PolicyError, load_policies
from streams.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.lines import Lines
    from schemas.policy import Policies

File = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE", help="A TOML file; without it that of SHIFTCAL_POLICIES.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(help="Check agencies' policies, and see what they make of a shift.")
    add(group, "check", check)
    add(group, "preview", preview)
    app.add_typer(group, name="policies")


def check(file: File = None) -> None:
    """Check a file of policies, as a worker does at its start.

    Prints FILE:LINE, the table, the key and what was expected for everything that is wrong, on standard error, and exits 1.
    Templates are tried on an ordinary shift.

    Example: [bold]shiftcal policies check policies.toml[/bold]

    Reads: FILE; SHIFTCAL_POLICIES where none is named. Writes: nothing; needs no Kafka and no database.
    """
    path = _named(file)
    try:
        policies = load_policies(path)
    except PolicyError as wrong:
        for fault in wrong.faults:
            complain(fault)
        raise typer.Exit(1) from None
    agencies = ", ".join(sorted(policies.agencies)) or "no agency of its own"
    say(f"{path}: good: [default] and {agencies}")


def preview(
    agency: Annotated[
        Named, typer.Option(parser=named, metavar="AGENCY", help="The agency's id.", show_default=False)
    ],
    file: File = None,
    event: Annotated[
        str | None,
        typer.Option(
            metavar="EVENTS",
            help="A JSONL file as for validate, whose shifts are shown; - for standard input.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show the events that Google would get under an agency's policy.

    Without a file of events two made-up shifts of each kind are shown, one with times and one of a whole day. With one,
    the shifts of its schedule-changed messages of this agency, each as if its calendar were published.

    Examples: [bold]shiftcal policies preview policies.toml --agency metro-ems[/bold],
    [bold]shiftcal policies preview --agency metro-ems --event december.jsonl[/bold]

    Reads: FILE, EVENTS; SHIFTCAL_POLICIES where no FILE is named. Writes: nothing; needs no Kafka and no database.
    """
    policies = load_policies(_named(file))
    policy = policies.of(agency)
    say(text.heading(agency, policy, own=agency in policies.agencies))
    if event is None:
        shifts = list(_made_up(agency, policies))
    else:
        with opened(event) as lines:
            shifts = list(_read(lines, agency))
        if not shifts:
            raise OperatorError(
                f"{event}: no schedule-changed message of {agency} with a shift in it: check --agency, and the file"
            )
    for each in shifts:
        say("")
        say(text.shift(agency, each.calendar_id, each.shift, policy))


class _Found(NamedTuple):
    calendar_id: str
    shift: Shift


def _named(file: Path | None) -> Path:
    if file is not None:
        return file
    if (path := load_settings().policies) is None:
        raise typer.BadParameter("expected a FILE, since SHIFTCAL_POLICIES is not set")
    return path


def _made_up(agency: str, policies: Policies) -> Iterator[_Found]:
    timed: dict[str, Any] = {
        "start": "2026-12-02T07:00:00-05:00",
        "end": "2026-12-02T19:00:00-05:00",
        "time_zone": "America/New_York",
        "location": "Station 4",
        "notes": "Bring the new radio",
    }
    whole_day = {"start": "2026-12-24", "end": "2026-12-25"}
    for kind in sorted(policies.of(agency).synced_kinds):
        common = {"version": 1, "user_id": "u-17", "kind": kind}
        yield _Found(
            "ops-2026-12",
            Shift.model_validate(common | timed | {"shift_id": "48213", "title": "Medic 12 Day"}),
        )
        yield _Found(
            "ops-2026-12",
            Shift.model_validate(common | whole_day | {"shift_id": "48214", "title": "On call"}),
        )


def _read(lines: Lines, agency: str) -> Iterator[_Found]:
    for number, line in lines.each("reading"):
        entry = judge(number, line, NO_CLOCK)
        if entry.findings:
            finding = entry.findings[0]
            raise OperatorError(f"{lines.name}:{finding.line}: {finding.error}")
        for fact in entry.reading.calendar_facts:
            if isinstance(fact, ShiftsChanged) and fact.agency_id == agency:
                for change in fact.changes:
                    if isinstance(change, Upsert):
                        yield _Found(fact.calendar_id, change.shift)
