"""The command itself, and the one place where errors become a line and an exit status.

In: the command line. Out: 0 on success, 1 on failure, 2 on wrong use. Not here: what verbs do.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated

import typer
from aiokafka.errors import KafkaError
from typer.main import get_command

from ops import (
    commands,
    connections,
    dead_letters,
    doctor,
    explain,
    forget,
    overview,
    plan,
    policies,
    portal,
    release,
    replay,
    rotation,
    secrets,
    shadow,
    topics,
    validate,
    workers,
)
from ops.console import complain, say
from schemas.errors import OperatorError
from streams.failures import kafka_line, port_line

if TYPE_CHECKING:
    from collections.abc import Sequence

# Tracebacks stay Python's own: prettier ones print local variables, among them tokens and schedules.
app = typer.Typer(
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verbs in (
    workers,
    portal,
    topics,
    validate,
    policies,
    connections,
    commands,
    overview,
    explain,
    plan,
    shadow,
    release,
    replay,
    dead_letters,
    forget,
    rotation,
    secrets,
    doctor,
):
    verbs.register(app)


def _version(*, asked: bool) -> None:
    if asked:
        try:
            say(version("shiftcal"))
        except PackageNotFoundError:  # run from a checkout
            say("unknown: shiftcal is not installed")
        raise typer.Exit


@app.callback()
def shiftcal(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version.",
            callback=lambda asked: _version(asked=asked),
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Keep every user's Google Calendar in step with the published shift schedule.

    Settings come from the environment (SHIFTCAL_...) and from a .env file. Topics are named without their prefix.
    Every command exits 0 on success, 1 on failure and 2 on wrong use, and says what is wrong on standard error.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit."""
    # What we write holds schedules and addresses: it is nobody else's to read. Whoever is of the group may be let in.
    os.umask(os.umask(0o077) | 0o007)
    sys.exit(status(sys.argv[1:] if arguments is None else arguments))


def status(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status; a bug of ours leaves with its traceback."""
    try:
        ended = get_command(app).main(
            list(arguments) or ["--help"], prog_name="shiftcal", standalone_mode=False
        )
    except typer.TyperException as wrong:
        return _wrong_use(wrong)
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except (OperatorError, KafkaError, OSError) as error:
        if (line := _line(error)) is None:
            raise
        complain(f"shiftcal: {line}")
        return 1
    return ended if isinstance(ended, int) else 0


def _line(error: Exception) -> str | None:
    match error:
        case OperatorError():
            return str(error)
        case KafkaError():
            return kafka_line(error, "the address given")
        case OSError():
            return port_line(error)
        case _:
            return None


def _wrong_use(wrong: typer.TyperException) -> int:
    context = getattr(wrong, "ctx", None)
    command = context.command_path if context else "shiftcal"
    said = " ".join(wrong.format_message().split()).rstrip(".")
    complain(f"{command}: {said}; `{command} --help` says more")
    return 2


if __name__ == "__main__":
    main()
