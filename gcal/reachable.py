"""Whether Google is there, takes our client, and has the same time as we.

Comes in: settings. Goes out: a `Probe`, or an exception of `schemas.errors`. Nobody's grant is used: a made-up one is shown,
and Google refuses it in one way if it knows the client, and in another if it does not. Not here: what to do about it.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from gcal import oauth
from gcal.transport import Transport
from schemas.errors import GoogleUnavailable, GrantLost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gcal.client import GoogleSettings
    from gcal.transport import Reply

_NOBODYS = "shiftcal-doctor-shows-no-grant"

#: Any method of the API will do: without a token it is refused.
_METHOD = "calendar/v3/users/me/calendarList"


class Probe(NamedTuple):
    """What an answer told. `ahead`: how far our clock is ahead of the answer's, None where it told no time.

    `word`: by which word the made-up grant was refused, `invalid_grant` where all is well.
    """

    ahead: timedelta | None
    word: str = ""


async def token_endpoint(settings: GoogleSettings) -> Probe:
    """Show the token endpoint our client; raises `NotAdmitted` where it is not taken."""
    secret = settings.client_secret
    form = {
        "grant_type": "refresh_token",
        "refresh_token": _NOBODYS,
        "client_id": settings.client_id,
    } | ({"client_secret": secret.get_secret_value()} if secret is not None else {})
    async with _transport(settings) as transport:
        asked_at = datetime.now(UTC)
        reply = await transport.post_form(settings.token_url, form)
        ahead = _ahead(reply, asked_at, datetime.now(UTC))
    has_client = bool(settings.client_id and secret and secret.get_secret_value())
    try:
        oauth.issued(reply, datetime.now(UTC), has_client=has_client)
    except GrantLost as refused:
        return Probe(ahead, refused.code)
    return Probe(ahead, "accepted")


async def api(settings: GoogleSettings) -> Probe:
    """Ask the Calendar API for what it refuses to tell strangers."""
    async with _transport(settings) as transport:
        asked_at = datetime.now(UTC)
        reply = await transport.get(settings.api_url.rstrip("/") + "/" + _METHOD)
        ahead = _ahead(reply, asked_at, datetime.now(UTC))
    if reply.status not in {401, 403}:
        raise GoogleUnavailable(
            f"status {reply.status}",
            f"What answers there is not Google's Calendar API: it was asked without a token, and answered with status"
            f" {reply.status}.",
        )
    return Probe(ahead)


@asynccontextmanager
async def _transport(settings: GoogleSettings) -> AsyncIterator[Transport]:
    transport = Transport(settings.timeout_s, 1)
    try:
        yield transport
    finally:
        await transport.close()


def _ahead(reply: Reply, asked_at: datetime, answered_at: datetime) -> timedelta | None:
    """Compare the clocks; the answer's time has whole seconds, and lies between the question and the answer."""
    if reply.date is None:
        return None
    try:
        theirs = parsedate_to_datetime(reply.date)
    except ValueError:
        return None
    if asked_at - timedelta(seconds=1) <= theirs <= answered_at:
        return timedelta(0)
    return asked_at - theirs - timedelta(seconds=1) if theirs < asked_at else answered_at - theirs
