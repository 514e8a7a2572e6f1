"""Etags, sequences, deletion and revival."""

from __future__ import annotations

import pytest

from sandbox.google import StandIn
from tests.sandbox.google.client import Client, all_day, timed


async def test_every_write_makes_a_new_etag(anna: Client) -> None:
    """The etag is that of the version, in the body and in the header."""
    first = await anna.insert(timed())
    second = await anna.patch({"summary": "new"})
    read = await anna.get()
    assert first.json["etag"] != second.json["etag"] == read.json["etag"] == read.headers["ETag"]


@pytest.mark.parametrize("verb", ["patch", "update", "delete"])
async def test_if_match_with_an_old_etag(anna: Client, verb: str) -> None:
    """A write on an older version is refused and does nothing."""
    old = (await anna.insert(timed())).json["etag"]
    newest = (await anna.patch({"colorId": "5"})).json
    headers = {"If-Match": old}
    match verb:
        case "patch":
            reply = await anna.patch({"summary": "lost"}, headers=headers)
        case "update":
            reply = await anna.update(timed(summary="lost"), headers=headers)
        case _:
            reply = await anna.delete(headers=headers)
    assert (reply.status, reply.reason) == (412, "conditionNotMet")
    assert (await anna.get()).json == newest


async def test_if_match_with_the_newest_etag(anna: Client) -> None:
    """A write on the newest version goes through."""
    etag = (await anna.insert(timed())).json["etag"]
    patched = await anna.patch({"summary": "new"}, headers={"If-Match": etag})
    deleted = await anna.delete(headers={"If-Match": patched.json["etag"]})
    assert (patched.status, deleted.status) == (200, 204)


async def test_if_none_match_with_the_newest_etag(anna: Client) -> None:
    """A get of an unchanged event is 304."""
    etag = (await anna.insert(timed())).json["etag"]
    assert (await anna.get(headers={"If-None-Match": etag})).status == 304


async def test_deleted_event_is_still_readable(anna: Client) -> None:
    """Get answers a cancelled event with its details; list leaves it out unless asked."""
    await anna.insert(timed())
    assert (await anna.delete()).status == 204
    read = await anna.get()
    assert (read.status, read.json["status"], read.json["summary"]) == (200, "cancelled", "Medic 12 Day")
    assert (await anna.ids(), await anna.ids(showDeleted="true")) == ([], [read.json["id"]])


async def test_bare_cancelled_events(anna: Client, standin: StandIn) -> None:
    """With the switch only what Google guarantees is left."""
    standin.state.switches.bare_cancelled = True
    await anna.insert(timed())
    await anna.delete()
    assert (await anna.get()).json.keys() == {"kind", "etag", "id", "status"}


async def test_delete_of_a_deleted_event(anna: Client) -> None:
    """It is gone already."""
    etag = (await anna.insert(timed())).json["etag"]
    await anna.delete()
    reply = await anna.delete(headers={"If-Match": etag})
    assert (reply.status, reply.reason) == (410, "deleted")


async def test_event_that_never_existed(anna: Client) -> None:
    """Every call on it is 404."""
    calls = (anna.get(), anna.patch({"summary": "x"}), anna.update(timed()), anna.delete())
    replies = [await call for call in calls]
    assert [(reply.status, reply.reason) for reply in replies] == [(404, "notFound")] * 4


@pytest.mark.parametrize("verb", ["patch", "update"])
async def test_revival(anna: Client, verb: str) -> None:
    """Status confirmed brings a cancelled event back under its id, with a higher sequence."""
    await anna.insert(timed())
    await anna.delete()
    dead = (await anna.get()).json
    headers = {"If-Match": dead["etag"]}
    back = {"status": "confirmed", "sequence": dead["sequence"]}
    if verb == "patch":
        reply = await anna.patch(back, headers=headers)
    else:
        reply = await anna.update(timed(**back), headers=headers)
    assert (reply.status, reply.json["status"]) == (200, "confirmed")
    assert reply.json["sequence"] > dead["sequence"]
    assert await anna.ids() == [dead["id"]]


async def test_patch_of_a_cancelled_event_without_status(anna: Client) -> None:
    """The fields change, the event stays deleted."""
    await anna.insert(timed())
    await anna.delete()
    reply = await anna.patch({"summary": "still dead"})
    assert (reply.json["status"], reply.json["summary"]) == ("cancelled", "still dead")


async def test_blind_revival_when_forbidden(anna: Client, standin: StandIn) -> None:
    """With the switch, an update that shows no knowledge of the cancelled event is 403; a read before it helps."""
    standin.state.switches.forbid_blind_revival = True
    await anna.insert(timed())
    await anna.delete()
    blind = await anna.update(timed(status="confirmed"))
    etag = (await anna.get()).json["etag"]
    seeing = await anna.update(timed(status="confirmed"), headers={"If-Match": etag})
    assert (blind.status, blind.reason, seeing.status) == (403, "forbidden", 200)


async def test_patch_with_status_cancelled(anna: Client) -> None:
    """It is a deletion."""
    await anna.insert(timed())
    await anna.patch({"status": "cancelled"})
    assert ((await anna.delete()).status, await anna.ids()) == (410, [])


async def test_insert_with_status_cancelled(anna: Client) -> None:
    """Nothing can be created deleted."""
    assert (await anna.insert(timed(status="cancelled"))).status == 400


async def test_sequence_grows_with_the_times_only(anna: Client) -> None:
    """A new title leaves it, a new time raises it."""
    first = (await anna.insert(timed())).json["sequence"]
    titled = (await anna.patch({"summary": "new"})).json["sequence"]
    moved = await anna.patch({"end": {"dateTime": "2026-12-02T20:00:00-05:00"}})
    assert (first, titled, moved.json["sequence"]) == (0, 0, 1)


async def test_stale_sequence(anna: Client) -> None:
    """A sequence below the stored one is refused."""
    await anna.insert(timed(sequence=3))
    assert (await anna.patch({"sequence": 2})).status == 400
    assert (await anna.patch({"sequence": 3})).status == 200


async def test_updated_moves_with_each_version(anna: Client) -> None:
    """`created` stands, `updated` is not before it and has milliseconds."""
    first = (await anna.insert(timed())).json
    second = (await anna.patch({"summary": "new"})).json
    assert second["created"] == first["created"] <= first["updated"] <= second["updated"]
    assert len(second["updated"]) == len("2026-12-02T07:00:00.000Z")


async def test_type_of_an_event_cannot_change(anna: Client) -> None:
    """Its type is fixed at creation."""
    await anna.insert(all_day())
    assert (await anna.patch({"eventType": "focusTime"})).status == 400
