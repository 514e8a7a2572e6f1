"""Documents name tests as proof: each of them is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from schemas.explanations import Code
from schemas.policy import Policy
from schemas.preferences import COLOUR_IDS
from streams.policies import load_policies

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


def test_every_policy(tmp_path: Path) -> None:
    """Each is told, with every colour; the example is a good file."""
    text = (ROOT / "docs" / "policies.md").read_text()
    assert all(f"`{name}`" in text for name in (*Policy.model_fields, *COLOUR_IDS))
    file = tmp_path / "policies.toml"
    file.write_text(text.partition("```toml\n")[2].partition("```")[0])
    assert set(load_policies(file).agencies) == {"metro-ems", "county"}


@pytest.mark.parametrize("code", get_args(Code))
def test_every_reason_of_an_explanation(code: str) -> None:
    """The page for operators says what each means."""
    rows = [line for line in (ROOT / "docs/answers.md").read_text().splitlines() if line.startswith("| `")]
    assert any(f"`{code}`" in row for row in rows)
