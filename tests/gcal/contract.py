"""What Shiftcal leans on at Google, as tests that hold for the twin and for the client alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gcal.port import Grant
from planning.body import as_patch, event_fingerprint, event_instant
from schemas.answers import Changed, Denied, Done, Duplicate, Held, Missing
from schemas.errors import CalendarGone, GrantLost
from schemas.mutations import EventBody, Get, Insert, Patch, Remove
from tests.gcal.world import World

ID = "bgs0000000000000000000000000000000000000000000000000001"
#: An id with every character that a URL would take for something else.
TEAM = "team/a#b?c&d@group.calendar.google.com"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def body(event_id: str = ID, **changes: Any) -> EventBody:
    """An insert as planning writes it."""
    zone = "America/New_York"
    return {
        "id": event_id,
        "summary": "Medic 12 Day",
        "location": "Station 4",
        "description": "Bring the new radio",
        "start": {"dateTime": "2026-12-02T07:00:00-05:00", "timeZone": zone},
        "end": {"dateTime": "2026-12-02T19:00:00-05:00", "timeZone": zone},
        "reminders": {"useDefault": True},
        "extendedProperties": {
            "private": {"bgsId": "BGS_48213", "bgsAgency": "metro-ems", "bgsVersion": "7"}
        },
    } | changes


def insert(event_id: str = ID, **changes: Any) -> Insert:
    return Insert(event_id=event_id, generation=0, body=body(event_id, **changes))


def get(event_id: str = ID) -> Get:
    return Get(event_id=event_id, generation=0)


def patch(etag: str, changes: EventBody, event_id: str = ID) -> Patch:
    return Patch(event_id=event_id, generation=0, etag=etag, body=changes)


def remove(etag: str, event_id: str = ID) -> Remove:
    return Remove(event_id=event_id, generation=0, etag=etag)


async def stored(world: World, grant: Grant, call: Insert | None = None) -> EventBody:
    """Insert, and return what Google holds then."""
    answer = await world.port.call(grant, "primary", call or insert())
    assert isinstance(answer, Held)
    return answer.event


async def held(world: World, grant: Grant, event_id: str = ID) -> EventBody:
    answer = await world.port.call(grant, "primary", get(event_id))
    assert isinstance(answer, Held)
    return answer.event


async def listed(world: World, grant: Grant, ended_after: datetime = LONG_AGO) -> list[EventBody]:
    """The whole listing, page by page."""
    found: list[EventBody] = []
    token: str | None = None
    while True:
        page = await world.port.list_page(grant, "primary", "metro-ems", ended_after, token)
        found += page.events
        token = page.next_page_token
        if token is None:
            return found


class Inserting:
    async def test_an_insert_into_an_empty_calendar(self, world: World) -> None:
        """The event stands under our id, with an etag, and shows what was sent."""
        event = await stored(world, world.grant())
        assert event["id"] == ID
        assert event["etag"] == (await held(world, world.grant()))["etag"]
        assert event_fingerprint(event) == event_fingerprint(body())
        assert list(world.standing("primary")) == [ID]

    async def test_an_insert_into_a_calendar_of_another_zone(self, world: World) -> None:
        """Google answers in the calendar's zone: other text, the same instants, our own zone's name."""
        event = await stored(world, world.grant())
        assert event["start"] == {"dateTime": "2026-12-02T13:00:00+01:00", "timeZone": "America/New_York"}

    async def test_an_insert_for_the_second_time(self, world: World) -> None:
        """The second is a duplicate and changes nothing."""
        grant = world.grant()
        await stored(world, grant)
        answer = await world.port.call(grant, "primary", insert(summary="Another"))
        assert answer == Duplicate()
        assert world.standing("primary")[ID]["summary"] == "Medic 12 Day"

    async def test_an_insert_after_a_deletion(self, world: World) -> None:
        """A deleted event keeps its id, and can be read as cancelled."""
        grant = world.grant()
        await stored(world, grant)
        world.delete("primary", ID)
        assert await world.port.call(grant, "primary", insert()) == Duplicate()
        assert (await held(world, grant))["status"] == "cancelled"

    async def test_an_insert_after_google_forgot_the_id(self, world: World) -> None:
        """Then the id is free again."""
        grant = world.grant()
        await stored(world, grant)
        world.purge("primary", ID)
        assert isinstance(await world.port.call(grant, "primary", insert()), Held)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"id": "NotBase32"}, "invalid"),
            (
                {"end": {"dateTime": "2026-12-02T07:00:00-05:00", "timeZone": "America/New_York"}},
                "timeRangeEmpty",
            ),
            ({"end": {"date": "2026-12-03"}}, "invalid"),
            ({"start": {"dateTime": "2026-12-02T07:00:00", "timeZone": "Mars/Base"}}, "invalid"),
        ],
    )
    async def test_an_insert_that_google_will_never_take(
        self, world: World, changes: EventBody, reason: str
    ) -> None:
        """It is denied with Google's reason, and nothing stands."""
        grant = world.grant()
        assert await world.port.call(grant, "primary", insert(**changes)) == Denied(status=400, reason=reason)
        assert world.standing("primary") == {}

    async def test_private_properties_that_are_too_long(self, world: World) -> None:
        """Long names vanish and long values are cut, in silence."""
        names = {"bgsAgency": "metro-ems", "k" * 45: "gone", "k" * 44: "v" * 1_025}
        event = await stored(world, world.grant(), insert(extendedProperties={"private": names}))
        assert event["extendedProperties"]["private"] == {"bgsAgency": "metro-ems", "k" * 44: "v" * 1_024}

    async def test_a_default(self, world: World) -> None:
        """It is left out of answers; what is no default is answered."""
        event = await stored(world, world.grant(), insert(transparency="opaque", colorId="6"))
        assert (event["colorId"], "transparency" in event) == ("6", False)


