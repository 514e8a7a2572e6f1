"""Run the app in our own process: start, wait for a signal or a crash, stop in time.

In: an app that was built and not started. Out: a return (exit 0), or the exception that ended it. Not here: what it does.
Not `faust.Worker`: it sleeps a second at each stop and mistakes a bystander's cancellation for the reason of a crash.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from typing import TYPE_CHECKING, Any, TypeVar

import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from streams.faustapp import App

T = TypeVar("T")
log = logging.getLogger(__name__)
STOP_DEADLINE_S = 20.0


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on uvloop."""
    # Rows in memory are many small objects without cycles. Looking through all of them every few hundred messages cost a
    # tenth of the worker's time, and everybody a pause of a tenth of a second; what does form cycles is little, and waits.
    gc.set_threshold(20_000, 20, 50)
    # What is imported by now stays: Faust looks through everything once per table at each rebalance, a tenth of a second each.
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def serve(app: App, *, on_started: Callable[[], None] | None = None) -> None:
    """Run until SIGTERM or SIGINT, then stop cleanly; raise what made the start fail or, for a guest, the crash."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, asked.set)
    try:
        await _serve(app, asked, on_started)
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def _serve(app: App, asked: asyncio.Event, on_started: Callable[[], None] | None) -> None:
    up = asyncio.create_task(app.start())  # returns after recovery; raises if Kafka cannot be reached
    stop = asyncio.create_task(asked.wait())
    crashed = asyncio.create_task(app.wait_failed())
    try:
        await asyncio.wait({up, stop, crashed}, return_when=asyncio.FIRST_COMPLETED)
        failed = up.exception() if up.done() and not up.cancelled() else None
        if failed is None and not stop.done() and not crashed.done():
            if on_started:
                on_started()
            await asyncio.wait({stop, crashed}, return_when=asyncio.FIRST_COMPLETED)
        await stop_within_deadline(app)
    finally:
        for task in (up, stop, crashed):
            task.cancel()
        await asyncio.gather(up, stop, crashed, return_exceptions=True)
    if reason := failed or app.failure:
        raise reason


async def stop_within_deadline(app: App) -> None:
    """Stop within the deadline; what could not be drained by then was not acked and comes again.

    The deadline is not a cancellation: Faust's `wait_empty` swallows those.
    """
    stopping = asyncio.ensure_future(app.stop())
    if (await asyncio.wait({stopping}, timeout=STOP_DEADLINE_S))[0]:
        # After a crash Faust hands a bystander's cancellation on as its own outcome.
        if not stopping.cancelled() and not app.failure:
            stopping.result()
        return
    log.critical(
        "the worker did not stop within %.0f s; it ends now, what was under way will be done again",
        STOP_DEADLINE_S,
        extra={"decision": "stop_too_slow"},
    )
    if app.wiring.hard_exit:
        logging.shutdown()
        os._exit(1)
    stopping.cancel()
    raise TimeoutError(f"the worker did not stop within {STOP_DEADLINE_S:.0f} s")
