"""Wait for something to come true, and say what stood there instead."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 30.0
POLL_S = 0.05


def eventually(look: Callable[[], T], wanted: Callable[[T], bool], *, seconds: float = PATIENCE_S) -> T:
    """Look until it is as wanted; what was seen last where it never is."""
    deadline = time.monotonic() + seconds
    while not wanted(seen := look()) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return seen
