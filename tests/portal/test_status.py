"""How it stands: in words, with the next shifts, and as it changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from schemas.facts import Published
from schemas.outputs import CausedBy, SyncResult
from schemas.views import NextShift, View
from tests.portal.world import AGENCY, USER, Browser, World

NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


def a_shift(**fields: Any) -> NextShift:
    """The next shift: twelve hours in New York."""
    shape = {
        "calendar_id": "ops-2026-12",
        "shift_id": "48213",
        "version": 7,
        "title": "Medic 12 Day",
        "location": "Station 4",
        "start": datetime(2026, 12, 2, 12, tzinfo=UTC),
        "end": datetime(2026, 12, 3, 0, tzinfo=UTC),
        "time_zone": "America/New_York",
        "place": "in_google",
        "published": Published(version=4, at=datetime(2026, 11, 23, 13, tzinfo=UTC)),
    }
    return NextShift.model_validate(shape | fields)


def a_view(*shifts: NextShift, **fields: Any) -> View:
    """A view with these shifts, all of which stand in Google unless said otherwise."""
    count = len(shifts)
    return View.model_validate(
        {"wanted": count, "in_google": count, "ahead": count, **fields, "shifts": shifts}
    )


def a_result(action: str = "inserted", latency_ms: int | None = 420, event_id: str = "e") -> SyncResult:
    """A change that reached Google just now."""
    cause = CausedBy(topic="p-sync-commands", partition=0, offset=1, event_id=event_id, occurred_at=NOON)
    return SyncResult.model_validate(
        {
            "agency_id": AGENCY,
            "user_id": USER,
            "calendar_id": "ops",
            "shift_id": "s",
            "version": 1,
            "action": action,
            "google_event_id": "bgs1",
            "at": datetime(2026, 12, 1, 17, 20, tzinfo=UTC),
            "caused_by": cause,
            "latency_ms": latency_ms,
        }
    )


@pytest.fixture
async def connected(ann: Browser) -> Browser:
    """Ann is connected."""
    await ann.enter()
    await ann.connect()
    return ann


@pytest.mark.parametrize(
    ("state", "more", "view", "said"),
    [
        ("syncing", {"pending": 28}, {"wanted": 40, "in_google": 12}, "Syncing 12 of 40"),
        ("syncing", {"pending": 1}, {"wanted": 40, "in_google": 40}, "Syncing, 1 change to go"),
        ("syncing", {"pending": 0}, {}, "Syncing, looking at your calendar"),
        ("in_sync", {}, {}, "In step Everything that is published for you is in your Google Calendar."),
        (
            "needs_reauthorization",
            {"code": "invalid_grant"},
            {},
            "Needs you to reconnect Our access to your Google Calendar was taken back, or has expired. Authorize again",
        ),
        ("needs_reauthorization", {"code": "domainPolicy"}, {}, "Ask the administrator to allow it"),
        (
            "needs_reauthorization",
            {"code": "of tomorrow"},
            {},
            "Google does not let us write to your calendar",
        ),
        ("needs_reauthorization", {}, {}, "Google does not let us write to your calendar"),
        ("paused", {"code": "held"}, {}, "your agency has to confirm that first"),
        ("paused", {"code": "accessNotConfigured"}, {}, "it is the same for everybody"),
        ("paused", {"code": "quotaExceeded"}, {}, "Waiting Google takes no more changes of your calendar"),
        ("stopped", {"code": "calendar_gone"}, {}, "does not exist any more, or you cannot see it."),
        ("stopped", {"code": "calendar_moved"}, {}, "Another user of Metro EMS has connected the same"),
        ("deactivated", {}, {}, "Metro EMS has told us that you left"),
        ("in_sync", {"code": "drift"}, {}, "You deleted or altered events of ours by hand"),
        ("in_sync", {"code": "refused"}, {}, "Google refused some of your shifts."),
        ("in_sync", {"code": "resync_cooldown"}, {}, "In step"),
    ],
)
async def test_a_state(
    connected: Browser, state: str, more: dict[str, Any], view: dict[str, Any], said: str
) -> None:
    """It is told in plain words, with what to do about it, and never in those for operators."""
    error = {"code": more.get("code"), "message": "FOR OPERATORS", "what_to_do": "FOR OPERATORS"}
    world = connected.world
    await world.tell(view=a_view(**view))
    await world.state(
        state, pending=more.get("pending", 0), last_error=error if error["code"] is not None else None
    )
    page = await connected.get("/")
    assert said in page.said
    assert "FOR OPERATORS" not in page.text
    # The way out is on the page: a button to connect where that helps, else those of a connection.
    wanted = "stop" if state in {"syncing", "in_sync", "paused"} else "connect"
    assert f'action="/{wanted}"' in page.text


async def test_waiting_for_googles_limit(connected: Browser) -> None:
    """Until when is told in the zone of the user's own shifts, where it is known."""
    world = connected.world
    until = world.clock().astimezone(UTC) + timedelta(minutes=40)
    error = {"code": "quotaExceeded", "message": "x", "what_to_do": "x"}
    await world.state("paused", last_error=error)
    await world.tell(view=a_view(a_shift(time_zone="Asia/Tokyo"), waits_until=until))
    tokyo = until + timedelta(hours=9)
    clock = f"{tokyo.hour % 12 or 12}:{tokyo.minute:02} {'am' if tokyo.hour < 12 else 'pm'} JST"
    said = (await connected.get("/")).said
    assert "Waiting for Google's limit until about" in said
    assert clock in said
    world.clock.ahead = timedelta(hours=1)
    assert "until about" not in (await connected.get("/")).said


