"""events.list: filters, pages, incremental sync, partial answers."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.google import StandIn
from tests.sandbox.google.client import Client, all_day, timed, without_id
from tests.sandbox.google.conftest import ANNA


def _fill(standin: StandIn, number: int) -> list[str]:
    calendar = standin.state.calendars[ANNA]
    return [standin.state.insert(calendar, timed(id=f"ev{n:05d}")).resource["id"] for n in range(number)]


async def _pages(client: Client, **query: Any) -> list[list[str]]:
    pages: list[list[str]] = []
    while True:
        reply = await client.listing(**query)
        assert reply.status == 200, reply.text
        pages.append([item["id"] for item in reply.json["items"]])
        if "nextPageToken" not in reply.json:
            return pages
        query["pageToken"] = reply.json["nextPageToken"]


@pytest.mark.parametrize(
    ("number", "query", "sizes"),
    [
        (251, {}, [250, 1]),
        (250, {}, [250]),
        (2600, {"maxResults": 2500}, [2500, 100]),
        (2600, {"maxResults": 9999}, [2500, 100]),
        (7, {"maxResults": 3}, [3, 3, 1]),
        (0, {}, [0]),
    ],
)
async def test_page_sizes(standin: StandIn, anna: Client, number: int, query: Any, sizes: list[int]) -> None:
    """250 unless asked, 2,500 at most, and every event exactly once."""
    ids = _fill(standin, number)
    pages = await _pages(anna, **query)
    assert [len(page) for page in pages] == sizes
    assert [event_id for page in pages for event_id in page] == ids


@pytest.mark.parametrize("size", ["0", "-1", "many"])
async def test_page_size_that_is_none(standin: StandIn, anna: Client, size: str) -> None:
    """The size is a number from 1."""
    standin.core.discovery = None
    assert (await anna.listing(maxResults=size)).status == 400


async def test_writes_between_two_pages(standin: StandIn, anna: Client) -> None:
    """An event that changes while pages are read comes neither twice nor never."""
    ids = _fill(standin, 4)
    first = await anna.listing(maxResults=2)
    await anna.patch({"summary": "moved"}, event_id=ids[0])
    await anna.patch({"summary": "moved"}, event_id=ids[3])
    second = await anna.listing(maxResults=2, pageToken=first.json["nextPageToken"])
    assert [item["id"] for item in first.json["items"] + second.json["items"]] == ids


async def test_page_token_with_other_parameters(standin: StandIn, anna: Client) -> None:
    """A token belongs to its listing; a made-up one to none."""
    _fill(standin, 3)
    token = (await anna.listing(maxResults=1)).json["nextPageToken"]
    assert (await anna.listing(maxResults=1, pageToken=token, showDeleted="true")).status == 400
    assert (await anna.listing(pageToken="made-up")).status == 400


async def test_short_and_empty_pages(standin: StandIn, anna: Client) -> None:
    """With the switches pages are shorter than asked for, and empty ones come before the last."""
    ids = _fill(standin, 5)
    standin.state.switches.page_cap = 2
    standin.state.switches.empty_pages = True
    pages = await _pages(anna)
    assert [len(page) for page in pages] == [0, 2, 0, 2, 0, 1]
    assert [event_id for page in pages for event_id in page] == ids


async def test_time_min_looks_at_the_end(anna: Client) -> None:
    """What has ended by then is out, what is still running is in; the bound is exclusive."""
    await anna.insert(timed())  # 12:00Z to 24:00Z
    assert len(await anna.ids(timeMin="2026-12-02T23:59:59Z")) == 1
    assert len(await anna.ids(timeMin="2026-12-03T00:00:00Z")) == 0


async def test_time_max_looks_at_the_start(anna: Client) -> None:
    """What starts at the bound or later is out."""
    await anna.insert(timed())
    assert len(await anna.ids(timeMax="2026-12-02T12:00:01Z")) == 1
    assert len(await anna.ids(timeMax="2026-12-02T12:00:00Z")) == 0


async def test_all_day_event_ends_at_midnight_of_the_calendar(standin: StandIn, anna: Client) -> None:
    """Days are those of the calendar's zone."""
    standin.state.calendars[ANNA].time_zone = "America/New_York"
    await anna.insert(all_day("2026-12-02", "2026-12-03"))
    assert len(await anna.ids(timeMin="2026-12-03T04:59:59Z")) == 1
    assert len(await anna.ids(timeMin="2026-12-03T05:00:00Z")) == 0