class Patching:
    async def test_colour_and_transparency(self, world: World) -> None:
        """They are set by a word, and given back by null."""
        grant = world.grant()
        event = await stored(world, grant)
        for colour, transparency in (("6", "transparent"), ("11", "opaque"), (None, None)):
            change = patch(event["etag"], {"colorId": colour, "transparency": transparency})
            answer = await world.port.call(grant, "primary", change)
            assert isinstance(answer, Held)
            event = answer.event
            assert event.get("colorId") == colour
            assert event.get("transparency") == (transparency if transparency == "transparent" else None)

    async def test_a_patch_with_the_current_etag(self, world: World) -> None:
        """It merges: what it does not name stays, null removes, and the etag is new."""
        grant = world.grant()
        before = await stored(world, grant)
        world.alter("primary", ID, {"colorId": "5", "reminders": {"useDefault": False}})
        current = (await held(world, grant))["etag"]
        changes = {
            "summary": "Medic 12 Night",
            "location": None,
            "extendedProperties": {"private": {"bgsVersion": "8"}},
        }
        answer = await world.port.call(grant, "primary", patch(current, changes))
        assert isinstance(answer, Held)
        assert answer.event["etag"] not in {before["etag"], current}
        assert (answer.event["summary"], answer.event["colorId"]) == ("Medic 12 Night", "5")
        assert "location" not in answer.event
        assert answer.event["reminders"] == {"useDefault": False}
        assert answer.event["extendedProperties"]["private"] == {
            "bgsId": "BGS_48213",
            "bgsAgency": "metro-ems",
            "bgsVersion": "8",
        }

    async def test_a_patch_after_the_user_altered_the_event(self, world: World) -> None:
        """The old etag is refused, and the user's text stays."""
        grant = world.grant()
        etag = (await stored(world, grant))["etag"]
        world.alter("primary", ID, {"summary": "Mine"})
        assert await world.port.call(grant, "primary", patch(etag, {"summary": "Ours"})) == Changed()
        assert world.standing("primary")[ID]["summary"] == "Mine"

    async def test_a_patch_after_the_user_deleted_the_event(self, world: World) -> None:
        """A deletion is a change like any other: the old etag is refused."""
        grant = world.grant()
        etag = (await stored(world, grant))["etag"]
        world.delete("primary", ID)
        assert await world.port.call(grant, "primary", patch(etag, {"summary": "Ours"})) == Changed()

    async def test_a_patch_of_nothing(self, world: World) -> None:
        """An unknown event is missing."""
        assert await world.port.call(world.grant(), "primary", patch('"1"', {"summary": "x"})) == Missing()

    async def test_a_patch_from_timed_to_all_day_and_back(self, world: World) -> None:
        """Planning's patches null the other kind of time, and so they pass."""
        grant = world.grant()
        etag = (await stored(world, grant))["etag"]
        days = body(start={"date": "2026-12-02"}, end={"date": "2026-12-03"})
        for wanted in (days, body()):
            answer = await world.port.call(grant, "primary", patch(etag, as_patch(wanted)))
            assert isinstance(answer, Held)
            assert event_fingerprint(answer.event) == event_fingerprint(wanted)
            etag = answer.event["etag"]

    async def test_a_patch_that_leaves_the_other_kind_of_time(self, world: World) -> None:
        """Google merges nested objects, and denies an event with both kinds."""
        grant = world.grant()
        etag = (await stored(world, grant))["etag"]
        changes = {"start": {"date": "2026-12-02"}, "end": {"date": "2026-12-03"}}
        assert await world.port.call(grant, "primary", patch(etag, changes)) == Denied(
            status=400, reason="invalid"
        )

    async def test_a_revival(self, world: World) -> None:
        """A patch to `confirmed`, with the etag of a read, brings a deleted event back."""
        grant = world.grant()
        await stored(world, grant)
        world.delete("primary", ID)
        etag = (await held(world, grant))["etag"]
        changes = as_patch(body()) | {"status": "confirmed"}
        assert isinstance(await world.port.call(grant, "primary", patch(etag, changes)), Held)
        assert [event["id"] for event in await listed(world, grant)] == [ID]

    async def test_an_id_that_is_burnt(self, world: World) -> None:
        """It is taken, and yet there is nothing."""
        grant = world.grant()
        world.burn("primary", ID, "gone")
        assert await world.port.call(grant, "primary", insert()) == Duplicate()
        assert await world.port.call(grant, "primary", get()) == Missing()
        assert await world.port.call(grant, "primary", patch('"1"', {"status": "confirmed"})) == Missing()

    async def test_an_event_that_google_will_not_revive(self, world: World) -> None:
        """It is taken, can be read, and a revival is denied."""
        grant = world.grant()
        await stored(world, grant)
        world.burn("primary", ID, "forbidden")
        event = await held(world, grant)
        assert event["status"] == "cancelled"
        answer = await world.port.call(grant, "primary", patch(event["etag"], {"status": "confirmed"}))
        assert answer == Denied(status=403, reason="forbidden")


