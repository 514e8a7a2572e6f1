"""On which line of a file a value begins."""

from __future__ import annotations

import pytest

from streams.toml_lines import line_of

FILE = """\
# A comment with a = 1

[default]
one = 1
several = [
  "a",
  # two = 2
  "b",
]
text = \"\"\"
[agency.x]
one = 1
\"\"\"
inner = {a = 1, b = {c = 2}}

[agency."metro-ems"]  # again
one = 1
[agency.x]
"""


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (["default"], 3),
        (["default", "one"], 4),
        (["default", "several"], 5),
        (["default", "text"], 10),
        (["default", "inner", "b", "c"], 14),
        (["default", "inner", "z"], 14),
        (["default", "absent"], 3),
        (["agency", "metro-ems", "one"], 17),
        (["agency", "x", "one"], 18),
        (["agency", "x"], 18),
        (["agency"], 16),
        (["absent"], 1),
        (["default", "one", "deeper"], 4),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_value(names: list[str], line: int, ends: str) -> None:
    """That of its first character's line, or of what should hold it."""
    assert line_of(FILE.replace("\n", ends), names) == line
