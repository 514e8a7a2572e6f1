"""How often somebody may try.

Comes in: a name (an address, a session). Goes out: whether it is one time too many, and for how long. Not here:
what is tried. Kept in memory: each portal counts for itself, and a restart forgets.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE_S: Final = 60.0
#: So many names are remembered; somebody with more addresses than that meets other limits.
_MOST: Final = 20_000


class Limit:
    """A bucket for each name that holds `per_minute` tries and fills evenly."""

    def __init__(
        self, per_minute: int, clock: Callable[[], float] = time.monotonic, most: int = _MOST
    ) -> None:
        """`clock`: seconds that only go forward; that of the wall may be set back, and would shut everybody out."""
        self._per_minute, self._clock, self._most = per_minute, clock, most
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, name: str) -> float | None:
        """Take one try. None: go on; else the seconds until the next one."""
        at, each = self._clock(), _MINUTE_S / self._per_minute
        full_at = max(self._full_at.get(name, at), at)
        if (over := full_at + each - at - _MINUTE_S) > 0:
            return over
        self._full_at[name] = full_at + each
        self._full_at.move_to_end(name)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return None


def network(address: str) -> str:
    """Return whom an address belongs to: in IPv6 one person has a whole /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
