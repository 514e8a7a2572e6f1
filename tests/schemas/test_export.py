"""The JSON Schemas in the documentation are those of the code."""

from __future__ import annotations

import json

import pytest

from schemas.export import FOLDER, documents


def test_every_file_is_up_to_date() -> None:
    """A changed shape comes with its document: `python -m schemas.export` writes them."""
    written = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert written == documents()


@pytest.mark.parametrize("topic", ["schedule-changed", "sync-commands", "user-deactivated"])
def test_unknown_fields(topic: str) -> None:
    """They are allowed, since they are ignored."""
    assert "additionalProperties" not in documents()[topic]


def test_what_is_required_of_a_shift() -> None:
    """A sender can read it off the document."""
    shift = json.loads(documents()["schedule-changed"])["$defs"]["Shift"]
    assert shift["required"] == ["shift_id", "version", "title", "start", "end"]
