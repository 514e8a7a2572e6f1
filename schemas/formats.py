"""The format of table rows and internal messages: which ones this release knows, and which one this process writes.

Comes in: the format of the group, as `streams.agreement` found it. Goes out: `NEWEST`, and what a field needs that came
later. Not here: bytes (`streams.codec`). Formats are counted from 1; what may change within one, and what raises it, stands in
docs/upgrade.md.

A release that knows a new format still writes the one before, until an operator raises the group: workers of the release before
would not know it (https://cwiki.apache.org/confluence/display/KAFKA/KIP-584 calls that a finalized feature).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

#: The newest format that this release reads, and writes once the group is raised to it. All older ones are read for ever.
NEWEST: Final = 1

#: The oldest one that this release can still write; the group has to be there before this release is rolled out.
OLDEST_WRITTEN: Final = 1

# One group a process: whoever never learned its format writes what every worker understands that may be there.
_written = OLDEST_WRITTEN


def written() -> int:
    """Return the format that this process writes."""
    return _written


def write(number: int) -> None:
    """Write this format from now on."""
    global _written  # noqa: PLW0603 - a fact of the process, as `codec`'s compressor is
    if not OLDEST_WRITTEN <= number <= NEWEST:
        raise ValueError(f"this release writes formats {OLDEST_WRITTEN} to {NEWEST}, not {number}")
    _written = number


def since(number: int) -> Callable[[object], bool]:
    """For `Field(exclude_if=since(2))`: the field came with this format, and is left out of older ones."""
    return lambda _: _written < number
