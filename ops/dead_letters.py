"""`dead-letters list`, `show` and `redrive`.

In: the topic of dead letters. Out: what stands there, and letters sent back to where they came from. The topic itself
is never changed.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from ops.console import complain, say, say_json, say_table
from ops.teach import add
from schemas.errors import OperatorError
from streams import letterbox
from streams.letters import Letter, Number, hindrance, still_wrong
from streams.reach import names_of
from streams.serve import run
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADS = ("number", "when", "reason", "source", "error")
#: More than Kafka has partitions or offsets for.
_WIDEST = 19


def _number(text: str) -> Number:
    partition, colon, offset = text.partition(":")
    if not (
        colon and partition.isdecimal() and offset.isdecimal() and max(len(partition), len(offset)) < _WIDEST
    ):
        raise typer.BadParameter(
            "expected PARTITION:OFFSET, such as 3:17, as `shiftcal dead-letters list` shows it"
        )
    return Number(int(partition), int(offset))


Reason = Annotated[str | None, typer.Option(help="Only letters with this reason.", show_default=False)]
SourceTopic = Annotated[
    str | None,
    typer.Option(
        metavar="TOPIC", help="Only letters from this input topic, named without prefix.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for a script.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(
        help="Messages that could not be read: look at them, send them again.", rich_markup_mode="rich"
    )
    add(group, "list", list_)
    add(group, "show", show)
    add(group, "redrive", redrive)
    app.add_typer(group, name="dead-letters")


def list_(
    reason: Reason = None,
    source: SourceTopic = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 1_000,
    as_json: AsJson = False,
) -> None:
    """List the dead letters, oldest first: number, time, reason, where each came from, and what is wrong with it.

    Example: [bold]shiftcal dead-letters list --reason bad_change --source schedule-changed[/bold]

    Reads: the topic dead-letters. Writes: nothing. Payloads are not shown.
    """
    settings = load_settings()
    found = run(letterbox.newest(settings, _wanted(settings, reason, source), limit))
    if as_json:
        say_json([_described(each) for each in found])
    elif found:
        say_table(_HEADS, [_row(each) for each in found])
    else:
        say("there are no such letters")


def show(
    number: Annotated[
        Number,
        typer.Argument(
            parser=_number, metavar="PARTITION:OFFSET", help="The letter's number.", show_default=False
        ),
    ],
    payload: Annotated[
        bool,
        typer.Option("--payload", help="Print the payload alone, byte for byte, to correct it in a file."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter with its payload, which may hold somebody's schedule.

    Examples: [bold]shiftcal dead-letters show 3:17[/bold], [bold]shiftcal dead-letters show 3:17 --payload > fixed.json[/bold]

    Reads: the topic dead-letters. Writes: nothing.
    """
    found = run(letterbox.these(load_settings(), [number]))[0]
    if payload:
        sys.stdout.buffer.write(found.value or b"")
        sys.stdout.buffer.flush()
    elif as_json:
        say_json(_described(found) | _payload(found.value))
    else:
        say(f"number: {found.number}\nwhen: {found.at.isoformat()}\nkey: {_text(found.key)}")
        for name, value in found.headers.items():
            say(f"{name}: {value}")
        say(_pretty(found.value))


def redrive(
    numbers: Annotated[
        list[Number] | None,
        typer.Argument(
            parser=_number, metavar="PARTITION:OFFSET", help="The letters' numbers.", show_default=False
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every letter that --reason and --source leave.")
    ] = False,
    reason: Reason = None,
    source: SourceTopic = None,
    value: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A corrected payload, for one letter.", show_default=False),
    ] = None,
    only_readable: Annotated[
        bool, typer.Option("--only-readable", help="Leave out what would become a dead letter again.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")
    ] = False,
) -> None:
    """Send dead letters back to the topics they came from, after a fix of the software or of the payload.

    Each goes with its own key and a header redriven-from. The letters stay where they are; to send one twice is
    harmless. A letter whose value is null is left out, unless --value gives it a payload.

    Examples: [bold]shiftcal dead-letters redrive 3:17 --value fixed.json[/bold],
    [bold]shiftcal dead-letters redrive --all --reason from_the_future --only-readable[/bold]

    Reads: the topic dead-letters. Writes: the input topics that the letters came from.
    """
    if bool(numbers) == everything:
        raise typer.BadParameter("give either numbers, or --all")
    if not everything and (reason or source):
        raise typer.BadParameter("--reason and --source go with --all")
    if value is not None and len(numbers or ()) != 1:
        raise typer.BadParameter("--value goes with exactly one number")
    settings = load_settings()
    corrected = None if value is None else _file(value)
    wanted = _wanted(settings, reason, source)
    found = (
        run(letterbox.everything(settings, wanted))
        if everything
        else run(letterbox.these(settings, list(numbers or ())))
    )
    chosen, left = _chosen(settings, found, corrected, only_readable=only_readable)
    if not dry_run:
        run(letterbox.redrive(settings, chosen))
    counted = "one letter" if len(chosen) == 1 else f"{len(chosen)} letters"
    say(f"{'would redrive' if dry_run else 'redrove'} {counted}" + (f", left out {left}" if left else ""))
    if left and not everything:
        raise typer.Exit(1)


def _wanted(settings: Settings, reason: str | None, source: str | None) -> letterbox.Wanted:
    return letterbox.Wanted(reason, None if source is None else names_of(settings).topic(source))


def _chosen(
    settings: Settings, found: Iterable[Letter], corrected: bytes | None, *, only_readable: bool
) -> tuple[list[tuple[Letter, bytes]], int]:
    """What is to be sent, and how many letters are left out; says why, and what will come back."""
    names, chosen, left = names_of(settings), [], 0
    for each in found:
        payload = each.value if corrected is None else corrected
        if why := hindrance(each, payload, names):
            complain(f"{each.number} is left out: {why}")
            left += 1
            continue
        assert payload is not None  # noqa: S101  what `hindrance` says of a null
        wrong = still_wrong(each, payload, names)
        if wrong and only_readable:
            complain(f"{each.number} is left out: {wrong}")
            left += 1
            continue
        if wrong:
            complain(f"{each.number} will come back as a dead letter: {wrong}")
        chosen.append((each, payload))
    return chosen, left


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OperatorError(f"{path}: cannot be read: {error.strerror}") from error


def _row(found: Letter) -> tuple[str, ...]:
    return (str(found.number), f"{found.at:%Y-%m-%d %H:%M:%S}Z", found.reason, found.place, found.error)


def _described(found: Letter) -> dict[str, Any]:
    return {
        "number": str(found.number),
        "at": found.at,
        "reason": found.reason,
        "source": found.place,
        "error": found.error,
        "key": _text(found.key),
        "headers": found.headers,
    }


def _payload(value: bytes | None) -> dict[str, Any]:
    try:
        return {"value": None if value is None else value.decode()}
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(value or b"").decode()}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="backslashreplace")


def _pretty(value: bytes | None) -> str:
    try:
        return (
            "null"
            if value is None
            else orjson.dumps(orjson.loads(value), option=orjson.OPT_INDENT_2).decode()
        )
    except orjson.JSONDecodeError:
        return _text(value) or ""
