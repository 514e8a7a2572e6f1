"""`doctor`: what an operator would look at first, looked at.

In: settings. Out: a line for each check: ok, or what to do. Not here: the checks.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ops import checks_beyond, checks_here, checks_kafka
from ops.console import complain, say_json, say_table
from ops.findings import Finding, carried_out, skipped
from ops.teach import add
from streams.serve import run
from streams.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from streams.settings import Settings

_KAFKA = (
    ("topics", checks_kafka.topics_as_needed),
    ("state", checks_kafka.state),
    ("group", checks_kafka.group),
    ("clock: Kafka", checks_kafka.clock),
)
_NEED_TOPICS = ("state", "group", "clock: Kafka")
_ALL = (
    "policies",
    "state directory",
    "kafka",
    *(name for name, _ in _KAFKA),
    "database",
    "keys",
    "google client",
    "google api",
    "clock: Google",
)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    add(app, "doctor", doctor)


def doctor(
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How long each check may take.")
    ] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document for a script.")] = False,
) -> None:
    """Check everything a worker needs, and say of each thing that it is well, or what to do.

    Settings and policies, the state directory, Kafka, its topics and the workers' group, the database and the keys, Google
    and the client, and the clock. Each check ends in its time, whatever a host does. Exits 1 if any has failed; a warning is
    only said. No grant of a user is used: Google is shown one that nobody gave.

    Examples: [bold]shiftcal doctor[/bold], [bold]shiftcal doctor --timeout 3 --json[/bold]

    Reads: settings, SHIFTCAL_POLICIES, SHIFTCAL_STATE_DIR, Kafka, SHIFTCAL_DATABASE_URL, Google. Writes: nothing.
    """
    found = _found(timeout)
    counts = Counter(one.outcome for one in found)
    if as_json:
        say_json({"ok": not counts["failed"], "checks": [one._asdict() for one in found]})
    else:
        say_table(("check", "", "what was found", "what to do"), [tuple(one) for one in found])
    if counts["failed"]:
        complain(f"shiftcal doctor: {counts['failed']} of {len(found)} checks failed")
        raise typer.Exit(1)


def _found(timeout: float) -> list[Finding]:
    try:
        settings = load_settings()
    except SettingsError as error:
        return [Finding("settings", "failed", str(error)), *skipped(_ALL, "the settings are needed for it")]
    return [Finding("settings", "ok", "every setting can be read"), *run(_checked(settings, timeout))]


async def _checked(settings: Settings, timeout: float) -> list[Finding]:
    beyond = {
        "database": partial(checks_beyond.database, settings, timeout),
        "google client": partial(checks_beyond.google, settings, timeout),
        "google api": partial(checks_beyond.google_api, settings, timeout),
    }
    parts = await asyncio.gather(
        carried_out("policies", partial(checks_here.policies, settings), timeout),
        carried_out("state directory", partial(checks_here.state_directory, settings), timeout),
        _kafka(settings, timeout),
        *(carried_out(name, check, timeout) for name, check in beyond.items()),
    )
    found = [finding for part in parts for finding in part]
    unknown = [name for name in _ALL if name not in {one.check for one in found}]
    return found + skipped(unknown, "what it asks was not reached")


async def _kafka(settings: Settings, timeout: float) -> list[Finding]:
    """Check Kafka in order: what needs the one before is not tried without it."""
    found = await carried_out("kafka", partial(checks_kafka.kafka, settings), timeout)
    if _failed(found):
        return found + skipped([name for name, _ in _KAFKA], "Kafka is not reached")
    for name, check in _KAFKA:
        if name in _NEED_TOPICS and any(one.check == "topics" and one.outcome == "failed" for one in found):
            found += skipped([name], "the topics are needed for it")
        else:
            found += await carried_out(name, partial(check, settings), timeout)
    return found


def _failed(found: list[Finding]) -> bool:
    return any(one.outcome == "failed" for one in found)
