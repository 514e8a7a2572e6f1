"""`python -m sandbox.google --port P`: the stand-in as a process of its own.

In: options. Out: one line with the address, then a server until SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

import uvloop

from sandbox.google.quota import Quota
from sandbox.google.server import HOST, Place, StandIn


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.google", description="Google Calendar and Google's consent, played."
    )
    parser.add_argument(
        "--host", default=HOST, help="address to listen on; only trusted networks: it has no login"
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        help="a name under which others may ask the page and the admin routes; may be given again. Without one only this"
        " machine's own names are taken, whatever --host says",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="added to every answer of the API")
    parser.add_argument("--project-per-minute", type=int, help="project quota; no limit unless given")
    parser.add_argument("--user-per-minute", type=int, help="quota of each account; no limit unless given")
    parser.add_argument(
        "--no-check", action="store_true", help="skip the check against Google's discovery document"
    )
    parser.add_argument(
        "--consent-page",
        action="store_true",
        help="ask people in their browser; otherwise every consent is given at once",
    )
    return parser.parse_args(arguments)


async def serve(options: argparse.Namespace) -> None:
    """Run until a signal comes."""
    quota = Quota(options.project_per_minute, options.user_per_minute)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    standin = StandIn(
        Place(options.port, options.host, options.name), check=not options.no_check, quota=quota
    )
    standin.latency_ms = options.latency_ms
    standin.consent_page = options.consent_page
    async with standin:
        sys.stdout.write(f"listening on {standin.url}\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    uvloop.run(serve(_options(sys.argv[1:])))
