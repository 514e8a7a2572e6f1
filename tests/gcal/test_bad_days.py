"""The client over HTTP on Google's bad days: what comes out, what was sent, what stands."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gcal.client import GoogleCalendar
from gcal.port import Grant
from sandbox.google import Quota, StandIn
from schemas.answers import Done, Duplicate, Held
from schemas.errors import (
    GoogleForNow,
    GoogleUnavailable,
    GrantLost,
    OperatorError,
    QuotaExhausted,
    RateLimited,
)
from tests.gcal.contract import ID, LONG_AGO, get, insert, patch, remove
from tests.gcal.world import ACCOUNT, client_of, grant_of


@pytest.fixture
def ann(standin: StandIn) -> Grant:
    return grant_of(ACCOUNT, standin.connect(ACCOUNT).refresh_token)


def count(standin: StandIn, method: str) -> int:
    return len(standin.journal.select(method=method))


def standing(standin: StandIn) -> list[str]:
    events = standin.state.calendar(ACCOUNT, "primary").events
    return [name for name, event in events.items() if not event.cancelled]


async def test_twenty_calls_with_an_expired_token(
    standin: StandIn, client: GoogleCalendar, ann: Grant
) -> None:
    """One token request serves them all, and each event is inserted once."""
    await client.call(ann, "primary", get())
    standin.grants.expire(ACCOUNT)
    calls = [client.call(ann, "primary", insert(f"bgs{number:05d}")) for number in range(20)]
    assert all(isinstance(answer, Held) for answer in await asyncio.gather(*calls))
    assert count(standin, "oauth.token") == 2
    assert len(standing(standin)) == 20


async def test_a_token_that_google_refuses_again_and_again(
    standin: StandIn, client: GoogleCalendar, ann: Grant
) -> None:
    """A second fresh token is not asked for: the grant is lost."""
    standin.faults.add("unauthorized", method="events.*")
    with pytest.raises(GrantLost):
        await client.call(ann, "primary", insert())
    assert (count(standin, "oauth.token"), count(standin, "events.insert")) == (2, 2)


async def test_a_token_that_google_refuses_once(standin: StandIn, client: GoogleCalendar, ann: Grant) -> None:
    """It is renewed once, and a listing goes on as well."""
    for _ in range(2):
        standin.faults.add("unauthorized", method="events.*", times=1)
        assert (await client.list_page(ann, "primary", "metro-ems", LONG_AGO, None)).events == ()
    assert count(standin, "oauth.token") == 3


async def test_an_answer_that_is_lost_after_the_commit(
    standin: StandIn, client: GoogleCalendar, ann: Grant
) -> None:
    """It is for now, the POST is not sent twice, and calling again is told of the duplicate."""
    await client.call(ann, "primary", get())  # a kept-alive connection is what tempts a library to send again
    standin.faults.add("drop", method="events.insert", commit=True, times=1)
    with pytest.raises(GoogleUnavailable):
        await client.call(ann, "primary", insert())
    assert (count(standin, "events.insert"), standing(standin)) == (1, [ID])
    assert await client.call(ann, "primary", insert()) == Duplicate()


@pytest.mark.parametrize("method", ["events.patch", "events.delete"])
async def test_another_answer_that_is_lost(
    standin: StandIn, client: GoogleCalendar, ann: Grant, method: str
) -> None:
    """A patch is for now; a deletion may have been sent again by itself, and is done or missing."""
    event = await client.call(ann, "primary", insert())
    assert isinstance(event, Held)
    standin.faults.add("drop", method=method, commit=True, times=2)
    etag = event.event["etag"]
    with pytest.raises(GoogleUnavailable):
        await client.call(
            ann, "primary", patch(etag, {"summary": "x"}) if "patch" in method else remove(etag)
        )


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "html"}, GoogleUnavailable),
        ({"kind": "html", "status": 404}, GoogleUnavailable),
        ({"kind": "html", "status": 200}, GoogleUnavailable),
        ({"kind": "empty"}, GoogleUnavailable),
        ({"kind": "empty", "commit": True}, GoogleUnavailable),
        ({"kind": "drop"}, GoogleUnavailable),
        ({"kind": "hang", "seconds": 5.0}, GoogleUnavailable),
        ({"kind": "status", "status": 503, "retry_after": "7"}, GoogleUnavailable),
        ({"kind": "status", "status": 403, "reason": "quotaExceeded"}, QuotaExhausted),
        ({"kind": "status", "status": 403, "reason": "insufficientPermissions"}, GrantLost),
        ({"kind": "status", "status": 403, "reason": "accessNotConfigured"}, OperatorError),
    ],
)
async def test_a_fault_in_every_call(
    standin: StandIn, ann: Grant, fault: dict[str, Any], expected: type[Exception]
) -> None:
    """Each kind of call says the same, and says when to come back if Google did."""
    standin.faults.add(method="events.*", **fault)
    async with client_of(standin, timeout_s=0.5) as client:
        for call in (insert(), get(), patch('"1"', {"summary": "x"}), remove('"1"')):
            with pytest.raises(expected) as caught:
                await client.call(ann, "primary", call)
        with pytest.raises(expected):
            await client.list_page(ann, "primary", "metro-ems", LONG_AGO, None)
    if isinstance(caught.value, GoogleForNow):
        assert caught.value.retry_after == (7.0 if fault.get("retry_after") else None)


@pytest.mark.parametrize("kind", ["html", "empty", "drop"])
async def test_a_deletion_that_answers_nonsense(
    standin: StandIn, client: GoogleCalendar, ann: Grant, kind: Any
) -> None:
    """Nobody knows whether it happened; calling again finds out, whichever it was."""
    for commit in (False, True):
        event = await client.call(ann, "primary", insert(f"bgs{commit:05d}"))
        assert isinstance(event, Held)
        call = remove(event.event["etag"], event.event["id"])
        standin.faults.add(kind, method="events.delete", commit=commit, times=1)
        try:
            first = await client.call(ann, "primary", call)
        except GoogleUnavailable:
            first = await client.call(ann, "primary", call)
        assert first.answer in {"done", "missing"}
    assert standing(standin) == []


@pytest.mark.parametrize("shape", ["403", "429"])
async def test_a_full_window(shape: Any) -> None:
    """Either shape of Google's refusal is a rate limit, with the wait that it names."""
    async with StandIn(quota=Quota(user_per_minute=1, shape=shape, retry_after=True)) as standin:
        grant = grant_of(ACCOUNT, standin.connect(ACCOUNT).refresh_token)
        async with client_of(standin) as client:
            assert isinstance(await client.call(grant, "primary", insert()), Held)
            with pytest.raises(RateLimited) as caught:
                await client.call(grant, "primary", get())
    assert caught.value.scope == "user"
    assert caught.value.retry_after is not None
    assert 55 < caught.value.retry_after <= 61


