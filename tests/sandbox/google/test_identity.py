"""Which ids Google takes, and what it says of ids that are taken."""

from __future__ import annotations

import pytest

from sandbox.google import StandIn
from tests.sandbox.google.client import ID, Client, all_day, timed, without_id
from tests.sandbox.google.conftest import ANNA


@pytest.mark.parametrize("event_id", ["abcde", "0" * 1024, ID])
async def test_id_within_base32hex_and_length(anna: Client, event_id: str) -> None:
    """Base32hex of 5 to 1024 characters is taken as it is."""
    reply = await anna.insert(timed(id=event_id))
    assert (reply.status, reply.json["id"]) == (200, event_id)


@pytest.mark.parametrize(
    "event_id", ["abcd", "0" * 1025, "abcdw", "ABCDE", "abc-de", "abc_de", "bgs é00", ""]
)
async def test_id_outside_base32hex_or_length(anna: Client, event_id: str) -> None:
    """Everything else is an invalid value."""
    reply = await anna.insert(timed(id=event_id))
    assert (reply.status, reply.reason) == (400, "invalid")


async def test_insert_without_id(anna: Client) -> None:
    """Google makes an id of its own each time."""
    first, second = await anna.insert(without_id(timed())), await anna.insert(without_id(timed()))
    assert first.json["id"] != second.json["id"]
    assert len(await anna.ids()) == 2


async def test_insert_of_a_taken_id(anna: Client) -> None:
    """The second insert is a duplicate and changes nothing."""
    await anna.insert(timed(summary="first"))
    reply = await anna.insert(timed(summary="second"))
    assert (reply.status, reply.reason) == (409, "duplicate")
    assert reply.json["error"]["message"] == "The requested identifier already exists."
    assert (await anna.get()).json["summary"] == "first"


async def test_insert_of_a_deleted_id(anna: Client) -> None:
    """A cancelled event keeps its id taken."""
    await anna.insert(timed())
    await anna.delete()
    reply = await anna.insert(timed())
    assert (reply.status, reply.reason) == (409, "duplicate")


async def test_same_id_on_another_calendar(anna: Client, ben: Client) -> None:
    """Ids are unique per calendar only."""
    assert (await anna.insert(timed())).status == 200
    assert (await ben.insert(timed())).status == 200


async def test_id_and_another_uid_together(anna: Client) -> None:
    """Only one of id and iCalUID may be given."""
    assert (await anna.insert(timed(iCalUID="other@x.example"))).status == 400


async def test_uid_of_a_deleted_event(anna: Client) -> None:
    """An iCalUID that a client chose stays taken after the deletion."""
    body = without_id(timed(iCalUID="shift-1@x.example"))
    first = await anna.insert(body)
    await anna.delete(first.json["id"])
    assert (await anna.insert(body)).status == 409


async def test_id_that_is_gone_for_good(anna: Client, standin: StandIn) -> None:
    """Burnt as `gone`: no insert, and nothing to read, write, delete or list."""
    await anna.insert(timed())
    standin.state.burn(standin.state.calendars[ANNA], ID, "gone")
    assert (await anna.insert(timed())).status == 409
    statuses = [(await c).status for c in (anna.get(), anna.patch({}), anna.update(timed()), anna.delete())]
    assert statuses == [404, 404, 404, 404]
    assert await anna.ids(showDeleted="true") == []


async def test_burnt_id_that_was_never_used(anna: Client, standin: StandIn) -> None:
    """An id can be burnt before anybody used it here."""
    standin.state.burn(standin.state.calendars[ANNA], ID, "gone")
    assert ((await anna.insert(timed())).status, (await anna.get()).status) == (409, 404)


@pytest.mark.parametrize("used", [True, False])
async def test_id_that_cannot_be_revived(anna: Client, standin: StandIn, *, used: bool) -> None:
    """Burnt as `forbidden`: readable as cancelled, and 403 on every attempt to revive it."""
    if used:
        await anna.insert(timed())
    standin.state.burn(standin.state.calendars[ANNA], ID, "forbidden")
    read = await anna.get()
    assert ((await anna.insert(timed())).status, read.json["status"]) == (409, "cancelled")
    revival = {"status": "confirmed", "sequence": read.json["sequence"]}
    patched = await anna.patch(revival, headers={"If-Match": read.json["etag"]})
    updated = await anna.update(timed(**revival), headers={"If-Match": read.json["etag"]})
    assert (patched.status, updated.status) == (403, 403)


async def test_purged_id(anna: Client, standin: StandIn) -> None:
    """When the cancelled event has disappeared, its id is free again."""
    await anna.insert(timed())
    await anna.delete()
    standin.state.purge(standin.state.calendars[ANNA], ID)
    assert (await anna.get()).status == 404
    assert (await anna.insert(all_day())).status == 200
