"""`shiftcal demo`: everything on one machine, without Kafka, Docker or a Google account.

In: whether to play by itself, and the page's port. Out: an exit status; everything that was started has ended, and nothing is left
on the disk. Not here: the parts (`stage`), what is played (`story`), how it is measured (`settle`), and the month alone, sent to
parts that run already (`send`).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Final

from ops.demo.page import play as play_page
from ops.demo.script import play as play_script
from streams import serve

__all__ = ["run"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(script: bool, port: int | None = None) -> int:
    """Play until Ctrl-C, or the script to its end; 0 where all calendars were as they should be."""
    return serve.run(_until_asked(script, port))


async def _until_asked(alone: bool, port: int | None) -> int:
    """Ctrl-C cancels what plays, once: pressed again it must not disturb the cleaning up."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, asked.set)
    playing = asyncio.create_task(play_script() if alone else play_page(port))
    stop = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait({playing, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not playing.done():
            playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await playing
            return 1 if alone else 0
        return await playing
    finally:
        stop.cancel()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
