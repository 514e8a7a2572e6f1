"""How long the page says what was done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.said import say, still_said
from portal.standing import Mode, Standing

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "mode", "is_said"),
    [
        ("connected", "starting", True),
        ("connected", "in_sync", True),
        ("connected", "needs_reauthorization", False),
        ("connected", "stopped", False),
        ("connected_but", "deactivated", False),
        ("stop", "stopping", True),
        ("stop_purge", "stopped", True),
        ("stop", "in_sync", False),
        ("denied", "not_connected", True),
        ("partial", "needs_reauthorization", True),
    ],
)
def test_a_word_and_how_it_stands(said: str, mode: Mode, is_said: bool) -> None:  # noqa: FBT001 - a parameter
    """Nobody is told that all is well while it is not, nor that it was stopped while it runs."""
    seen = still_said(say(NOW, said, {"account": "a@b.example"}), Standing(mode), NOW)
    assert (seen is not None) == is_said
    assert seen is None or (seen["said"], seen["account"]) == (said, "a@b.example")


def test_somebody_who_comes_back_later() -> None:
    """How it stands is told, not what was done."""
    kept = say(NOW, "denied")
    assert still_said(kept, Standing("not_connected"), NOW + timedelta(minutes=9)) is not None
    assert still_said(kept, Standing("not_connected"), NOW + timedelta(minutes=11)) is None


def test_a_cool_down_that_goes_by() -> None:
    """The seconds are those that are left; when none is, nothing is said."""
    kept = say(NOW, "cooldown", {"seconds": 42})
    later = [still_said(kept, Standing("in_sync"), NOW + timedelta(seconds=s)) for s in (0, 12.5, 42)]
    assert [one and one["seconds"] for one in later] == [42, 30, None]


def test_nothing_was_done() -> None:
    """Nothing is said."""
    assert still_said(None, Standing("in_sync"), NOW) is None
