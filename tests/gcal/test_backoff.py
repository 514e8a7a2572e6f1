"""Waits double, jitter, and end at a minute, unless Google asks for more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gcal.backoff import LONGEST, delay

ATTEMPTS = st.integers(0, 10_000)
DICE = st.floats(0, 1, exclude_max=True)


@given(attempt=ATTEMPTS, random=DICE)
def test_a_wait_of_our_own(attempt: int, random: float) -> None:
    """It is 2^n seconds and up to one more, and never longer than the cap."""
    wait = delay(attempt, None, random)
    assert wait == (min(2.0**attempt + random, LONGEST) if attempt < 6 else LONGEST)


@given(attempt=ATTEMPTS, random=DICE, retry_after=st.floats(0, 3_600))
def test_a_wait_that_google_asks_for(attempt: int, random: float, retry_after: float) -> None:
    """It is never shorter than asked for, nor than our own."""
    wait = delay(attempt, retry_after, random)
    assert wait >= retry_after
    assert wait >= delay(attempt, None, random)
