"""Memory that a burst took is given back once it is over, or in the middle of one that lasts.

Comes in: whether there is work. Goes out: free memory, to the system. glibc keeps what is free between pieces that are in
use, and a worker that wrote one large publication would look large for ever
(https://man7.org/linux/man-pages/man3/malloc_trim.3.html). Other C libraries have no such call, and nothing is done there.
"""

from __future__ import annotations

import asyncio
import ctypes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: How often the work is looked at, and how long memory is at least kept, in seconds: without work, and in the middle of it,
#: where it keeps everybody waiting for some 20 ms.
POLL_S, KEEP_S, KEEP_WORKING_S = 1.0, 10.0, 60.0

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


async def keep_slim(is_busy: Callable[[], bool]) -> None:
    """Give memory back after each spell of work, and now and then in a long one; until cancelled."""
    if _trim is None:
        return
    loop = asyncio.get_running_loop()
    worked, given_back_at = False, float("-inf")
    while True:
        await asyncio.sleep(POLL_S)
        busy = is_busy()
        worked = worked or busy
        if worked and loop.time() - given_back_at >= (KEEP_WORKING_S if busy else KEEP_S):
            _trim(0)
            worked, given_back_at = busy, loop.time()
