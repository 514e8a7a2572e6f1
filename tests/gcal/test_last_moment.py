"""The last moment before a call is sent: whoever lost the right to call meanwhile sends nothing."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from gcal.client import GoogleCalendar, GoogleSettings
from sandbox.google import StandIn
from schemas.mutations import Get
from tests.gcal.world import ACCOUNT, grant_of


class NotNow(Exception):
    """What the test's check raises."""


async def test_the_right_to_call_is_lost_while_the_token_comes() -> None:
    """The token is fetched, the call is not made; with the right back, both go on as ever."""
    lost = True

    def check() -> None:
        if lost:
            raise NotNow

    async with StandIn() as google:
        settings = GoogleSettings(
            "client", SecretStr("client-secret"), google.url, google.token_url, google.revoke_url
        )
        async with GoogleCalendar(settings, check) as client:
            grant = grant_of(ACCOUNT, google.connect(ACCOUNT).refresh_token)
            call = Get(event_id="bgs0", generation=0)
            with pytest.raises(NotNow):
                await client.call(grant, "primary", call)
            assert [one.method for one in google.journal.entries] == ["oauth.token"]
            lost = False
            assert (await client.call(grant, "primary", call)).answer == "missing"
            assert [one.method for one in google.journal.entries] == ["oauth.token", "events.get"]