class Deleting:
    async def test_a_deletion(self, world: World) -> None:
        """It is done once; a second one finds nothing."""
        grant = world.grant()
        etag = (await stored(world, grant))["etag"]
        assert await world.port.call(grant, "primary", remove(etag)) == Done()
        assert await world.port.call(grant, "primary", remove(etag)) == Missing()
        assert world.standing("primary") == {}
        assert await listed(world, grant) == []

    async def test_a_deletion_after_the_user_altered_the_event(self, world: World) -> None:
        """The old etag is refused, and the event stands."""
        grant = world.grant()
        etag = (await stored(world, grant))["etag"]
        world.alter("primary", ID, {"colorId": "5"})
        assert await world.port.call(grant, "primary", remove(etag)) == Changed()
        assert list(world.standing("primary")) == [ID]

    async def test_a_deletion_of_nothing(self, world: World) -> None:
        """An unknown event is missing, to a deletion and to a read."""
        assert await world.port.call(world.grant(), "primary", remove('"1"')) == Missing()
        assert await world.port.call(world.grant(), "primary", get()) == Missing()


class Listing:
    async def test_a_listing_among_other_peoples_events(self, world: World) -> None:
        """Only events that name the agency are listed."""
        grant = world.grant()
        await stored(world, grant)
        foreign = {key: value for key, value in body().items() if key not in {"id", "extendedProperties"}}
        world.add("primary", foreign)
        world.add("primary", foreign | {"extendedProperties": {"private": {"bgsAgency": "other"}}})
        assert [event["id"] for event in await listed(world, grant)] == [ID]
        assert len(world.standing("primary")) == 3

    async def test_a_listing_from_the_end_of_the_event_on(self, world: World) -> None:
        """An event that ends at that very instant is not listed."""
        grant = world.grant()
        end = event_instant(await stored(world, grant), "end")
        assert await listed(world, grant, end) == []
        assert len(await listed(world, grant, end - timedelta(seconds=1))) == 1

    async def test_a_listing_of_an_all_day_event(self, world: World) -> None:
        """Its day ends at midnight in the calendar's zone."""
        grant = world.grant()
        await stored(world, grant, insert(start={"date": "2026-12-02"}, end={"date": "2026-12-03"}))
        assert len(await listed(world, grant, datetime(2026, 12, 2, 22, 59, 59, tzinfo=UTC))) == 1
        assert await listed(world, grant, datetime(2026, 12, 2, 23, tzinfo=UTC)) == []

    async def test_a_listing_of_several_pages(self, world: World) -> None:
        """Every event is listed exactly once."""
        grant = world.grant()
        world.page_size(2)
        ids = [f"bgs{number:05d}" for number in range(5)]
        for event_id in ids:
            await stored(world, grant, insert(event_id))
        assert [event["id"] for event in await listed(world, grant)] == ids

    async def test_a_listing_in_an_account_that_strips_properties(self, world: World) -> None:
        """Nothing is listed, though everything stands and can be read."""
        grant = world.grant()
        await stored(world, grant)
        world.strip_properties()
        await stored(world, grant, insert("bgs00002"))
        assert await listed(world, grant) == []
        assert "extendedProperties" not in await held(world, grant, "bgs00002")


