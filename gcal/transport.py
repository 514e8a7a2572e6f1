"""One HTTP session for the whole process: it sends what is asked once, and brings back whatever was answered.

Comes in: a request that aiogoogle built, or a form. Goes out: a `Reply`, or `GoogleUnavailable` where there was none.
Not here: aiogoogle's own sessions (they hang on context variables and have no timeouts), tokens, what a reply means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import ClientError, ClientRequest, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.hdrs import AUTHORIZATION
from yarl import URL

from schemas.errors import GoogleUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aiogoogle.models import Request
    from aiohttp import ClientResponse, TraceConfig
    from aiohttp.connector import Connection

#: Seconds to open a connection; a host that does not answer at all should not cost the whole timeout.
CONNECT_S = 10.0
#: Google compresses only for clients that say so twice, in Accept-Encoding and here.
_AGENT = "shiftcal (gzip)"
_NEVER_SENT = "Google could not be reached ({}); it is tried again by itself. If it lasts, check the network."


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; the body may be anything, and is not for logs."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None
    content_type: str = ""
    date: str | None = None


def _checked(check: Callable[[], None]) -> type[ClientRequest]:
    """Make requests that ask before they are written: whoever waited for a token or a connection may not call any more."""

    class Request(ClientRequest):
        async def send(self, conn: Connection) -> ClientResponse:
            if AUTHORIZATION in self.headers:  # the API's; tokens are fetched and given back at any time
                check()
            return await super().send(conn)

    return Request


class Transport:
    """The session. It belongs to the loop in which the first request is sent."""

    def __init__(
        self,
        timeout_s: float,
        connections: int,
        check: Callable[[], None] = lambda: None,
        watched_by: Sequence[TraceConfig] = (),
    ) -> None:
        """`check` is asked once everything is ready for a call of the API: token, connection, bytes."""
        self._watched_by = list(watched_by)
        self._request = _checked(check)
        self._timeout = ClientTimeout(total=timeout_s, sock_connect=min(CONNECT_S, timeout_s))
        self._connections = connections
        self._session: ClientSession | None = None
        self._closed = False

    async def send(self, request: Request, access_token: str) -> Reply:
        """Send a request of the Calendar API under this token."""
        headers = dict(request.headers)
        headers["Authorization"] = f"Bearer {access_token}"
        body = None
        if request.json is not None:
            body = orjson.dumps(request.json)
            headers["Content-Type"] = "application/json"
        if request.method != "GET":
            # One event is about a kilobyte: unpacking would cost more than it saves. Listings are long.
            headers["Accept-Encoding"] = "identity"
        # Already quoted by aiogoogle, which leaves nothing to normalise.
        return await self._send(request.method, URL(request.url, encoded=True), data=body, headers=headers)

    async def post_form(self, url: str, form: Mapping[str, str]) -> Reply:
        """Send a form to an OAuth endpoint."""
        return await self._send("POST", URL(url), data=dict(form))

    async def get(self, url: str) -> Reply:
        """Ask an address without any right, for whoever only wants to know whether somebody answers."""
        return await self._send("GET", URL(url))

    async def close(self) -> None:
        """Close every connection, for good."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def _send(self, method: str, url: URL, **options: Any) -> Reply:
        # aiohttp sends GET and DELETE once more when a kept-alive connection was dead. A POST or PATCH it never does.
        # A redirect is nothing that Google's API does, and would carry the token elsewhere.
        session = self._opened()
        try:
            async with session.request(method, url, allow_redirects=False, **options) as response:
                body = await response.read()
                headers = response.headers
                return Reply(
                    response.status,
                    body,
                    headers.get("Retry-After"),
                    headers.get("Content-Type", ""),
                    headers.get("Date"),
                )
        except (ClientError, TimeoutError, OSError) as error:
            failure = type(error).__name__
        # Raised out here, so that it does not drag along an exception that holds the request and its token.
        raise GoogleUnavailable("no_answer", _NEVER_SENT.format(failure))

    def _opened(self) -> ClientSession:
        if self._closed:
            raise RuntimeError("the connection to Google was closed already")
        if self._session is None:
            self._session = ClientSession(
                request_class=self._request,
                connector=TCPConnector(limit=self._connections, keepalive_timeout=60.0),
                cookie_jar=DummyCookieJar(),
                timeout=self._timeout,
                trace_configs=self._watched_by,
                headers={"User-Agent": _AGENT, "Accept-Encoding": "gzip"},
            )
        return self._session
