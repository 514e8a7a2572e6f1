"""The evidence: what arrived, what it did, what it broke."""

from __future__ import annotations

import asyncio
import time

from sandbox.google import StandIn
from tests.sandbox.google.client import ID, Client, timed
from tests.sandbox.google.conftest import ANNA


async def test_every_request_is_noted(standin: StandIn, anna: Client) -> None:
    """Method, account, calendar, event, status, reason, query, If-Match and both clocks."""
    before = time.time(), time.monotonic()
    etag = (await anna.insert(timed(), params={"sendUpdates": "none"})).json["etag"]
    await anna.delete(headers={"If-Match": '"old"'})
    insert, delete = standin.journal.entries
    assert (insert.method, insert.account, insert.calendar, insert.event_id) == (
        "events.insert",
        ANNA,
        ANNA,
        ID,
    )
    assert (insert.status, insert.query, insert.if_match, insert.committed) == (
        200,
        "sendUpdates=none",
        None,
        True,
    )
    assert (delete.status, delete.reason, delete.if_match) == (412, "conditionNotMet", '"old"')
    assert (delete.committed, etag == '"old"') == (False, False)
    assert before[0] <= insert.at <= delete.at <= time.time()
    assert before[1] <= insert.mono <= (insert.answered_mono or 0) <= delete.mono <= time.monotonic()


async def test_id_made_by_google(standin: StandIn, anna: Client) -> None:
    """An insert without an id is noted with the id it got."""
    body = {key: value for key, value in timed().items() if key != "id"}
    made = (await anna.insert(body)).json["id"]
    assert standin.journal.entries[0].event_id == made


async def test_bodies_only_on_demand(standin: StandIn, anna: Client) -> None:
    """Bodies are kept when asked for."""
    await anna.insert(timed())
    standin.journal.keep_bodies = True
    await anna.patch({"summary": "kept"})
    assert [entry.body for entry in standin.journal.entries] == [None, '{"summary": "kept"}']


async def test_token_in_a_url(standin: StandIn, anna: Client) -> None:
    """A secret that was sent in a query is not written down."""
    await anna.listing(oauth_token="secret")
    assert "secret" not in repr(standin.journal.entries)


async def test_counts_and_commits(standin: StandIn, anna: Client) -> None:
    """Calls by method and status, and how often each event was really changed."""
    await anna.insert(timed())
    await anna.insert(timed())
    await anna.patch({"summary": "new"})
    assert standin.journal.counts() == {"events.insert": {"200": 1, "409": 1}, "events.patch": {"200": 1}}
    assert standin.journal.committed() == {(ANNA, ID): 2}
    assert standin.journal.committed("events.insert") == {(ANNA, ID): 1}


async def test_two_writes_at_once(standin: StandIn, anna: Client) -> None:
    """Writes to one event that overlap are noted, one after the other is not, nor are other events."""
    standin.latency_ms = 50
    await anna.insert(timed())
    await anna.insert(timed(id="other"))
    assert standin.journal.overlaps == []
    calls = (
        anna.patch({"summary": "a"}),
        anna.patch({"summary": "b"}),
        anna.patch({"summary": "c"}, "other"),
    )
    await asyncio.gather(*calls)
    assert len(standin.journal.overlaps) == 1


async def test_path_that_google_does_not_have(standin: StandIn, anna: Client) -> None:
    """A page, a 404, and a violation."""
    reply = await anna.call("POST", "calendars/primary/events/import", timed())
    wrong = await anna.call("GET", "calendar/primary")
    assert (reply.status, wrong.status) == (404, 404)
    assert len(standin.journal.violations) == 2
