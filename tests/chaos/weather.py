"""Google on a bad day: the faults that strike calls while a story is told.

In: a stand-in, dice. Out: faults, set and lifted. Not here: machines that fail.
"""

from __future__ import annotations

import random

from tests.e2e.google import Google
from tests.e2e.messages import Json

#: Everything that passes by itself. Not `quotaExceeded`: it closes a calendar for hours.
KINDS: tuple[Json, ...] = (
    {"kind": "status", "status": 429, "reason": "rateLimitExceeded", "domain": "usageLimits"},
    {"kind": "status", "status": 429, "reason": "rateLimitExceeded", "retry_after": "1"},
    {"kind": "status", "status": 403, "reason": "rateLimitExceeded", "domain": "usageLimits"},
    {"kind": "status", "status": 403, "reason": "userRateLimitExceeded", "domain": "usageLimits"},
    {"kind": "status", "status": 500, "reason": "backendError"},
    {"kind": "status", "status": 500, "reason": "backendError", "commit": True},
    {"kind": "html", "status": 503},
    {"kind": "hang", "seconds": 6.0},
    {"kind": "hang", "seconds": 6.0, "commit": True},
    {"kind": "drop"},
    {"kind": "drop", "commit": True},
    {"kind": "empty", "commit": True},
)


def worsen(google: Google, dice: random.Random) -> float:
    """Let 10 to 20 % of all calls fail; return the share."""
    share = dice.uniform(0.10, 0.20)
    each = share / len(KINDS)
    faults = [{"method": "events.*", "share": each, "seed": dice.randrange(2**31)} | kind for kind in KINDS]
    faults.append({"kind": "html", "method": "oauth.token", "share": share, "seed": dice.randrange(2**31)})
    faults.append({"kind": "latency", "method": "events.*", "latency_ms": 5.0, "jitter_ms": 40.0})
    google.ask("POST", "faults", faults)
    return share


def outage(google: Google, seconds: float) -> None:
    """Nothing works for a while."""
    google.fault("html", status=503, for_s=seconds)


def clear(google: Google) -> int:
    """Lift every fault; return how many calls they struck."""
    found = google.ask("GET", "faults")["faults"]
    google.ask("DELETE", "faults")
    return sum(int(fault["hits"]) for fault in found if fault["kind"] != "latency")
