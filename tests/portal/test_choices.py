"""What users may choose for themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.google import StandIn
from schemas.policy import Policies, Policy
from tests.portal.world import AGENCY, USER, Browser, world_of

SOME = Policies(agencies={AGENCY: Policy(user_may_choose=frozenset({"colour", "show_as"}))})


@pytest.fixture
async def ann(google: StandIn, tmp_path: Path) -> AsyncIterator[Browser]:
    """Ann is connected; her agency leaves colour, and busy or free, to its users."""
    async with world_of(google, tmp_path, policies=SOME) as world, world.browser() as browser:
        await browser.enter()
        await browser.connect()
        yield browser


async def kept(ann: Browser) -> dict[str, object] | None:
    """What is kept of Ann's choices."""
    return await ann.world.vault.preferences.get(AGENCY, USER)


async def test_a_choice(ann: Browser) -> None:
    """It is kept, and shown as chosen; what is left to the agency is asked for by nobody."""
    page = await ann.press("/preferences", colour="tomato", show_as="")
    assert "Saved. Your events follow within seconds." in page.said
    assert await kept(ann) == {"colour": "tomato"}
    assert '<option value="tomato" selected>Tomato</option>' in page.text
    assert 'name="details"' not in page.text
    await ann.press("/preferences", colour="", show_as="free")
    assert await kept(ann) == {"show_as": "free"}


async def test_a_choice_that_is_not_the_users(ann: Browser) -> None:
    """What the agency keeps to itself is not taken, and what was chosen of it before stays for another day."""
    await ann.world.vault.preferences.put(AGENCY, USER, {"details": "title_only"}, ann.world.clock())
    await ann.press("/preferences", colour="sage", details="full")
    assert await kept(ann) == {"colour": "sage", "details": "title_only"}


async def test_a_choice_that_is_none(ann: Browser) -> None:
    """A colour that there is not: refused, and nothing is kept."""
    page = await ann.press("/preferences", colour="infrared")
    assert page.status == 400
    assert await kept(ann) is None


async def test_kafka_is_away(ann: Browser) -> None:
    """Nothing is kept that no calendar would follow."""
    ann.world.sent.away = True
    page = await ann.press("/preferences", colour="sage")
    assert "That could not be passed on just now" in page.said
    assert await kept(ann) is None


async def test_an_agency_that_leaves_nothing(google: StandIn, tmp_path: Path) -> None:
    """There is no such form, and one that is sent all the same changes nothing."""
    async with world_of(google, tmp_path) as world, world.browser() as ann:
        await ann.enter()
        page = await ann.connect()
        assert "/preferences" not in page.text
        page = await ann.ask(
            "POST",
            "/preferences",
            data={"csrf": page.text.split('name="csrf" value="')[1].split('"')[0], "colour": "sage"},
        )
        assert page.status == 303
        assert await world.vault.preferences.get(AGENCY, USER) in ({}, None)
