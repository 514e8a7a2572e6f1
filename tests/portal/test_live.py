"""A page that is open: told what changes, of its own user, at little weight."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.portal.shown import a_shift, a_view, live
from tests.portal.world import Browser, World


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
