"""Documents name tests as proof: each of them is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"`(?:(tests/[\w/]+\.py))?::(\w+)`")


@pytest.mark.parametrize("document", ["docs/security.md", "docs/reliability.md"])
def test_every_test_that_is_named(document: str) -> None:
    """A name without its file belongs to the file that was named last."""
    file, seen = "", 0
    for found in NAMED.finditer((ROOT / document).read_text()):
        file, name, seen = found[1] or file, found[2], seen + 1
        assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE), (file, name)
    assert seen > 10
