"""How a verb joins the command: with its docstring as the help that teaches it.

In: a function. Out: a verb of a group. Every docstring says what the verb does, gives an example, and names what it
reads and writes.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import typer


def add(group: typer.Typer, name: str, verb: Callable[..., None]) -> None:
    """Add a verb."""
    group.command(name, help=taught(verb))(verb)


def taught(verb: Callable[..., None]) -> str:
    """The help of a verb. Its paragraphs are joined to one line each, so that they fit any terminal."""
    paragraphs = inspect.cleandoc(verb.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)
