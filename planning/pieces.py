"""Cut a message with several changes, so that a letter can hold one of them in a copy of its envelope, byte for byte.

Comes in: the text of a `schedule-changed` that was read already. Goes out: `Pieces`. To write it anew would alter it: `1e999`
would become `Infinity`, which no JSON has, blanks and escapes would make it longer than topics take. Not here: what is
wrong with a change.
"""

from __future__ import annotations

import re
from json import JSONDecoder
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Numbers stay texts: Python makes none of more than 4,300 digits, and only their ends matter here.
_DECODER = JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_BLANK = re.compile(r"[ \t\n\r]*")


class Pieces(NamedTuple):
    """The text before the changes, each change, and the text after them."""

    before: str
    changes: tuple[str, ...]
    after: str

    @property
    def envelope(self) -> int:
        """Return how many characters a copy has beside its changes."""
        return len(self.before) + len(self.after)

    def copy(self, indexes: Iterable[int]) -> bytes:
        """Return the message with these changes alone, as it came."""
        return (self.before + ", ".join(self.changes[index] for index in indexes) + self.after).encode()


def cut(value: bytes, within: Sequence[str] = ()) -> Pieces:
    """Cut a message that is a JSON object with a list of changes; of several lists the last counts, as for every reader.

    `within` names the members that lead to the message where something stands around it.
    """
    text = value.decode()
    found = _skip(text, 0)
    for wanted in (*within, "changes"):
        found = [start for name, start, _ in _members(text, found) if name == wanted][-1]
    spans = list(_elements(text, found))
    changes = tuple(text[start:end] for start, end in spans)
    end = spans[-1][1] if spans else found + 1
    return Pieces(text[: found + 1], changes, text[_skip(text, end) :])


def _members(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """Walk over an object's members: name, start and end of the value."""
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield name, start, end
        at = _next(text, end)


def _elements(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Walk over a list's elements: start and end."""
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield at, end
        at = _next(text, end)


def _next(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return at if blank is None else blank.end()
