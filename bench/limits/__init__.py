"""What nobody can beat with these parts: the same bytes through the bare libraries, nothing decided, nothing kept.

Comes in: what the product was given in the same scenario. Goes out: rates. Not here: the quota's bound, which is arithmetic
(`quota_bound`).
"""

from __future__ import annotations


def quota_bound(writes: int, per_minute: int, minute: float = 60.0) -> float:
    """Return the seconds below which so many writes cannot be: a tenth of each window is kept, and windows slide."""
    usable = per_minute - -(-per_minute // 10)
    return minute * ((writes - 1) // usable)