@pytest.mark.parametrize("bound", ["2026-12-02", "2026-12-02T00:00:00", "soon"])
async def test_time_bound_without_offset(standin: StandIn, anna: Client, bound: str) -> None:
    """Bounds are RFC 3339 with an offset."""
    standin.core.discovery = None
    assert (await anna.listing(timeMin=bound)).status == 400


async def test_bounds_in_the_wrong_order(anna: Client) -> None:
    """An empty range is refused."""
    reply = await anna.listing(timeMin="2026-12-03T00:00:00Z", timeMax="2026-12-02T00:00:00Z")
    assert (reply.status, reply.reason) == (400, "timeRangeEmpty")


async def test_private_property_as_a_filter(anna: Client) -> None:
    """Name and value must both match, a shared property does not count, `=` may be part of the value."""
    await anna.insert(timed(id="match", extendedProperties={"private": {"bgsAgency": "metro=ems"}}))
    await anna.insert(timed(id="other", extendedProperties={"private": {"bgsAgency": "rural"}}))
    await anna.insert(timed(id="shared", extendedProperties={"shared": {"bgsAgency": "metro=ems"}}))
    await anna.insert(timed(id="plain"))
    assert await anna.ids(privateExtendedProperty="bgsAgency=metro=ems") == ["match"]
    assert (await anna.listing(privateExtendedProperty="bgsAgency")).status == 400


async def test_two_private_properties(anna: Client) -> None:
    """Repeated constraints must all hold."""
    await anna.insert(timed(id="both0", extendedProperties={"private": {"a": "1", "b": "2"}}))
    await anna.insert(timed(id="only1", extendedProperties={"private": {"a": "1"}}))
    reply = await anna.call(
        "GET",
        "calendars/primary/events",
        params=[("privateExtendedProperty", "a=1"), ("privateExtendedProperty", "b=2")],
    )
    assert [item["id"] for item in reply.json["items"]] == ["both0"]


@pytest.mark.parametrize("yes", ["true", "True"])
async def test_booleans_as_python_writes_them(anna: Client, yes: str) -> None:
    """`True` is accepted beside `true`."""
    await anna.insert(timed())
    await anna.delete()
    assert len(await anna.ids(showDeleted=yes, singleEvents=yes)) == 1


async def test_boolean_that_is_none(standin: StandIn, anna: Client) -> None:
    """Anything else is refused."""
    standin.core.discovery = None
    assert (await anna.listing(showDeleted="1")).status == 400
    assert (await anna.listing(singleEvents="yes")).status == 400


async def test_order_by_start(anna: Client) -> None:
    """It needs singleEvents, as Google has it."""
    await anna.insert(all_day("2026-12-05", "2026-12-06", id="later"))
    await anna.insert(all_day(id="first"))
    assert (await anna.listing(orderBy="startTime")).status == 400
    assert await anna.ids(orderBy="startTime", singleEvents="true") == ["first", "later"]


async def test_order_by_update(anna: Client) -> None:
    """The event that was changed last comes last."""
    await anna.insert(timed(id="first"))
    await anna.insert(timed(id="later"))
    await anna.patch({"summary": "new"}, event_id="first")
    assert await anna.ids(orderBy="updated") == ["later", "first"]


async def test_search_and_uid(anna: Client) -> None:
    """`q` searches texts, `iCalUID` finds one event."""
    await anna.insert(timed(id="medic", location="Station Four"))
    await anna.insert(timed(id="other", summary="Drive"))
    assert await anna.ids(q="station four") == ["medic"]
    assert await anna.ids(iCalUID="other@google.com") == ["other"]


