"""Ids at Google are derived from ours, and from nothing else."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from planning.identity import GENERATIONS, event_id, generation_of, shift_key
from tests.planning.oracle import google_id

_ids = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/"), min_size=1, max_size=9)


@given(_ids, _ids, _ids, st.integers(0, GENERATIONS - 1))
def test_any_ids(agency: str, calendar: str, shift: str, n: int) -> None:
    """The id is the published formula, is one that Google takes, and its generation can be read back."""
    made = event_id(agency, calendar, shift, n)
    assert made == google_id(agency, calendar, shift, n)
    assert re.fullmatch(r"[a-v0-9]{5,1024}", made)
    assert generation_of(made, agency, calendar, shift) == n


def test_ids_that_run_together() -> None:
    """No two triples share an id, wherever the borders between their parts are."""
    assert event_id("a", "bc", "d") != event_id("ab", "c", "d") != event_id("a", "b", "cd")
    assert shift_key("a", "bc") != shift_key("ab", "c")


def test_an_id_of_another_shift() -> None:
    """A copy's id, or another shift's, is of no generation."""
    assert generation_of(event_id("a", "b", "2"), "a", "b", "1") is None
    assert generation_of("user0001", "a", "b", "1") is None


def test_the_first_generation() -> None:
    """It hashes the three ids alone, with no number."""
    assert event_id("a", "b", "c") == google_id("a", "b", "c") != event_id("a", "b", "c", 1)
