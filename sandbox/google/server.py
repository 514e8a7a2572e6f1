"""The stand-in as a server, in the caller's event loop; on loopback, unless another address is asked for.

In: where to listen, limits, the buttons of whoever embeds it. Out: a running server with its state, journal and faults at hand.
Not here: the command line (`__main__.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from aiohttp import web

from sandbox.google.admin import AdminRoutes
from sandbox.google.api import Api
from sandbox.google.calendars import State
from sandbox.google.consent_page import AUTH_PATH, ConsentPage
from sandbox.google.core import Core
from sandbox.google.discovery import Discovery, load
from sandbox.google.faults import Faults
from sandbox.google.grants import Grants
from sandbox.google.guard import LOOPBACK, NAMES
from sandbox.google.journal import Journal
from sandbox.google.models import Calendar
from sandbox.google.oauth import REVOKE_PATH, TOKEN_PATH, OAuth
from sandbox.google.page import Control, OnControl, Page
from sandbox.google.quota import Quota
from sandbox.google.scopes import EVENTS

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the stand-in listens, and under which names besides loopback's its page and admin routes may be asked."""

    port: int = 0
    host: str = HOST
    names: Iterable[str] = ()


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a consent left in the client's hands."""

    account: str
    refresh_token: str
    access_token: str


class StandIn:
    """Google Calendar and Google's OAuth. Start and stop it in a running loop, or use `async with`."""

    def __init__(
        self,
        place: Place | int = 0,
        *,
        check: bool = True,
        quota: Quota | None = None,
        controls: Sequence[Control] = (),
        on_control: OnControl | None = None,
    ) -> None:
        document = load() if check else None
        self._core = Core(quota=quota or Quota())
        self._core.discovery = None if document is None else Discovery(document)
        self._core.state.listeners.append(self._changed)
        self._page = Page(self._core, controls, on_control)
        self._place = place if isinstance(place, Place) else Place(place)
        self._port = self._place.port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The root, without a slash at its end; the API is below `/calendar/v3/`."""
        return f"http://{self._place.host}:{self._port}"

    @property
    def auth_url(self) -> str:
        """The consent page."""
        return self.url + AUTH_PATH

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return self.url + TOKEN_PATH

    @property
    def revoke_url(self) -> str:
        """The revocation endpoint."""
        return self.url + REVOKE_PATH

    @property
    def state(self) -> State:
        """Accounts, calendars, events."""
        return self._core.state

    @property
    def journal(self) -> Journal:
        """Every request that arrived."""
        return self._core.journal

    @property
    def faults(self) -> Faults:
        """Faults in force."""
        return self._core.faults

    @property
    def quota(self) -> Quota:
        """Limits and load."""
        return self._core.quota

    @property
    def grants(self) -> Grants:
        """Codes and tokens."""
        return self._core.grants

    @property
    def core(self) -> Core:
        """All parts, for what the properties do not cover."""
        return self._core

    @property
    def latency_ms(self) -> float:
        """Time that every answer takes on top."""
        return self._core.latency_s * 1000

    @latency_ms.setter
    def latency_ms(self, value: float) -> None:
        self._core.latency_s = value / 1000

    @property
    def consent_page(self) -> bool:
        """Whether people in browsers decide about a consent; otherwise it is given at once."""
        return self._core.consent_page

    @consent_page.setter
    def consent_page(self, value: bool) -> None:
        self._core.consent_page = value

    def connect(self, account: str, *, scopes: Sequence[str] = (EVENTS,), time_zone: str = "UTC") -> Tokens:
        """An account (made if it is new) and tokens for it, as if its person had just consented."""
        self.state.add_account(account, time_zone)
        refresh_token, access_token = self._core.connect(account, frozenset(scopes))
        return Tokens(account, refresh_token, access_token)

    def note(self, text: str) -> None:
        """A line in "Last changes" of the page."""
        self._core.hub.note(text)

    async def start(self) -> None:
        """Listen; afterwards `url` is final."""
        app = web.Application()
        app[NAMES] = LOOPBACK | {name.lower() for name in self._place.names}
        core = self._core
        for part in (self._page, AdminRoutes(core), ConsentPage(core), OAuth(core), Api(core)):
            app.add_routes(part.routes())
        self._core.closing.clear()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._place.host, self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Let hanging requests go and close everything; the state stays readable."""
        self._core.closing.set()
        self._core.hub.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _changed(self, _: Calendar) -> None:
        self._core.hub.touch()