async def test_updated_min(standin: StandIn, anna: Client) -> None:
    """It lists what changed since, deletions included; far back it is 410."""
    old, new, dead = _fill(standin, 3)
    standin.state.calendars[ANNA].events[old].updated -= 3600
    bound = standin.state.calendars[ANNA].events[new].resource["updated"]
    await anna.delete(dead)
    assert await anna.ids(updatedMin=bound) == [new, dead]
    reply = await anna.listing(updatedMin="2020-01-01T00:00:00Z")
    assert (reply.status, reply.reason) == (410, "updatedMinTooLongAgo")


async def test_incremental_sync(standin: StandIn, anna: Client) -> None:
    """A sync token lists what changed after its listing began, deletions always."""
    kept, altered, dead = _fill(standin, 3)
    token = (await anna.listing()).json["nextSyncToken"]
    assert (await anna.listing(syncToken=token)).json["items"] == []
    await anna.patch({"summary": "new"}, event_id=altered)
    await anna.delete(dead)
    reply = await anna.listing(syncToken=token)
    statuses = {item["id"]: item["status"] for item in reply.json["items"]}
    assert statuses == {altered: "confirmed", dead: "cancelled"}
    assert (await anna.listing(syncToken=reply.json["nextSyncToken"])).json["items"] == []
    assert kept not in statuses


async def test_sync_token_only_on_the_last_page(standin: StandIn, anna: Client) -> None:
    """A page has either token; a change between two pages is in the next sync."""
    ids = _fill(standin, 2)
    first = (await anna.listing(maxResults=1)).json
    await anna.patch({"summary": "new"}, event_id=ids[0])
    second = (await anna.listing(maxResults=1, pageToken=first["nextPageToken"])).json
    assert "nextSyncToken" not in first
    assert await anna.ids(syncToken=second["nextSyncToken"]) == [ids[0]]


@pytest.mark.parametrize(
    "other",
    [
        {"timeMin": "2026-12-02T00:00:00Z"},
        {"timeMax": "2026-12-02T00:00:00Z"},
        {"updatedMin": "2026-12-02T00:00:00Z"},
        {"privateExtendedProperty": "a=b"},
        {"sharedExtendedProperty": "a=b"},
        {"q": "x"},
        {"iCalUID": "x"},
        {"orderBy": "updated"},
        {"showDeleted": "false"},
    ],
)
async def test_sync_token_beside_what_it_excludes(anna: Client, other: dict[str, str]) -> None:
    """These parameters and a sync token exclude each other."""
    token = (await anna.listing()).json["nextSyncToken"]
    assert (await anna.listing(syncToken=token, **other)).status == 400


async def test_sync_token_that_has_expired(standin: StandIn, anna: Client) -> None:
    """410: forget everything and list in full; a made-up token is invalid."""
    token = (await anna.listing()).json["nextSyncToken"]
    standin.state.sync_epoch += 1
    reply = await anna.listing(syncToken=token)
    assert (reply.status, reply.reason) == (410, "fullSyncRequired")
    assert (await anna.listing(syncToken="made-up")).status == 400


async def test_partial_answer(anna: Client) -> None:
    """`fields` cuts the answer down, in both spellings."""
    await anna.insert(timed())
    reply = await anna.listing(fields="items(id,start/timeZone),nextPageToken")
    assert reply.json == {"items": [{"id": timed()["id"], "start": {"timeZone": "America/New_York"}}]}
    assert (await anna.listing(fields="items(id")).status == 400


async def test_envelope(anna: Client) -> None:
    """A listing says whose calendar it is and in which zone."""
    await anna.insert(without_id(timed()))
    reply = (await anna.listing()).json
    assert (reply["kind"], reply["summary"], reply["timeZone"]) == ("calendar#events", ANNA, "UTC")