async def test_a_status_from_before_the_connect(ann: Browser) -> None:
    """What was said before counts for nothing once the user has connected again."""
    await ann.enter()
    for state in ("needs_reauthorization", "stopped", "deactivated", "not_connected"):
        await ann.world.state(state)
        assert "Connected, starting" in (await ann.connect()).said
        assert "Connected, starting" in (await ann.get("/")).said
        await ann.world.state("needs_reauthorization")
        assert "Needs you to reconnect" in (await ann.get("/")).said


async def test_no_worker_runs(connected: Browser) -> None:
    """After a while the page says that it begins later, by itself."""
    connected.world.clock.ahead = timedelta(seconds=31)
    assert "the first sync has not begun yet. It begins by itself" in (await connected.get("/")).said


async def test_late_news(connected: Browser) -> None:
    """Where nothing comes from Kafka the page says that what it shows may be old."""
    connected.world.parts.freshness._fresh_at -= timedelta(minutes=1)
    assert "News from the sync is late at the moment." in (await connected.get("/")).said


async def test_the_next_shifts(connected: Browser) -> None:
    """Each in its own zone, with where it stands and why it is there; ten of them, and how many more."""
    world = connected.world
    await world.state("in_sync")
    many = [a_shift(shift_id=f"s{n}", title=f"Shift {n}") for n in range(12)]
    await world.tell(view=a_view(*many, ahead=50))
    said = (await connected.get("/")).said
    assert "Shift 0 Wednesday, December 2, 7:00 am to 7:00 pm EST Station 4 in Google" in said
    assert (
        "From calendar ops-2026-12, version 7 of the shift. Published or changed Monday, November 23, 8:00 am."
        in said
    )
    assert "Shift 9 " in said
    assert "Shift 10" not in said
    assert "And 40 more." in said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"end": datetime(2026, 12, 3, 12, tzinfo=UTC)}, "7:00 am to Thursday, December 3, 7:00 am EST"),
        ({"start": date(2026, 12, 2), "end": date(2026, 12, 3), "time_zone": None}, "December 2, all day"),
        (
            {"start": date(2026, 12, 2), "end": date(2026, 12, 5), "time_zone": None},
            "Wednesday, December 2, all day, until Friday, December 4",
        ),
        ({"place": "waiting"}, "on its way"),
        ({"place": "refused"}, "Google refused it"),
        ({"place": "left"}, "as you made it"),
        ({"published": None}, "version 7 of the shift."),
    ],
)
async def test_a_shift(connected: Browser, fields: dict[str, Any], said: str) -> None:
    """Over midnight, over days, all day long; in Google or not."""
    await connected.world.state("in_sync")
    await connected.world.tell(view=a_view(a_shift(**fields)))
    assert said in (await connected.get("/")).said


async def test_markup_in_a_title(connected: Browser) -> None:
    """What stands in a schedule is text: nothing of it is markup, on the page or in its stream."""
    world = connected.world
    await world.state("in_sync")
    shift = a_shift(title=MARKUP, location=MARKUP, calendar_id=MARKUP.replace("/", "|"))
    await world.tell(view=a_view(shift))
    page = await connected.get("/")
    async with live(connected) as told:
        html = (await anext(told))["html"]
    for text in (page.text, html):
        assert "&lt;script&gt;alert(1)" in text
        assert "<img" not in text
        assert "<script>" not in text
        assert "\"'&" not in text


async def test_the_last_change(connected: Browser) -> None:
    """What it was, when, and how long it took; what waited for a connect says nothing of how quick we are."""
    world = connected.world
    await world.state("in_sync")
    await world.tell(view=a_view(a_shift()))
    await world.tell(result=a_result())
    said = (await connected.get("/")).said
    assert "Last change: a shift was added, Tuesday, December 1, 12:20 pm EST. It took 0.4 seconds" in said
    await world.tell(result=a_result("deleted", 5 * 3_600_000))
    assert (
        "Last change: a shift was removed, Tuesday, December 1, 12:20 pm EST."
        in (await connected.get("/")).said
    )
    await world.tell(result=a_result("refused", None))
    assert "Google refused a shift" in (await connected.get("/")).said


