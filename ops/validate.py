"""`validate` and `produce`: a file of messages, checked, and sent.

In: a JSONL file. Out: what is wrong with it, or its messages on the input topics. Not here: what makes a message good,
which is the worker's own judgement.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from aiokafka.errors import MessageSizeTooLargeError

from ops.console import say
from ops.homes import Homes
from ops.judge import NO_CLOCK, Finding, judge
from ops.lines import Lines, opened
from ops.report import JsonReport, TextReport
from ops.teach import add
from schemas.errors import OperatorError
from streams.kafka import Pipeline, sending
from streams.reach import names_of
from streams.serve import run
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable

File = Annotated[
    str, typer.Argument(metavar="FILE", help="A JSONL file; - for standard input.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for a script.")]


class Checked(NamedTuple):
    """What a file holds: messages by topic, bad lines."""

    topics: Counter[str]
    bad: int


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    add(app, "validate", validate)
    add(app, "produce", produce)


def validate(file: File, as_json: AsJson = False) -> None:
    """Check a file of messages, offline.

    Every line is read exactly as the worker would read it. Prints FILE:LINE, the field and what was expected for each
    bad line on standard error, warns of a shift that lives in two calendars, and exits 1 if any line is bad.

    Example: [bold]shiftcal validate december.jsonl[/bold], where each line is
    {"topic": "schedule-changed", "value": {"event_id": "e1", ...}}; topics are named without their prefix.

    Reads: FILE. Writes: nothing; needs no settings, no Kafka and no database.
    """
    with opened(file) as lines:
        report = JsonReport(lines.name) if as_json else TextReport(lines.name)
        checked = check(lines, NO_CLOCK, report)
        report.end(checked.topics, checked.bad)
    if checked.bad:
        raise typer.Exit(1)


def produce(file: File) -> None:
    """Check a file of messages as [bold]validate[/bold] does, then send it.

    All lines are checked first, also that no command is more than five minutes ahead of the clock: with one bad line,
    nothing is sent. Messages get the key agency/calendar or agency/user; the command ends when all are delivered.

    Example: [bold]shiftcal produce december.jsonl[/bold]

    Reads: FILE. Writes: the input topics, their prefix (SHIFTCAL_TOPIC_PREFIX) put in front.
    """
    with opened(file) as lines:
        settings = load_settings()
        checked = check(lines, datetime.now(UTC), TextReport(lines.name))
        if checked.bad:
            say(f"nothing was sent: {_lines(checked.bad)}")
            raise typer.Exit(1)
        run(_send(settings, lines, list(checked.topics)))
    shares = ", ".join(f"{topic} {count}" for topic, count in checked.topics.items())
    say(f"sent {checked.topics.total()} messages" + (f": {shares}" if shares else ""))


def check(lines: Lines, at: datetime, report: TextReport | JsonReport) -> Checked:
    """Read every line; tell what is wrong as it is met, what is doubtful at the end."""
    topics: Counter[str] = Counter()
    bad, homes = 0, Homes()
    for number, text in lines.each("checking"):
        entry = judge(number, text, at)
        if entry.findings:
            bad += 1
            for finding in entry.findings:
                report.bad(finding)
        else:
            topics[entry.topic] += 1
        homes.add(number, entry.reading)
    for number, doubt in sorted(homes.warnings()):
        report.doubtful(Finding(number, "two_calendars", doubt))
    return Checked(topics, bad)


async def _send(settings: Settings, lines: Lines, topics: list[str]) -> None:
    names = names_of(settings)
    # Compressed: a message of thousands of shifts is larger than what a topic takes by default, but only then.
    async with sending(settings, [names.topic(topic) for topic in topics], compression="gzip") as sender:
        pipeline = Pipeline()
        try:
            for number, text in lines.each("sending"):
                entry = judge(number, text, NO_CLOCK)
                delivery = await sender.send(names.topic(entry.topic), entry.key, entry.value)
                await pipeline.take(_named(delivery, f"{lines.name}:{number}"))
            await pipeline.flush()
        except BaseException:
            say(
                f"{pipeline.delivered} messages or more were delivered before the error; to send all again is harmless"
            )
            raise


async def _named(delivery: Awaitable[object], where: str) -> None:
    try:
        await delivery
    except MessageSizeTooLargeError as error:
        raise OperatorError(
            f"{where}: larger than the topic takes: split it, or raise the topic's max.message.bytes"
        ) from error


def _lines(count: int) -> str:
    return "one line is bad" if count == 1 else f"{count} lines are bad"
