"""Where something stands in a TOML file: the standard library's reader tells values, and no lines.

In: the text of a file that can be read, and the names that lead to a value. Out: the line on which it begins. Not here:
what is wrong with it.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def line_of(text: str, names: Sequence[object]) -> int:
    """Return the line of the value, or of the innermost one on the way to it that there is."""
    lines = text.replace("\r\n", "\n").split("\n")  # as the reader does
    there = names[: _depth(_read(lines, len(lines))[1], names)]
    if not there:
        return 1
    # What is read of a growing part of the file only grows: the first part that holds the value ends with it.
    ends = bisect_left(range(len(lines) + 1), len(there), key=lambda n: _depth(_read(lines, n)[1], there))
    return _read(lines, ends - 1)[0] + 1


def _read(lines: Sequence[str], upto: int) -> tuple[int, dict[str, Any]]:
    """Return the longest part of the first lines that can be read, a value over several lines being left out, and it."""
    for count in range(upto, 0, -1):
        try:
            return count, tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
    return 0, {}


def _depth(value: Any, names: Sequence[object]) -> int:
    """Return how many of the names lead to something."""
    for depth, name in enumerate(names):
        if not isinstance(value, dict) or name not in value:
            return depth
        value = value[name]
    return len(names)
