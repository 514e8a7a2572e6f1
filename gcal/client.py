"""The `CalendarPort` over HTTP: one session, one token a user, each call sent once.

Comes in: settings, then grants and calls. Goes out: answers and pages, or exceptions of `schemas.errors`. Not here:
quota, waiting, trying again (but for one access token that Google refuses); the lanes do all that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from pydantic import SecretStr

from gcal import classify, oauth
from gcal.port import Grant, Page
from gcal.requests import Requests
from gcal.tokens import AccessTokens
from gcal.transport import Reply, Transport
from schemas.errors import CalendarGone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiogoogle.models import Request
    from aiohttp import TraceConfig

    from schemas.answers import Answer
    from schemas.mutations import Call


@dataclass(frozen=True, slots=True)
class GoogleSettings:
    """Who we are at Google, where Google is, and how long we listen. `api_url` is the root, without `calendar/v3/`."""

    client_id: str
    client_secret: SecretStr | None = None
    api_url: str = "https://www.googleapis.com/"
    token_url: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    revoke_url: str = "https://oauth2.googleapis.com/revoke"
    timeout_s: float = 30.0
    connections: int = 64


class GoogleCalendar:
    """Google Calendar itself. Make one for the whole process; it belongs to the loop that uses it first."""

    def __init__(
        self,
        settings: GoogleSettings,
        check: Callable[[], None] = lambda: None,
        watched_by: Sequence[TraceConfig] = (),
    ) -> None:
        """`check` is asked right before a call of the Calendar API is sent, and raises where none may begin any more.

        `watched_by` are told of every request.
        """
        self._settings = settings
        self._transport = Transport(settings.timeout_s, settings.connections, check, watched_by)
        self._requests = Requests(settings.api_url)
        self._tokens = AccessTokens(self._refresh)

    async def call(self, grant: Grant, google_calendar: str, call: Call) -> Answer:
        """Make one call about one event."""
        reply = await self._send(grant, self._requests.of(google_calendar, call))
        return classify.answer(call.call, reply, datetime.now(UTC))

    async def list_page(
        self,
        grant: Grant,
        google_calendar: str,
        agency_id: str,
        ended_after: datetime,
        page_token: str | None,
    ) -> Page:
        """Return standing events that name this agency and end after that instant."""
        request = self._requests.listing(google_calendar, agency_id, ended_after, page_token)
        return classify.page(await self._send(grant, request), datetime.now(UTC))

    async def make_calendar(self, grant: Grant, summary: str, time_zone: str | None = None) -> str:
        """Make a secondary calendar of the user's, and return its id."""
        reply = await self._send(grant, self._requests.new_calendar(summary, time_zone))
        made = classify.calendar(reply, datetime.now(UTC))
        if made is None:
            raise CalendarGone("calendars.insert", _NOT_MADE)
        return made

    async def has_calendar(self, grant: Grant, google_calendar: str) -> bool:
        """Whether that calendar is still there, and within reach of the consent."""
        reply = await self._send(grant, self._requests.calendar(google_calendar))
        return classify.calendar(reply, datetime.now(UTC)) is not None

    async def revoke(self, refresh_token: SecretStr) -> None:
        """Make Google forget the consent, with everything that its account granted to our project."""
        form = {"token": refresh_token.get_secret_value()}
        reply = await self._transport.post_form(self._settings.revoke_url, form)
        oauth.check_revoked(reply, datetime.now(UTC))

    def forget(self, agency_id: str, user_id: str) -> None:
        """Drop the access token of a user who is no longer connected."""
        self._tokens.forget(agency_id, user_id)

    async def close(self) -> None:
        """Close every connection; nothing may be asked afterwards."""
        await self._tokens.close()
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _send(self, grant: Grant, request: Request) -> Reply:
        token = await self._tokens.token(grant)
        reply = await self._transport.send(request, token)
        if reply.status != 401:
            return reply
        # Google ends tokens early at times. A refused call was not carried out, so a POST may go once more, too.
        return await self._transport.send(request, await self._tokens.after_refusal(grant, token))

    async def _refresh(self, grant: Grant) -> oauth.Issued:
        secret = self._settings.client_secret
        form = {
            "grant_type": "refresh_token",
            "refresh_token": grant.refresh_token.get_secret_value(),
            "client_id": self._settings.client_id,
        }
        if secret is not None:
            form["client_secret"] = secret.get_secret_value()
        reply = await self._transport.post_form(self._settings.token_url, form)
        has_client = bool(self._settings.client_id and secret and secret.get_secret_value())
        return oauth.issued(reply, datetime.now(UTC), has_client=has_client)


_NOT_MADE = "Google did not let a calendar be made for this user; connect again and grant all that is asked."
