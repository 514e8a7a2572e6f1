"""The portal as a process: everything put together, once, and served until a signal ends it.

Comes in: settings, policies. Goes out: HTTP. Kafka need not be there: pages come up, and say that news is late.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from gcal.client import GoogleCalendar, GoogleSettings
from gcal.consent import Consents
from portal.app import create_app
from portal.commands import KafkaCommands
from portal.limits import Limit
from portal.links import HostKey, key_of
from portal.notices import Notifier
from portal.parts import Google, Limits, Parts, Public, utc_now
from portal.projecting.projector import Projector
from schemas.errors import OperatorError
from streams import logs
from streams.serve import run as run_loop
from vault import Vault, VaultUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Generator

    from schemas.policy import Policies
    from streams.settings import Settings

log = logging.getLogger(__name__)

#: Requests that are under way when a signal comes have so long.
_GRACE_S: Final = 10
_TIDY_S: Final = 600.0


def run(settings: Settings, policies: Policies) -> None:
    """Serve until SIGTERM or SIGINT."""
    logs.configure(settings)
    key = key_of(settings)
    _needed(settings)
    run_loop(_run(settings, policies, key))


def google_of(settings: Settings) -> Google:
    """Both ways to Google, as the settings say."""
    google = GoogleSettings(
        client_id=settings.google_client_id or "",
        client_secret=settings.google_client_secret,
        api_url=settings.google_api_url,
        token_url=settings.google_token_url,
        revoke_url=settings.google_revoke_url,
        timeout_s=settings.google_timeout_s,
    )
    return Google(Consents(google, settings.google_auth_url), GoogleCalendar(google))


class Server(uvicorn.Server):
    """uvicorn without hands on signals: ours let the streams of events go first, which would not end by themselves."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone."""
        yield


def server_of(parts: Parts, settings: Settings) -> Server:
    """The server of an application, not started."""
    return Server(
        uvicorn.Config(
            create_app(parts),
            log_config=None,
            access_log=False,  # a link's token stands in its address
            server_header=False,
            date_header=True,
            proxy_headers=True,
            forwarded_allow_ips=settings.portal_trusted_proxies,
            timeout_graceful_shutdown=_GRACE_S,
            h11_max_incomplete_event_size=32 * 1024,
            lifespan="off",
            loop="none",
            http="h11",
        )
    )


async def _run(settings: Settings, policies: Policies, key: HostKey) -> None:
    listening = _bound(settings)
    try:
        async with _parts(settings, policies, key, listening) as (parts, projector):
            await _serve(parts, settings, listening, projector)
    finally:
        listening.close()


@asynccontextmanager
async def _parts(
    settings: Settings, policies: Policies, key: HostKey, listening: socket.socket
) -> AsyncIterator[tuple[Parts, Projector]]:
    async with AsyncExitStack() as stack:
        keys = [each.get_secret_value() for each in settings.vault_keys]
        vault = await Vault.open(settings.database_url.get_secret_value(), keys)
        stack.push_async_callback(vault.close)
        google = google_of(settings)
        stack.push_async_callback(google.consents.close)
        stack.push_async_callback(google.calendar.close)
        commands = KafkaCommands(settings, vault)
        stack.push_async_callback(commands.close)
        projector = Projector(settings, policies, vault)
        yield (
            Parts(
                vault=vault, settings=settings, policies=policies, commands=commands, google=google, key=key,
                public=Public(settings.portal_public_url or _address(listening)),
                limits=Limits(Limit(settings.portal_entries_per_minute)),
                bell=projector.bell, freshness=projector.freshness,
            ),
            projector,
        )  # fmt: skip


async def _serve(parts: Parts, settings: Settings, listening: socket.socket, projector: Projector) -> None:
    """Serve until a signal; whatever ends before that ends the process, with its reason."""
    server, loop, asked = server_of(parts, settings), asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    beside = [asyncio.create_task(work) for work in _beside(parts, projector)]
    signalled = asyncio.create_task(asked.wait())
    log.info("the portal is at %s", parts.public.url, extra={"decision": "portal_starts"})
    try:
        await asyncio.wait({serving, signalled, *beside}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        parts.closing.set()
        server.should_exit = True
        await asyncio.wait({serving})
        for task in (signalled, *beside):
            task.cancel()
        ended = await asyncio.gather(serving, signalled, *beside, return_exceptions=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    for end in ended:
        if isinstance(end, Exception):
            raise end


def _beside(parts: Parts, projector: Projector) -> list[Coroutine[object, object, object]]:
    """What goes on beside the pages."""
    work: list[Coroutine[object, object, object]] = [projector.run(), _keep_tidy(parts)]
    if parts.settings.notify_url is None:
        line = "nobody is told of users who have to connect again: SHIFTCAL_NOTIFY_URL is not set"
        log.info(line, extra={"decision": "nobody_notified"})
    else:
        work.append(Notifier(parts.settings, parts.vault, parts.freshness).run())
    return work


async def _keep_tidy(parts: Parts) -> None:
    """Forget sessions and links that have expired, and whatever else has had its time."""
    while True:
        try:
            await parts.vault.tidy(utc_now())
        except VaultUnavailable as error:
            log.warning("expired sessions are forgotten later: %s", error, extra={"decision": "tidy_waits"})
        await asyncio.sleep(_TIDY_S)


def _bound(settings: Settings) -> socket.socket:
    """Listen before anything else: who asked for any free port learns which."""
    family = socket.AF_INET6 if ":" in settings.portal_host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.portal_host, settings.portal_port))
    except OSError as error:
        listening.close()
        where = f"{settings.portal_host} port {settings.portal_port}"
        raise OperatorError(
            f"the portal cannot listen on {where} ({error.strerror}): choose another SHIFTCAL_PORTAL_HOST or"
            " SHIFTCAL_PORTAL_PORT"
        ) from None
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _needed(settings: Settings) -> None:
    for name in ("vault_keys", "google_client_id", "google_client_secret"):
        if not getattr(settings, name):
            raise OperatorError(f"SHIFTCAL_{name.upper()} is not set: the portal connects nobody without it")
