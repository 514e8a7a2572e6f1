"""What the command says, and where: results on standard output, whatever is wrong on standard error.

In: texts and tables. Out: lines. Not here: what they say.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


def say(text: str) -> None:
    """Print a result."""
    print(text)


def complain(text: str) -> None:
    """Print what is wrong, as one line."""
    print(" ".join(text.split()), file=sys.stderr)


def say_json(value: Any) -> None:
    """Print a value for a script: one JSON document."""
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def say_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: as wide as the terminal, or as wide as it is where nobody looks."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=10_000, soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, on standard error; gives a function that is told how much is done by now."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
