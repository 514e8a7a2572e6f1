"""What an event may contain, and how patch and update treat what is there."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.google import StandIn
from tests.sandbox.google.client import ID, NEW_YORK, Client, Json, all_day, timed
from tests.sandbox.google.conftest import ANNA


def _sides(start: Json, end: Json) -> Json:
    return {"id": ID, "start": start, "end": end}


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        ({"date": "2026-12-02"}, {"dateTime": "2026-12-02T19:00:00Z"}, "invalid"),
        (
            {"date": "2026-12-02", "dateTime": "2026-12-02T07:00:00Z"},
            {"dateTime": "2026-12-02T19:00:00Z"},
            "invalid",
        ),
        ({"timeZone": NEW_YORK}, {"dateTime": "2026-12-02T19:00:00Z"}, "invalid"),
        ({"dateTime": "2026-12-02T19:00:00Z"}, {"dateTime": "2026-12-02T07:00:00Z"}, "timeRangeEmpty"),
        ({"dateTime": "2026-12-02T19:00:00Z"}, {"dateTime": "2026-12-02T19:00:00Z"}, "timeRangeEmpty"),
        ({"date": "2026-12-02"}, {"date": "2026-12-02"}, "timeRangeEmpty"),
        ({"dateTime": "2026-12-02T07:00:00"}, {"dateTime": "2026-12-02T19:00:00"}, "required"),
        (
            {"dateTime": "2026-12-02T07:00:00Z", "timeZone": "Mars/Base"},
            {"dateTime": "2026-12-02T19:00:00Z"},
            "invalid",
        ),
        (
            {"dateTime": "2026-12-02T07:00:00Z", "timeZone": "EST5EDT4"},
            {"dateTime": "2026-12-02T19:00:00Z"},
            "invalid",
        ),
        ({"dateTime": "2026-02-30T07:00:00Z"}, {"dateTime": "2026-12-02T19:00:00Z"}, "invalid"),
        ({"dateTime": "2026-12-02 07:00:00Z"}, {"dateTime": "2026-12-02T19:00:00Z"}, "invalid"),
        ({"dateTime": "20261202T070000Z"}, {"dateTime": "2026-12-02T19:00:00Z"}, "invalid"),
        ({"date": "2026-13-02"}, {"date": "2026-12-03"}, "invalid"),
        ({"date": "2026-W49-3"}, {"date": "2026-12-03"}, "invalid"),
    ],
)
async def test_times_that_no_event_may_have(
    standin: StandIn, anna: Client, start: Json, end: Json, reason: str
) -> None:
    """Both sides of one kind, the end after the start, an offset or a zone, a zone that exists."""
    standin.core.discovery = None  # the rule must hold by itself
    reply = await anna.insert(_sides(start, end))
    assert (reply.status, reply.reason) == (400, reason)


@pytest.mark.parametrize("missing", ["start", "end"])
async def test_insert_or_update_without_a_side(standin: StandIn, anna: Client, missing: str) -> None:
    """Both are required, in a full replacement too."""
    standin.core.discovery = None
    body = {key: value for key, value in timed().items() if key != missing}
    assert (await anna.insert(body)).status == 400
    await anna.insert(timed())
    assert (await anna.update(body)).status == 400


async def test_times_come_back_in_the_calendars_zone(standin: StandIn, anna: Client) -> None:
    """The instant and the named zone stay, the text does not."""
    reply = await anna.insert(timed("2026-12-02T07:00:00-05:00"))
    assert reply.json["start"] == {"dateTime": "2026-12-02T12:00:00Z", "timeZone": NEW_YORK}
    elsewhere = await anna.get(params={"timeZone": "Asia/Tokyo"})
    assert elsewhere.json["start"] == {"dateTime": "2026-12-02T21:00:00+09:00", "timeZone": NEW_YORK}
    assert (await anna.get(params={"timeZone": "Mars/Base"})).status == 400


async def test_offset_that_contradicts_the_zone(anna: Client) -> None:
    """The instant wins and is rendered in the zone that was named."""
    reply = await anna.insert(timed("2026-12-02T07:00:00+01:00"))
    assert reply.json["start"] == {"dateTime": "2026-12-02T06:00:00Z", "timeZone": NEW_YORK}


async def test_time_without_offset_but_with_zone(anna: Client) -> None:
    """It is local time of that zone, summer time included."""
    reply = await anna.insert(timed("2026-07-01T07:00:00", "2026-07-01T19:00:00"))
    assert reply.json["start"]["dateTime"] == "2026-07-01T11:00:00Z"


async def test_patch_from_timed_to_all_day_without_nulls(anna: Client) -> None:
    """Nested objects merge: the old dateTime is still there, and both together are refused."""
    await anna.insert(timed())
    days: Json = {"start": {"date": "2026-12-02"}, "end": {"date": "2026-12-03"}}
    refused = await anna.patch(days)
    nulled = {side: {**value, "dateTime": None, "timeZone": None} for side, value in days.items()}
    accepted = await anna.patch(nulled)
    assert (refused.status, accepted.status) == (400, 200)
    assert (accepted.json["start"], accepted.json["end"]) == (days["start"], days["end"])


async def test_patch_from_all_day_to_timed(anna: Client) -> None:
    """The date must be nulled likewise."""
    await anna.insert(all_day())
    body = {side: timed()[side] for side in ("start", "end")}
    refused = await anna.patch(body)
    accepted = await anna.patch({side: {**value, "date": None} for side, value in body.items()})
    assert (refused.status, accepted.status, "date" in accepted.json["start"]) == (400, 200, False)


async def test_patch_keeps_what_it_does_not_name(anna: Client) -> None:
    """Fields, and properties within nested objects, stay; null deletes."""
    private = {"bgsId": "BGS_1", "bgsVersion": "1"}
    await anna.insert(timed(location="Station 4", colorId="5", extendedProperties={"private": private}))
    change = {"location": None, "extendedProperties": {"private": {"bgsVersion": "2", "bgsId": None}}}
    reply = await anna.patch(change)
    assert reply.json["extendedProperties"] == {"private": {"bgsVersion": "2"}}
    assert (reply.json["colorId"], "location" in reply.json) == ("5", False)


async def test_update_resets_what_it_does_not_name(anna: Client) -> None:
    """A full replacement loses colour, properties and reminders that it does not repeat."""
    reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 10}]}
    await anna.insert(timed(colorId="5", reminders=reminders, extendedProperties={"private": {"a": "b"}}))
    reply = await anna.update(timed())
    assert not {"colorId", "extendedProperties"} & reply.json.keys()
    assert reply.json["reminders"] == {"useDefault": True}


async def test_read_only_fields_in_a_body(anna: Client) -> None:
    """What Google owns is ignored, so that a whole resource can be sent back."""
    whole = (await anna.insert(timed())).json
    reply = await anna.update({**whole, "created": "2001-01-01T00:00:00Z", "htmlLink": "https://x.example"})
    assert reply.status == 200
    assert (reply.json["created"], reply.json["htmlLink"]) == (whole["created"], whole["htmlLink"])


async def test_another_id_in_the_body_of_an_update(anna: Client) -> None:
    """An event cannot change its id."""
    await anna.insert(timed())
    assert (await anna.update(timed(id="another0"))).status == 400


@pytest.mark.parametrize(
    "field",
    [
        {"status": "maybe"},
        {"transparency": "glass"},
        {"visibility": "hidden"},
        {"colorId": "12"},
        {"eventType": "party"},
        {"source": {"title": "x", "url": "ftp://x.example"}},
        {"recurrence": ["RRULE:FREQ=DAILY"]},
    ],
)
async def test_values_outside_their_choices(anna: Client, field: Json) -> None:
    """They are invalid, on insert and on patch."""
    assert (await anna.insert(timed(**field))).status == 400
    await anna.insert(timed())
    assert (await anna.patch(field)).status == 400


@pytest.mark.parametrize("field", [{"summary": 7}, {"location": ["x"]}, {"guestsCanModify": "true"}])
async def test_values_of_another_type(standin: StandIn, anna: Client, field: Json) -> None:
    """They are refused without the discovery document as well."""
    standin.core.discovery = None
    assert (await anna.insert(timed(**field))).status == 400


_POPUP = {"method": "popup", "minutes": 10}


@pytest.mark.parametrize(
    "reminders",
    [
        {"useDefault": True, "overrides": [_POPUP]},
        {"useDefault": False, "overrides": [_POPUP] * 6},
        {"useDefault": False, "overrides": [{"method": "sms", "minutes": 10}]},
        {"useDefault": False, "overrides": [{"method": "popup", "minutes": 40321}]},
        {"useDefault": False, "overrides": [{"method": "popup", "minutes": -1}]},
    ],
)
async def test_reminders_that_are_refused(anna: Client, reminders: Json) -> None:
    """At most five overrides, of a known method, within four weeks, and not beside the default."""
    assert (await anna.insert(timed(reminders=reminders))).status == 400


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, {"useDefault": True}),
        ({"useDefault": True}, {"useDefault": True}),
        ({"useDefault": False}, {"useDefault": False}),
        ({"useDefault": False, "overrides": [_POPUP] * 5}, {"useDefault": False, "overrides": [_POPUP] * 5}),
    ],
)
async def test_reminders_that_are_kept(anna: Client, given: Any, kept: Json) -> None:
    """Absent means the default; useDefault=false without overrides means none."""
    reply = await anna.insert(timed() if given is None else timed(reminders=given))
    assert reply.json["reminders"] == kept


async def test_long_keys_and_values_of_properties(anna: Client) -> None:
    """A key beyond 44 characters vanishes, a value beyond 1024 is cut, both without a word."""
    private = {"k" * 44: "v" * 1025, "k" * 45: "lost"}
    reply = await anna.insert(timed(extendedProperties={"private": private}))
    assert (reply.status, reply.json["extendedProperties"]) == (200, {"private": {"k" * 44: "v" * 1024}})


@pytest.mark.parametrize(
    "private",
    [{f"k{number}": "v" for number in range(301)}, {f"k{number}": "v" * 1024 for number in range(33)}],
    ids=["count", "size"],
)
async def test_too_many_properties(anna: Client, private: Json) -> None:
    """300 properties and 32 kB are the limit of an event."""
    assert (await anna.insert(timed(extendedProperties={"private": private}))).status == 400


async def test_property_that_is_no_text(standin: StandIn, anna: Client) -> None:
    """Values are strings."""
    standin.core.discovery = None
    assert (await anna.insert(timed(extendedProperties={"private": {"bgsVersion": 7}}))).status == 400


async def test_account_that_strips_properties(standin: StandIn, anna: Client) -> None:
    """What stands loses them, and what comes never has them."""
    properties: Json = {"extendedProperties": {"private": {"a": "b"}}}
    await anna.insert(timed(**properties))
    standin.state.strip_properties(ANNA, strip=True)
    await anna.insert(timed(id="later", **properties))
    items = (await anna.listing()).json["items"]
    assert [item.get("extendedProperties") for item in items] == [None, None]
    assert await anna.ids(privateExtendedProperty="a=b") == []


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (b"{", "application/json", "parseError"),
        (b"[]", "application/json", "parseError"),
        (b"{}", "text/plain", "badContent"),
    ],
)
async def test_body_that_is_no_json_object(anna: Client, data: bytes, kind: str, reason: str) -> None:
    """It is refused before anything else is looked at."""
    url = f"{anna.url}/calendar/v3/calendars/primary/events"
    headers = {"Authorization": f"Bearer {anna.token}", "Content-Type": kind}
    async with anna.session.post(url, data=data, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["error"]["errors"][0]["reason"] == reason