class Consents:
    async def test_a_calendar_with_an_awkward_id(self, world: World) -> None:
        """Its id reaches Google as it is, in every call."""
        grant = world.grant()
        first = await world.port.call(grant, TEAM, insert())
        assert isinstance(first, Held)
        second = await world.port.call(grant, TEAM, patch(first.event["etag"], {"summary": "Night"}))
        assert isinstance(second, Held)
        assert await world.port.call(grant, TEAM, get()) == second
        assert (await world.port.list_page(grant, TEAM, "metro-ems", LONG_AGO, None)).events == (
            second.event,
        )
        assert await world.port.call(grant, TEAM, remove(second.event["etag"])) == Done()

    async def test_a_calendar_that_was_deleted(self, world: World) -> None:
        """What would write or list says that it is gone; a single event of it is missing."""
        grant = world.grant()
        assert isinstance(await world.port.call(grant, TEAM, insert()), Held)
        world.drop(TEAM)
        with pytest.raises(CalendarGone):
            await world.port.call(grant, TEAM, insert())
        with pytest.raises(CalendarGone):
            await world.port.list_page(grant, TEAM, "metro-ems", LONG_AGO, None)
        for call in (get(), patch('"1"', {"summary": "x"}), remove('"1"')):
            assert await world.port.call(grant, TEAM, call) == Missing()

    async def test_a_consent_that_was_revoked(self, world: World) -> None:
        """Every further call says that the grant is lost; a second revocation is no error."""
        grant = world.grant()
        event = await stored(world, grant)
        await world.port.revoke(grant.refresh_token)
        await world.port.revoke(grant.refresh_token)
        with pytest.raises(GrantLost) as caught:
            await world.port.call(grant, "primary", remove(event["etag"]))
        assert caught.value.code == "invalid_grant"
        with pytest.raises(GrantLost):
            await world.port.list_page(grant, "primary", "metro-ems", LONG_AGO, None)
        assert list(world.standing("primary")) == [ID]

    async def test_two_users(self, world: World) -> None:
        """Neither sees the other's events."""
        ann, bob = world.grant(), world.grant("bob@example.com")
        await stored(world, ann)
        assert await listed(world, bob) == []
        assert await world.port.call(bob, "primary", get()) == Missing()
        assert isinstance(await world.port.call(bob, "primary", insert()), Held)


class CalendarContract(Inserting, Patching, Deleting, Listing, Consents):
    """Everything that a `CalendarPort` must do; run by a class with a `world` fixture."""
