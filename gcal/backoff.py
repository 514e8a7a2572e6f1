"""How long to wait before the next try: truncated exponential back-off with jitter, as Google asks for.

Comes in: how often it failed, what Google asked for, a random number. Goes out: seconds. Not here: the clock, the
dice, the waiting. https://developers.google.com/workspace/calendar/api/guides/quota#exponential
"""

from __future__ import annotations

#: Seconds that no wait exceeds unless Google itself asks for more.
LONGEST = 64.0


def delay(attempt: int, retry_after: float | None, random: float) -> float:
    """Return the seconds to wait after failure number `attempt` (from 0); `random` lies between 0 and 1."""
    # The exponent is bounded, since 2.0 ** 1024 overflows after a very long outage.
    backed_off = min(2.0 ** min(max(attempt, 0), 10) + random, LONGEST)
    # What Google asked for is a least wait; the jitter keeps those who were told the same from coming together.
    return backed_off if retry_after is None else max(backed_off, retry_after + random)
