"""How it stands, in words."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest

from tests.portal.shown import a_shift, a_view
from tests.portal.world import Browser


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