async def test_a_consent_with_too_few_scopes(standin: StandIn, client: GoogleCalendar) -> None:
    """The user is asked to connect again, with one code whatever Google's word is."""
    scopes = ["https://www.googleapis.com/auth/calendar.events.readonly"]
    grant = grant_of(ACCOUNT, standin.connect(ACCOUNT, scopes=scopes).refresh_token)
    with pytest.raises(GrantLost) as caught:
        await client.call(grant, "primary", insert())
    assert caught.value.code == "insufficient_scope"


async def test_a_wrong_client_secret(standin: StandIn, client: GoogleCalendar, ann: Grant) -> None:
    """Whoever runs Shiftcal is told the settings' names."""
    standin.grants.clients["client"] = "another secret"
    with pytest.raises(OperatorError, match="SHIFTCAL_GOOGLE_CLIENT_SECRET"):
        await client.call(ann, "primary", insert())


@pytest.mark.parametrize("kind", ["html", "empty", "drop", "hang"])
async def test_a_token_endpoint_on_a_bad_day(standin: StandIn, ann: Grant, kind: Any) -> None:
    """It is for now, and no call is made without a token; so is a revocation."""
    standin.faults.add(kind, method="oauth.token")
    standin.faults.add(kind, method="oauth.revoke", status=503)
    async with client_of(standin, timeout_s=0.5) as client:
        with pytest.raises(GoogleUnavailable):
            await client.call(ann, "primary", insert())
        if kind != "empty":
            with pytest.raises(GoogleUnavailable):
                await client.revoke(ann.refresh_token)
    assert count(standin, "events.insert") == 0


async def test_a_host_where_nobody_listens(standin: StandIn, ann: Grant) -> None:
    """It is for now; nothing leaks."""
    await standin.stop()
    async with client_of(standin) as client:
        with pytest.raises(GoogleUnavailable):
            await client.call(ann, "primary", insert())


async def test_tasks_that_are_older_than_the_session(
    standin: StandIn, client: GoogleCalendar, ann: Grant
) -> None:
    """They use the one session all the same: no connection per task, and none is left open."""
    ready = asyncio.Event()

    async def work(number: int) -> None:
        await ready.wait()
        answer = await client.call(ann, "primary", insert(f"bgs{number:05d}"))
        assert isinstance(answer, Held)
        assert await client.call(ann, "primary", remove(answer.event["etag"], answer.event["id"])) == Done()

    tasks = [asyncio.create_task(work(number)) for number in range(3)]
    await client.call(ann, "primary", get())
    ready.set()
    await asyncio.gather(*tasks)


async def test_a_call_after_the_end(standin: StandIn, ann: Grant) -> None:
    """A closed client opens nothing again, and closing twice is no error."""
    client = client_of(standin)
    await client.call(ann, "primary", get())
    await client.close()
    await client.close()
    with pytest.raises(RuntimeError):
        await client.call(ann, "primary", get())
