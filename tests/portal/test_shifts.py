"""The next shifts, the last change, and what a re-sync repaired."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.portal.shown import NOON, a_result, a_shift, a_view, live
from tests.portal.world import Browser

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


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
