"""Files of one JSON value a line, as long as they like.

In: a path, or `-` for standard input. Out: numbered lines, as often as asked for. Not here: what a line must hold.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from ops.console import progress
from schemas.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOM: Final = b"\xef\xbb\xbf"
_LARGE: Final = 4 * 1024 * 1024


class Lines:
    """An open file; what is read twice is the same bytes both times, even if the name points elsewhere by then."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name = name
        self._file = file
        self._size = file.seek(0, 2)

    def each(self, what: str) -> Iterator[tuple[int, bytes]]:
        """Number and bytes of every line that is not blank, with a bar for large files."""
        self._file.seek(0)
        done = 0
        with progress(f"{what} {self.name}", self._size if self._size > _LARGE else 0) as tell:
            for number, line in enumerate(self._file, start=1):
                done += len(line)
                if number % 512 == 0:
                    tell(done)
                text = line.removeprefix(_BOM) if number == 1 else line
                if text.strip():
                    yield number, text


@contextmanager
def opened(path: str) -> Iterator[Lines]:
    """Open a file; what comes through a pipe is kept in a temporary file, so that it can be read twice."""
    name = "standard input" if path == "-" else path
    try:
        # 0 and not a second open of /dev/stdin: that would need the right to open it.
        source = open(sys.stdin.fileno(), "rb", closefd=False) if path == "-" else Path(path).open("rb")  # noqa: SIM115
        with source:
            if source.seekable():
                yield Lines(name, source)
                return
            with tempfile.TemporaryFile() as copy:
                shutil.copyfileobj(source, copy)
                yield Lines(name, copy)
    except OSError as error:
        if error.filename is None or str(error.filename) != path:
            raise
        raise OperatorError(f"{name}: cannot be read: {error.strerror}") from error
