"""What the documents name: commands, settings, files, functions, targets of `make`.

In: the text of a Markdown file. Out: each thing that it names, as it stands there. Not here: whether such a thing exists.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^( *)```(\S*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_SHELLS = {"console", "sh"}
_SETTING = re.compile(r"SHIFTCAL_[A-Z][A-Z_]*\*?")
_ROOMS = "schemas|planning|gcal|vault|streams|portal|sandbox|ops|tests|bench|deploy|docs|\\.ci"
_FILE = re.compile(rf"(?:{_ROOMS})/[\w./-]*\w/?")
_NAMED = re.compile(rf"((?:{_ROOMS})/[\w/]+\.py)?::(\w+)")
#: Where one command ends in a line of a shell.
_ENDS = {"&&", "||", "|", "&", ";", "then"}


class Command(NamedTuple):
    """Words after `shiftcal`; `whole`: a line to be typed as it is, not a mention."""

    words: tuple[str, ...]
    whole: bool


def spans(text: str) -> list[str]:
    """Code in a sentence."""
    return _SPAN.findall(_FENCE.sub("", text))


def lines(text: str) -> Iterator[str]:
    """Lines that somebody types, without prompt and with those that continue them."""
    for _, kind, body in _FENCE.findall(text):
        if kind in _SHELLS:
            for line in body.replace("\\\n", " ").splitlines():
                if kind == "sh" or line.strip().startswith("$ "):
                    yield line.strip().removeprefix("$ ")


def commands(text: str, program: str) -> Iterator[Command]:
    """Every call of this program."""
    for source, whole in [*((span, False) for span in spans(text)), *((line, True) for line in lines(text))]:
        words = _words(source)
        for at, word in enumerate(words):
            # The first word, or one behind settings of its own, or one that begins another command.
            if word == program and all(
                "=" in before or before in _ENDS for before in words[max(0, at - 1) : at]
            ):
                rest = words[at + 1 :]
                end = next(
                    (n for n, each in enumerate(rest) if each in _ENDS or each.startswith(">")), len(rest)
                )
                yield Command(tuple(rest[:end]), whole)


def _words(source: str) -> list[str]:
    lexer = shlex.shlex(source, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:  # a part of a line, or Python: no command
        return []


def settings(text: str) -> set[str]:
    """Names of settings; one that ends with `*` or `_` stands for all that begin so."""
    return set(_SETTING.findall(text))


def files(text: str) -> set[str]:
    """Paths from the root of the repository, in code."""
    return {span for span in spans(text) if _FILE.fullmatch(span)}


def functions(text: str) -> Iterator[tuple[str, str]]:
    """`file::name`; a name without its file belongs to the file that was named last."""
    file = ""
    for span in spans(text):
        if re.fullmatch(r"[\w/]+\.py", span):
            file = span
        elif found := _NAMED.fullmatch(span):
            file = found[1] or file
            yield file, found[2]


def links(text: str) -> set[str]:
    """Where links and pictures of a Markdown or HTML kind lead, but for addresses."""
    bare = _SPAN.sub("", _FENCE.sub("", text))
    found = {*re.findall(r"\]\(([^)\s]+)\)", bare), *re.findall(r'src="([^"]+)"', bare)}
    return {one.partition("#")[0] for one in found if not re.match(r"\w+:|#", one)}
