"""What the page answers to the last thing that was done: said for some minutes, and only as long as it is true.

Comes in: a key of `said` with what belongs to it, kept in the session. Goes out: the same, or None. Pure. Not here: words.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from portal.standing import Standing

#: Whoever comes back later wants to know how it stands, not what was done.
_FOR: Final = timedelta(minutes=10)
_OF_THE_CONNECTED: Final = frozenset({"connected", "connected_but", "cooldown"})
_OF_THE_STOPPED: Final = frozenset({"stop", "stop_purge"})


def say(at: datetime, said: str, more: Mapping[str, object] | None = None) -> str:
    """Return what is kept."""
    return orjson.dumps({**(more or {}), "said": said, "at": at.isoformat()}).decode()


def still_said(kept: str | None, standing: Standing, now: datetime) -> dict[str, Any] | None:
    """Return what is still to be said; of a cool-down, the seconds that are left."""
    if kept is None:
        return None
    said: dict[str, Any] = orjson.loads(kept)
    ago = now - datetime.fromisoformat(said["at"])
    if ago > _FOR or not _fits(said["said"], standing):
        return None
    if said["said"] == "cooldown":
        left = math.ceil(said["seconds"] - ago.total_seconds())
        return {**said, "seconds": left} if left > 0 else None
    return said


def _fits(said: str, standing: Standing) -> bool:
    if said in _OF_THE_CONNECTED:
        return standing.connected and standing.mode != "stopping"
    return said not in _OF_THE_STOPPED or standing.mode == "stopping" or not standing.connected
