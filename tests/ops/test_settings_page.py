"""The page of settings is that of the models."""

from __future__ import annotations

import pytest

from ops.settings_page import PAGE, page
from schemas.policy import Policy
from streams.settings import Settings


def test_the_page_is_up_to_date() -> None:
    """A changed setting comes with its page: `python -m ops.settings_page` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_setting_and_every_policy() -> None:
    """Each has its row, with a default, what it takes, and a sentence."""
    rows = [line.strip("|").split("|") for line in page().splitlines() if line.startswith("| `")]
    told = [row[0].strip(" `") for row in rows]
    assert told == [*map(str.upper, Settings.model_fields), *Policy.model_fields]
    assert all(len(row) == 4 and all(cell.strip() for cell in row) for row in rows)


@pytest.mark.parametrize(
    ("name", "default", "takes"),
    [
        ("APP_ID", "`shiftcal`", "as `TOPIC_PREFIX`, not empty"),
        ("VAULT_KEYS", "none", "secret: Fernet keys, comma-separated"),
        ("HTTP_PORT", "`0`", "whole number, 0 or more, at most 65535"),
        ("SESSION_TIMEOUT_S", "`10`", "number, above 0"),
        ("POLICIES", "none", "file"),
        ("STATE_DIR", "`.state`", "directory"),
        ("PORTAL_PUBLIC_URL", "none", "URL"),
        ("NOTIFY_KEY", "none", "secret"),
        ("STORE", "`rocksdb`", "`rocksdb`, `memory`"),
        ("synced_kinds", '`["shift"]`', "list of text"),
        ("hold_removals_over", "none", "`{share = …, count = …}`"),
        ("show_as", "none", "`busy`, `free`"),
    ],
)
def test_a_row(name: str, default: str, takes: str) -> None:
    """Whatever a type allows is said in words."""
    assert f"| `{name}` | {default} | {takes} | " in page()
