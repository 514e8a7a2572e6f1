"""Requests against Google's own description of the API."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.google import StandIn
from tests.sandbox.google.client import Client, timed


@pytest.mark.parametrize(
    "body",
    [
        {"sumary": "typo"},
        {"start": {"datetime": "2026-12-02T07:00:00Z"}},
        {"start": {"dateTime": "2026-12-02 07:00"}},
        {"summary": 7},
        {"sequence": "1"},
        {"sequence": True},
        {"guestsCanModify": "true"},
        {"attendees": {}},
        {"attendees": [{"mail": "x"}]},
        {"reminders": {"overrides": [{"method": "popup", "minutes": "10"}]}},
        {"extendedProperties": {"private": {"bgsVersion": 7}}},
        {"extendedProperties": {"secret": {}}},
        {"location": None},
        {"start": None},
    ],
)
async def test_body_outside_the_description(standin: StandIn, anna: Client, body: dict[str, Any]) -> None:
    """400, a violation, and no event."""
    reply = await anna.insert({**timed(), **body})
    assert (reply.status, len(standin.journal.violations) > 0) == (400, True)
    assert await anna.ids() == []


@pytest.mark.parametrize(
    "query",
    [
        {"sendupdates": "none"},
        {"sendUpdates": "nobody"},
        {"maxAttendees": "0"},
        {"maxAttendees": "some"},
        {"supportsAttachments": "1"},
        {"calendarId": "primary"},
    ],
)
async def test_parameter_outside_the_description(
    standin: StandIn, anna: Client, query: dict[str, str]
) -> None:
    """Unknown names, values outside their choices, and path parameters in the query are refused."""
    reply = await anna.insert(timed(), params=query)
    assert (reply.status, len(standin.journal.violations)) == (400, 1)


async def test_parameter_given_twice(anna: Client) -> None:
    """Only repeated parameters may be."""
    reply = await anna.call(
        "GET", "calendars/primary/events", params=[("maxResults", "1"), ("maxResults", "2")]
    )
    assert reply.status == 400


async def test_body_where_none_belongs(standin: StandIn, anna: Client) -> None:
    """A delete carries no body."""
    await anna.insert(timed())
    reply = await anna.call("DELETE", f"calendars/primary/events/{timed()['id']}", {})
    assert (reply.status, len(standin.journal.violations)) == (400, 1)


async def test_null_in_a_patch(standin: StandIn, anna: Client) -> None:
    """There it means something."""
    await anna.insert(timed(location="x"))
    assert (await anna.patch({"location": None})).status == 200
    assert standin.journal.violations == []


async def test_standard_parameters(standin: StandIn, anna: Client) -> None:
    """They belong to every method."""
    reply = await anna.listing(prettyPrint="false", quotaUser="u-17", alt="json", singleEvents="True")
    assert (reply.status, standin.journal.violations) == (200, [])


async def test_check_switched_off(anna: Client, session: Any) -> None:
    """Then unknown fields are ignored, not stored."""
    async with StandIn(check=False) as loose:
        client = Client(session, loose.url, loose.connect("anna@metro.example").access_token)
        reply = await client.insert({**timed(), "sumary": "typo"})
        assert (reply.status, "sumary" in reply.json) == (200, False)
