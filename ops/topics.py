"""`topics create` and `topics check`; `topics raise-format` stands in `raising`.

In: settings. Out: topics that were missing, and what differs from what is needed. Not here: what is needed.
"""

from __future__ import annotations

from typing import Annotated

import typer

from ops.console import complain, say, say_json
from ops.raising import raise_format
from ops.teach import add
from streams import topics
from streams.kafka import reaching
from streams.reach import broker_of, names_of, shadow_names_of
from streams.serve import run
from streams.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(help="Create the topics, and check them.", rich_markup_mode="rich")
    add(group, "create", create)
    add(group, "check", check)
    add(group, "raise-format", raise_format)
    app.add_typer(group, name="topics")


_Shadow = Annotated[bool, typer.Option("--shadow", help="The topics of a shadow, see `worker --shadow`.")]


def create(shadow: _Shadow = False) -> None:
    """Create the topics that are missing; those that exist stay as they are.

    Input topics get unlimited retention, because all state can be rebuilt from them. Afterwards everything is checked
    as [bold]topics check[/bold] does.

    Example: [bold]SHIFTCAL_PARTITIONS=12 SHIFTCAL_REPLICATION=3 shiftcal topics create[/bold]

    Reads: SHIFTCAL_TOPIC_PREFIX, SHIFTCAL_APP_ID, SHIFTCAL_SHADOW_APP_ID, SHIFTCAL_PARTITIONS, SHIFTCAL_REPLICATION.
    Writes: topics.
    """
    settings = load_settings()
    run(_create(settings, shadow=shadow))
    if _told(run(_check(settings, shadow=shadow))):
        raise typer.Exit(1)


def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document for a script.")] = False,
    shadow: _Shadow = False,
) -> None:
    """Say what is missing, and what differs from what is needed.

    Exits 1 on an error, with which a worker would not start; a warning, such as less than unlimited retention of an
    input topic, is only said.

    Example: [bold]shiftcal topics check --json[/bold]

    Reads: the topics' partitions, configuration and first offsets. Writes: nothing.
    """
    found = run(_check(load_settings(), shadow=shadow))
    if as_json:
        wrong = any(each.severity is topics.Severity.ERROR for each in found)
        items = [{"severity": each.severity, "topic": each.topic, "what": each.what} for each in found]
        say_json({"ok": not wrong, "differences": items})
    else:
        wrong = _told(found)
        if not found:
            say("all topics are as they should be")
    if wrong:
        raise typer.Exit(1)


def _specs(settings: Settings, *, shadow: bool) -> tuple[topics.Spec, ...]:
    return (shadow_names_of(settings) if shadow else names_of(settings)).specs(settings.partitions)


async def _create(settings: Settings, *, shadow: bool) -> None:
    specs = _specs(settings, shadow=shadow)
    with reaching(settings):
        created = await topics.create(broker_of(settings), specs, settings.replication)
    partitions = {spec.name: spec.partitions for spec in specs}
    for name in created:
        say(f"created {name} ({partitions[name]} partitions)")
    if not created:
        say(f"nothing to create: all {len(specs)} topics exist")


async def _check(settings: Settings, *, shadow: bool) -> list[topics.Difference]:
    with reaching(settings):
        return await topics.check(broker_of(settings), _specs(settings, shadow=shadow))


def _told(found: list[topics.Difference]) -> bool:
    for difference in found:
        complain(str(difference))
    return any(difference.severity is topics.Severity.ERROR for difference in found)
