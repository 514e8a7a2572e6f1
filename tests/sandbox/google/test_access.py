"""Who reaches what: tokens, scopes, calendars."""

from __future__ import annotations

import aiohttp
import pytest

from sandbox.google import StandIn
from sandbox.google.discovery import load
from sandbox.google.methods import ROUTES
from sandbox.google.scopes import APP_CREATED, EVENTS, EVENTS_OWNED, FULL, LIST_READONLY, METHOD_SCOPES
from tests.sandbox.google.client import Client, timed
from tests.sandbox.google.conftest import ANNA, BEN


def _client(standin: StandIn, session: aiohttp.ClientSession, *scopes: str) -> Client:
    return Client(session, standin.url, standin.connect(ANNA, scopes=scopes).access_token)


async def test_unknown_access_token(anna: Client) -> None:
    """401 with a challenge that says so."""
    anna.token = "made-up"
    reply = await anna.listing()
    assert (reply.status, reply.reason) == (401, "authError")
    assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"]


async def test_expired_access_token(standin: StandIn, session: aiohttp.ClientSession) -> None:
    """An access token lives as long as was said."""
    standin.grants.lifetime_s = 0
    client = _client(standin, session, EVENTS)
    assert (await client.listing()).status == 401


async def test_no_access_token(anna: Client) -> None:
    """401 as well, with another reason."""
    url = f"{anna.url}/calendar/v3/calendars/primary/events"
    async with anna.session.get(url) as response:
        assert (response.status, "WWW-Authenticate" in response.headers) == (401, True)


async def test_scopes_of_the_discovery_document(standin: StandIn) -> None:
    """The table of scopes is Google's."""
    document = load()
    assert document is not None
    for name, scopes in METHOD_SCOPES.items():
        resource, _, verb = name.rpartition(".")
        assert scopes == set(document["resources"][resource]["methods"][verb]["scopes"]), name


async def test_routes_of_the_discovery_document() -> None:
    """Verb and path of every method are Google's."""
    document = load()
    assert document is not None
    for name, http_method, path, _ in ROUTES:
        resource, _, verb = name.rpartition(".")
        method = document["resources"][resource]["methods"][verb]
        assert (http_method, path) == (method["httpMethod"], method["path"]), name


async def test_scope_that_does_not_open_the_method(standin: StandIn, session: aiohttp.ClientSession) -> None:
    """403, and the challenge names the scope as the cause."""
    client = _client(standin, session, EVENTS)
    reply = await client.call("GET", "users/me/calendarList")
    assert (reply.status, reply.reason) == (403, "insufficientPermissions")
    assert 'error="insufficient_scope"' in reply.headers["WWW-Authenticate"]
    assert (await client.listing()).status == 200


async def test_app_created_scope(standin: StandIn, session: aiohttp.ClientSession) -> None:
    """It reaches the calendars that the application made, and no other."""
    client = _client(standin, session, APP_CREATED)
    made = (
        await client.call("POST", "calendars", {"summary": "Shifts", "timeZone": "America/New_York"})
    ).json
    own = await client.insert(timed(), calendar=made["id"])
    primary = await client.insert(timed())
    users = await client.insert(timed(), calendar=standin.state.add_calendar(ANNA, "Private").id)
    assert (own.status, primary.status, users.status) == (200, 403, 403)


async def test_owned_scope_on_a_shared_calendar(standin: StandIn, session: aiohttp.ClientSession) -> None:
    """It reaches only what the account owns; the general scope reaches what is shared with it."""
    standin.state.add_account(BEN)
    shared = standin.state.add_calendar(BEN, "Team")
    owned, general = _client(standin, session, EVENTS_OWNED), _client(standin, session, EVENTS)
    assert (await general.listing(calendar=shared.id)).status == 404
    shared.shared_with.add(ANNA)
    statuses = (
        (await owned.listing(calendar=shared.id)).status,
        (await general.listing(calendar=shared.id)).status,
    )
    assert statuses == (403, 200)


@pytest.mark.parametrize("calendar", ["nobody@metro.example", BEN])
async def test_calendar_that_is_unknown_or_of_somebody_else(anna: Client, ben: Client, calendar: str) -> None:
    """Both are 404: Google does not tell them apart."""
    reply = await anna.listing(calendar=calendar)
    assert (reply.status, reply.reason) == (404, "notFound")


async def test_primary_is_the_accounts_own_calendar(anna: Client) -> None:
    """`primary` and the address name the same calendar."""
    await anna.insert(timed())
    assert len((await anna.listing(calendar=ANNA)).json["items"]) == 1


async def test_life_of_a_secondary_calendar(standin: StandIn, session: aiohttp.ClientSession) -> None:
    """Made, read, listed, deleted; the primary one cannot be deleted."""
    client = _client(standin, session, FULL)
    made = (await client.call("POST", "calendars", {"summary": "Shifts", "timeZone": "Europe/Berlin"})).json
    assert (made["summary"], made["timeZone"]) == ("Shifts", "Europe/Berlin")
    assert (await client.call("GET", f"calendars/{made['id']}")).json == made
    entries = (await client.call("GET", "users/me/calendarList")).json["items"]
    assert [(entry["id"], entry.get("primary", False)) for entry in entries] == [
        (ANNA, True),
        (made["id"], False),
    ]
    entry = await client.call("GET", f"users/me/calendarList/{made['id']}")
    assert (entry.json["accessRole"], entry.json["summary"]) == ("owner", "Shifts")
    assert (await client.call("DELETE", f"calendars/{made['id']}")).status == 204
    assert (await client.call("GET", f"calendars/{made['id']}")).status == 404
    assert (await client.call("DELETE", "calendars/primary")).status == 403


@pytest.mark.parametrize("body", [{}, {"summary": ""}, {"summary": "x", "timeZone": "Mars/Base"}])
async def test_calendar_without_title_or_with_a_wrong_zone(
    standin: StandIn, session: aiohttp.ClientSession, body: dict[str, str]
) -> None:
    """It is not made."""
    client = _client(standin, session, FULL)
    assert (await client.call("POST", "calendars", body)).status == 400


async def test_calendar_list_in_pages(standin: StandIn, session: aiohttp.ClientSession) -> None:
    """The list of calendars has pages too."""
    client = _client(standin, session, LIST_READONLY)
    for number in range(2):
        standin.state.add_calendar(ANNA, f"Extra {number}")
    first = (await client.call("GET", "users/me/calendarList", params={"maxResults": 2})).json
    query = {"maxResults": 2, "pageToken": first["nextPageToken"]}
    second = (await client.call("GET", "users/me/calendarList", params=query)).json
    assert (len(first["items"]), len(second["items"]), "nextPageToken" in second) == (2, 1, False)