async def test_what_a_resync_repaired(connected: Browser) -> None:
    """It is counted for this very command, and told once the look is over."""
    world = connected.world
    await world.state("in_sync")
    await world.tell(view=a_view(a_shift(), looked_at=NOON))
    await connected.press("/resync")
    event_id = str(world.sent.commands[-1][2]["event_id"])
    for action in ("inserted", "inserted", "patched", "deleted"):
        await world.tell(result=a_result(action, event_id=event_id))
    await world.tell(result=a_result("inserted", event_id="another"))
    assert "We are looking at your Google Calendar." in (await connected.get("/")).said
    await world.tell(view=a_view(a_shift(), looked_at=NOON + timedelta(seconds=1)))
    said = (await connected.get("/")).said
    assert "repaired it: 2 events were put back, 1 was put right, 1 was taken off." in said


async def test_a_resync_that_found_nothing(connected: Browser) -> None:
    """That is said, too."""
    world = connected.world
    await world.state("in_sync")
    await world.tell(view=a_view(looked_at=NOON))
    await connected.press("/resync")
    await world.tell(view=a_view(looked_at=NOON + timedelta(seconds=1)))
    assert "We looked at your Google Calendar: everything was in place." in (await connected.get("/")).said


async def test_a_resync_that_a_worker_refused(connected: Browser) -> None:
    """Another one was asked for elsewhere a moment ago: a sentence."""
    world = connected.world
    await world.state("in_sync")
    await connected.press("/resync")
    error = {"code": "resync_cooldown", "message": "x", "what_to_do": "x"}
    await world.state("in_sync", last_error=error)
    assert "so we did not look again" in (await connected.get("/")).said


@asynccontextmanager
async def live(browser: Browser) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """What an open page is told."""
    async with browser.session.get(f"{browser.world.url}/live") as reply:
        assert reply.status == 200
        assert reply.headers["Content-Type"].startswith("text/event-stream")
        yield events_of(reply)


async def events_of(reply: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream."""
    async for line in reply.content:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


async def test_a_page_that_is_open(connected: Browser) -> None:
    """It is told at once what changes, and nothing where nothing does."""
    world = connected.world
    async with live(connected) as told, asyncio.timeout(10):
        assert "Connected, starting" in (await anext(told))["html"]
        for done in (0, 20, 40):
            await world.state("syncing", pending=60 - done)
            await world.tell(view=a_view(wanted=60, in_google=done))
            begun = world.clock()
            while f"Syncing {done} of 60" not in (await anext(told))["html"]:
                pass
            assert world.clock() - begun < timedelta(seconds=1)
        await world.state("in_sync")
        last = await anext(told)
        assert "In step" in last["html"]
        assert last["connected"] is True
        await world.state("needs_reauthorization")
        assert (await anext(told))["connected"] is False


async def test_a_page_that_another_portal_writes_for(connected: Browser) -> None:
    """News that no projector of this process has rung for is found by looking."""
    world: World = connected.world
    ring, world.parts.bell.ring = world.parts.bell.ring, lambda persons: None  # type: ignore[method-assign]
    async with live(connected) as told, asyncio.timeout(10):
        await anext(told)
        await world.state("syncing", pending=3)
        assert "Syncing" in (await anext(told))["html"]
    world.parts.bell.ring = ring  # type: ignore[method-assign]


async def test_the_page_of_another_user(connected: Browser) -> None:
    """A stream tells of its own user alone."""
    world = connected.world
    async with world.browser() as bob:
        await bob.enter(user="u-18", name="Bob")
        async with live(bob) as told, asyncio.timeout(10):
            assert "Not connected" in (await anext(told))["html"]
            await world.tell(view=a_view(a_shift(title="Ann's")))
            await world.state("in_sync")
            await world.state("needs_reauthorization", user="u-18")
            seen = (await anext(told))["html"]
            assert "Needs you to reconnect" in seen
            assert "Ann" not in seen


async def test_everything_weighs_little(connected: Browser) -> None:
    """A page with ten shifts, its style, script and icon: under 50 kB."""
    world = connected.world
    await world.state("in_sync")
    await world.tell(view=a_view(*(a_shift(shift_id=f"s{n}") for n in range(12))))
    page = await connected.get("/")
    files = [await connected.get(f"/static/{name}") for name in ("portal.css", "portal.js", "icon.svg")]
    weight = sum(len(answer.text.encode()) for answer in (page, *files))
    assert weight < 50_000, weight
